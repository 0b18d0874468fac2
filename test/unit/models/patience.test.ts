/** Disks that answer late or never: what was found is kept, and no more questions are risked than two. */
import { expect, it } from "vitest";
import type { Place } from "../../../src-main/comfy/places.ts";
import { Patience } from "../../../src-main/models/patience.ts";
import { fakeDisk } from "../../support/models/fake-disk.ts";

const never = new AbortController().signal;
const place = (path: string): Place => ({
  kind: "checkpoints",
  path,
  source: "chosen",
  tool: "",
  named: true,
});
const tree = {
  "/a/1.safetensors": 1,
  "/a/2.safetensors": 1,
  "/a/3.safetensors": 1,
  "/b/1.safetensors": 1,
  "/c/1.safetensors": 1,
};

it("stops a walk that takes too long, and keeps what it found", async () => {
  const disk = fakeDisk(tree);
  const patience = new Patience(disk);
  disk.before = (path) =>
    path.endsWith("2.safetensors") ? new Promise((done) => setTimeout(done, 150)) : undefined;
  const walked = await patience.walk(place("/a"), new Set(), 100, never);
  expect(walked).toMatchObject({ exists: true, complete: false });
  expect(walked.problems).toEqual([
    expect.stringMatching(/"\/a" took longer than 0\.1 s .* after 2 files/),
  ]);
  // It was slow and not dead: it is asked again.
  disk.before = undefined;
  expect(await patience.walk(place("/a"), new Set(), 1000, never)).toMatchObject({
    complete: true,
    problems: [],
    candidates: [1, 2, 3].map((n) => ({ path: `/a/${n}.safetensors` })),
  });
});

it("leaves a dead disk alone, and after two of them every other", async () => {
  const disk = fakeDisk(tree);
  const patience = new Patience(disk);
  const answer = Promise.withResolvers<void>();
  disk.before = () => answer.promise;
  for (const path of ["/a", "/b"]) {
    expect(await patience.walk(place(path), new Set(), 10, never)).toMatchObject({
      complete: false,
      candidates: [],
    });
  }
  const asked = disk.asked.length;
  expect((await patience.walk(place("/a"), new Set(), 10, never)).problems).toEqual([
    expect.stringMatching(/"\/a" still does not answer/),
  ]);
  expect((await patience.walk(place("/c"), new Set(), 10, never)).problems).toEqual([
    expect.stringMatching(/"\/c" was not looked through, because \/a and \/b do not answer/),
  ]);
  expect(disk.asked).toHaveLength(asked);
  answer.resolve();
  await expect
    .poll(async () => (await patience.walk(place("/c"), new Set(), 1000, never)).complete)
    .toBe(true);
});

it("does not ask a dead disk once more for each look that is stopped and begun again", async () => {
  const disk = fakeDisk(tree);
  const patience = new Patience(disk);
  const answer = Promise.withResolvers<void>();
  disk.before = () => answer.promise;
  for (let look = 0; look < 3; look++) {
    const stop = new AbortController();
    const walk = patience.walk(place("/a"), new Set(), 60_000, stop.signal).catch(() => null);
    if (look === 0) {
      // Its question is never answered: the look is given up while it waits.
      await expect.poll(() => disk.asked).toHaveLength(1);
      stop.abort();
      expect(await walk).toBeNull();
    } else {
      expect((await walk)?.problems).toEqual([expect.stringMatching(/still does not answer/)]);
    }
  }
  expect(disk.asked).toEqual(["/a"]);
  answer.resolve();
});

it("tells a folder that is not there from one that may not be read", async () => {
  const disk = fakeDisk(tree);
  const patience = new Patience(disk);
  expect(await patience.walk(place("/nowhere"), new Set(), 1000, never)).toEqual({
    candidates: [],
    exists: false,
    complete: true,
    problems: [],
  });
  disk.before = () => {
    throw Object.assign(new Error("no"), { code: "EACCES" });
  };
  expect(await patience.walk(place("/a"), new Set(), 1000, never)).toMatchObject({
    exists: true,
    complete: false,
    problems: [expect.stringMatching(/"\/a" may not be read/)],
  });
});
