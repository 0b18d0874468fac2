/** Files on a real disk: read by range, hashed, and written so that nothing is ever half there. */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { FacetError, type ErrorCode } from "../../src-main/core/errors.ts";
import { placeByReservation, writeAtomically } from "../../src-main/files/atomic-write.ts";
import { hashFile } from "../../src-main/files/hash.ts";
import { openFileSource } from "../../src-main/files/source.ts";
import { sweepTemporaries, temporaryPath } from "../../src-main/files/temporaries.ts";
import { pieceBytes, pieces } from "../support/atomic-writer.ts";

const root = mkdtempSync(join(tmpdir(), "facet-files-"));
const writer = fileURLToPath(new URL("../support/atomic-writer.ts", import.meta.url));
let folder = "";
let count = 0;

beforeEach(() => {
  folder = join(root, String(count++));
  mkdirSync(folder);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function mount(options: string, at: string): boolean {
  return spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", at]).status === 0;
}
function unmount(at: string): void {
  spawnSync("umount", ["-l", at]);
}
const canMount = ((): boolean => {
  const probe = join(root, "probe");
  mkdirSync(probe);
  const mounted = mount("size=1m", probe);
  if (mounted) unmount(probe);
  return mounted;
})();

function text(path: string): string {
  return readFileSync(path, "utf8");
}

function expectRefusal(action: () => unknown, code: ErrorCode, ...words: string[]): void {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(FacetError);
    expect((error as FacetError).code).toBe(code);
    for (const word of words) expect((error as FacetError).message).toContain(word);
    return;
  }
  expect.unreachable("nothing was refused");
}

const chunks = (...parts: string[]): Uint8Array[] => parts.map((part) => Buffer.from(part));

/** Names that users give and that quoting, patterns and counting bytes get wrong. */
const awkwardNames = [
  "with spaces.safetensors",
  `quotes ' " and $HOME; rm *.bin`,
  "🎨 emoji 👩‍👩‍👧.safetensors",
  "é combined and é composed.pt",
  "-dash.pt",
  "line\nbreak.pt",
  `${"n".repeat(251)}.bin`,
  `${"🎨".repeat(62)}.bin`,
];

describe("reading", () => {
  test.each(awkwardNames)("ranges of %j", (name) => {
    const path = join(folder, name);
    writeFileSync(path, "0123456789");
    using source = openFileSource(path);
    expect(source.size).toBe(10);
    expect(Buffer.from(source.read(3, 4)).toString()).toBe("3456");
    expect(source.read(10, 0)).toHaveLength(0);
    expectRefusal(() => source.read(8, 3), "truncated", path, "bytes 8 to 11", "byte 10");
  });

  test("two reads share no memory", () => {
    writeFileSync(join(folder, "a"), "abc");
    using source = openFileSource(join(folder, "a"));
    source.read(0, 3).fill(0);
    expect(Buffer.from(source.read(0, 3)).toString()).toBe("abc");
  });

  test("what is missing, a folder, no file or impossible is refused by its path", () => {
    const missing = join(folder, "missing.pt");
    expectRefusal(() => openFileSource(missing), "not-found", missing);
    expectRefusal(() => openFileSource(join(folder, "a", "b")), "not-found", "a");
    expectRefusal(() => openFileSource(folder), "not-readable", folder, "a folder");
    expectRefusal(() => openFileSource(join(folder, "n".repeat(300))), "not-found", "too long");
    expectRefusal(() => openFileSource("a\0b"), "invalid-argument");
    if (process.platform !== "win32") {
      spawnSync("mkfifo", [join(folder, "pipe")]);
      expectRefusal(
        () => openFileSource(join(folder, "pipe")),
        "not-readable",
        "not a regular file",
      );
    }
  });

  test("a file that shrinks while it is open is said to be truncated", () => {
    const path = join(folder, "shrinking.pt");
    writeFileSync(path, Buffer.alloc(1000));
    using source = openFileSource(path);
    truncateSync(path, 500);
    expectRefusal(() => source.read(400, 200), "truncated", path, "byte 500 of 1000");
  });

  test("hashing gives the digest of the whole file and can be cancelled", async () => {
    const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => i % 253));
    const path = join(folder, "big.bin");
    writeFileSync(path, bytes);
    const digest = (of: Uint8Array) => createHash("sha256").update(of).digest("hex");
    expect(await hashFile(path)).toEqual({ sha256: digest(bytes), dataSha256: null });
    // The header of a safetensors file may reach into any piece.
    for (const header of [0, 1000, 2 ** 20 - 8, 2 ** 20, 2_999_992, 2_999_993]) {
      const tensors = join(folder, "big.safetensors");
      bytes.writeBigUInt64LE(BigInt(header));
      writeFileSync(tensors, bytes);
      const data = bytes.subarray(8 + header);
      expect(await hashFile(tensors)).toEqual({
        sha256: digest(bytes),
        dataSha256: header > 2_999_992 ? null : digest(data),
      });
    }
    const cancelled = hashFile(path, AbortSignal.abort());
    await expect(cancelled).rejects.toMatchObject({ code: "cancelled", path });
    await expect(hashFile(join(folder, "missing"))).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("writing", () => {
  test.each(awkwardNames)("%j, and reports length and digest", (name) => {
    const path = join(folder, name);
    const parts = chunks("one ", "", "two ", "x".repeat(3_000_000), " three");
    const written = writeAtomically(path, parts, { overwrite: false });
    const whole = Buffer.concat(parts);
    expect(readFileSync(path).equals(whole)).toBe(true);
    expect(written).toEqual({
      bytes: whole.length,
      sha256: createHash("sha256").update(whole).digest("hex"),
    });
    expect(readdirSync(folder)).toEqual([name]);
  });

  test("an existing file is left alone unless it may be replaced", () => {
    const path = join(folder, "a.safetensors");
    writeAtomically(path, chunks("old"), { overwrite: false });
    let asked = 0;
    const counting = {
      *[Symbol.iterator]() {
        asked++;
        yield* chunks("new");
      },
    };
    expectRefusal(
      () => writeAtomically(path, counting, { overwrite: false }),
      "already-exists",
      path,
    );
    expect([text(path), asked]).toEqual(["old", 0]);
    writeAtomically(path, counting, { overwrite: true });
    expect(text(path)).toBe("new");
    expect(readdirSync(folder)).toEqual(["a.safetensors"]);
  });

  test("a file that takes the name while we write is left alone", () => {
    const path = join(folder, "a.safetensors");
    const rival = {
      *[Symbol.iterator]() {
        yield* chunks("ours");
        writeFileSync(path, "theirs");
      },
    };
    expectRefusal(() => writeAtomically(path, rival, { overwrite: false }), "already-exists", path);
    expect(text(path)).toBe("theirs");
    expect(readdirSync(folder)).toEqual(["a.safetensors"]);
  });

  test("what the content throws is thrown on and nothing stays", () => {
    const path = join(folder, "a.safetensors");
    writeFileSync(path, "old");
    const failing = {
      *[Symbol.iterator](): Generator<Uint8Array> {
        yield Buffer.alloc(2_000_000);
        throw new FacetError("overflow", "too large for f16", { field: "up" });
      },
    };
    expectRefusal(() => writeAtomically(path, failing, { overwrite: true }), "overflow", "f16");
    expect([text(path), readdirSync(folder)]).toEqual(["old", ["a.safetensors"]]);
  });

  test("a folder that is missing, vanishes, is a file, or has the file's name", () => {
    const gone = join(folder, "gone");
    expectRefusal(
      () => writeAtomically(join(gone, "a"), chunks("x"), { overwrite: false }),
      "not-found",
      gone,
    );
    mkdirSync(gone);
    const vanishing = {
      *[Symbol.iterator]() {
        yield* chunks("x");
        rmSync(gone, { recursive: true });
      },
    };
    for (const overwrite of [true, false]) {
      mkdirSync(gone, { recursive: true });
      expectRefusal(
        () => writeAtomically(join(gone, "a"), vanishing, { overwrite }),
        "not-found",
        gone,
      );
    }
    writeFileSync(join(folder, "file"), "x");
    expectRefusal(
      () => writeAtomically(join(folder, "file", "a"), chunks("x"), { overwrite: true }),
      "not-writable",
      "is not a folder",
    );
    expectRefusal(
      () => writeAtomically(folder, chunks("x"), { overwrite: true }),
      "not-writable",
      "a folder has that name",
    );
  });

  test("a name of 300 characters is refused before anything is made", () => {
    const path = join(folder, `${"n".repeat(300)}.safetensors`);
    expectRefusal(
      () => writeAtomically(path, chunks("x"), { overwrite: false }),
      "not-writable",
      path,
      "too long",
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  test("where links are not to be had, the name is reserved and never taken from another", () => {
    const path = join(folder, "a");
    const temporary = join(folder, "t");
    writeFileSync(temporary, "new");
    placeByReservation(temporary, path);
    expect([text(path), readdirSync(folder)]).toEqual(["new", ["a"]]);
    writeFileSync(temporary, "newer");
    expect(() => placeByReservation(temporary, path)).toThrow(/EEXIST/);
    expect([text(path), text(temporary)]).toEqual(["new", "newer"]);
    expect(() => placeByReservation(join(folder, "none"), join(folder, "b"))).toThrow(/ENOENT/);
    expect(existsSync(join(folder, "b"))).toBe(false);
  });

  test.skipIf(!canMount)(
    "a full disk is named with the bytes that it took (needs to mount)",
    () => {
      expect(mount("size=1m", folder)).toBe(true);
      try {
        const path = join(folder, "big.safetensors");
        const big = Array.from({ length: 40 }, () => Buffer.alloc(100_000, 1));
        expectRefusal(
          () => writeAtomically(path, big, { overwrite: false }),
          "disk-full",
          path,
          "bytes are free",
        );
        expect(readdirSync(folder)).toEqual([]);
        writeAtomically(path, chunks("fits"), { overwrite: false });
        expectRefusal(() => writeAtomically(path, big, { overwrite: true }), "disk-full", path);
        expect([text(path), readdirSync(folder)]).toEqual(["fits", ["big.safetensors"]]);
      } finally {
        unmount(folder);
      }
    },
  );

  test.skipIf(!canMount)("a read-only disk is named (needs to mount)", () => {
    expect(mount("size=1m,ro", folder)).toBe(true);
    try {
      const path = join(folder, "a.safetensors");
      for (const overwrite of [true, false]) {
        expectRefusal(
          () => writeAtomically(path, chunks("x"), { overwrite }),
          "not-writable",
          path,
          "read-only",
        );
      }
    } finally {
      unmount(folder);
    }
  });

  test.skipIf(process.platform === "win32")("a folder without permission is named", () => {
    chmodSync(root, 0o755);
    chmodSync(folder, 0o555);
    const path = join(folder, "a.safetensors");
    // Permissions do not bind root, so the child runs as nobody there.
    const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
    const { stdout, stderr } = spawnSync(process.execPath, [writer, "once", path], {
      ...nobody,
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    const answer = JSON.parse(stdout) as { code: string; message: string };
    expect(answer.code).toBe("not-writable");
    expect(answer.message).toContain(path);
    expect(answer.message).toContain("permission");
  });
});

describe("temporary files", () => {
  test("only those of dead processes go, and in shared folders only old ones", () => {
    const { pid: dead } = spawnSync(process.execPath, ["-e", ""]);
    const mine = temporaryPath(join(folder, "mine.safetensors"));
    const left = mine.replace(`.${process.pid}.`, `.${dead}.`);
    const unrelated = [".facet-tmp", "a.facet-tmp", ".a.b.facet-tmp", "lora.safetensors"];
    for (const name of unrelated) writeFileSync(join(folder, name), "");
    writeFileSync(mine, "");
    writeFileSync(left, "");
    expect(sweepTemporaries(folder)).toEqual([]);
    const hour = new Date(Date.now() - 3_600_000);
    utimesSync(left, hour, hour);
    utimesSync(mine, hour, hour);
    expect(sweepTemporaries(folder)).toHaveLength(1);
    expect(existsSync(left)).toBe(false);
    expect(existsSync(mine)).toBe(true);
    writeFileSync(left, "");
    expect(sweepTemporaries(folder, 0)).toHaveLength(1);
    // A number that was given to another process since.
    const month = new Date(Date.now() - 30 * 24 * 3_600_000);
    utimesSync(mine, month, month);
    expect(sweepTemporaries(folder)).toHaveLength(1);
    expect(readdirSync(folder).toSorted()).toEqual(unrelated.toSorted());
    expectRefusal(() => sweepTemporaries(join(folder, "none")), "not-found", "none");
  });

  test("a process killed between the two names of a new file leaves the whole file", () => {
    const path = join(folder, "a");
    const temporary = temporaryPath(path);
    writeFileSync(temporary, "whole");
    linkSync(temporary, path);
    utimesSync(temporary, 0, 0);
    sweepTemporaries(folder, 0);
    expect(text(path)).toBe("whole");
  });
});

/** Whole means: the full length, and one number throughout. */
function isWhole(path: string): boolean {
  const bytes = readFileSync(path);
  return bytes.equals(Buffer.alloc(pieceBytes * pieces, bytes[0]));
}

async function killWhileWriting(target: string, delay: number): Promise<void> {
  const child = spawn(process.execPath, [writer, "forever", target], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  await sleep(delay);
  child.kill("SIGKILL");
  await exited;
}

test("a process killed 50 times in the middle of writing leaves old files or new ones, never halves", async () => {
  let interrupted = 0;
  async function lane(target: string, kills: number): Promise<void> {
    mkdirSync(target);
    for (let kill = 0; kill < kills; kill++) {
      await killWhileWriting(target, Math.random() * 30);
      for (const name of readdirSync(target)) {
        const path = join(target, name);
        if (name.endsWith(".facet-tmp")) interrupted++;
        else
          expect([name, statSync(path).size, isWhole(path)]).toEqual([
            name,
            pieceBytes * pieces,
            true,
          ]);
        if (name.startsWith("new-")) rmSync(path);
      }
      sweepTemporaries(target, 0);
      expect(readdirSync(target)).toEqual(["replaced.bin"]);
    }
  }
  await Promise.all([lane(join(folder, "a"), 25), lane(join(folder, "b"), 25)]);
  // Otherwise the kills missed the writing and the test showed nothing.
  expect(interrupted).toBeGreaterThan(10);
});
