/** What counts as a candidate on a disk of the test's own: files by their endings, pipelines, nothing twice. */
import { expect, it } from "vitest";
import { candidateAt, Walk } from "../../../src-main/models/walk.ts";
import { type FakeDisk, fakeDisk, type FakeTree } from "../../support/models/fake-disk.ts";

const never = new AbortController().signal;

async function found(tree: FakeTree, place = "/models", disk: FakeDisk = fakeDisk(tree)) {
  const candidates: string[] = [];
  const problems: string[] = [];
  for await (const each of new Walk(disk, never, new Set()).place(place)) {
    if (each.kind === "problem") problems.push(each.words);
    else candidates.push(`${each.kind} ${each.path}`);
  }
  return { candidates, problems };
}

it("takes safetensors at any depth, and pickles that have no better file beside them", async () => {
  const tree = {
    "/models/b.safetensors": 1,
    "/models/A.SAFETENSORS": 1,
    "/models/deep/er/c.sft": 1,
    "/models/old.ckpt": 1,
    "/models/b.ckpt": 1,
    "/models/b.vae.ckpt": 1,
    "/models/.hidden/x.safetensors": 1,
    "/models/notes.txt": 1,
    "/models/pipe.safetensors": null,
  };
  expect(await found(tree)).toEqual({
    candidates: [
      "file /models/A.SAFETENSORS",
      "file /models/b.safetensors",
      "file /models/deep/er/c.sft",
      "pickle /models/old.ckpt",
    ],
    problems: [],
  });
});

it("takes a pipeline as one, whatever links it is made of", async () => {
  const tree = {
    "/hub/models--ada--portraits/blobs/1": 100,
    "/hub/models--ada--portraits/blobs/2": 7,
    "/models/ada": "/hub/models--ada--portraits/snapshots/abc",
    "/hub/models--ada--portraits/snapshots/abc/model_index.json":
      "/hub/models--ada--portraits/blobs/2",
    "/hub/models--ada--portraits/snapshots/abc/unet/model.safetensors":
      "/hub/models--ada--portraits/blobs/1",
    "/hub/models--ada--portraits/snapshots/abc/vae/model.safetensors": 10,
    "/hub/models--ada--portraits/snapshots/abc/whole.safetensors": 5,
  };
  expect((await found(tree)).candidates).toEqual([
    "diffusers /models/ada",
    "file /models/ada/whole.safetensors",
  ]);
  expect(await candidateAt(fakeDisk(tree), "/models/ada", never)).toMatchObject({
    kind: "diffusers",
    real: "/hub/models--ada--portraits/snapshots/abc",
    bytes: 110,
  });
  const changed = { ...tree, "/hub/models--ada--portraits/blobs/1": 101 };
  const stamps = [tree, changed, tree].map(
    async (each) => (await candidateAt(fakeDisk(each), "/models/ada", never)).stamp,
  );
  const [before, after, again] = await Promise.all(stamps);
  expect(before).not.toBe(after);
  expect(before).toBe(again);
});

it("walks a folder once, however many ways lead there", async () => {
  const tree = {
    "/models/a/x.safetensors": 1,
    "/models/a/up": "/models",
    "/models/b": "/models/a",
    "/models/dead.safetensors": "/nowhere",
    "/models/dead": "/nowhere",
    "/models/round.safetensors": "/models/round.safetensors",
  };
  expect(await found(tree)).toEqual({
    candidates: ["file /models/a/x.safetensors"],
    problems: [
      expect.stringContaining('"/models/dead.safetensors" does not exist'),
      expect.stringContaining("leads in a circle"),
    ],
  });
});

it("says which folder it could not read, and goes on", async () => {
  const tree = { "/models/locked/a.safetensors": 1, "/models/open/b.safetensors": 1 };
  const disk = fakeDisk(tree);
  disk.before = (path) => {
    if (path === "/models/locked") throw Object.assign(new Error("no"), { code: "EACCES" });
  };
  expect(await found(tree, "/models", disk)).toEqual({
    candidates: ["file /models/open/b.safetensors"],
    problems: [expect.stringMatching(/"\/models\/locked" may not be read/)],
  });
});

it("takes a single file as a place, and refuses what is none", async () => {
  const tree = { "/a.safetensors": 3, "/folder/readme.md": 1 };
  expect((await found(tree, "/a.safetensors")).candidates).toEqual(["file /a.safetensors"]);
  await expect(candidateAt(fakeDisk(tree), "/folder", never)).rejects.toMatchObject({
    code: "unsupported",
  });
  await expect(candidateAt(fakeDisk(tree), "/b.safetensors", never)).rejects.toMatchObject({
    code: "not-found",
  });
});
