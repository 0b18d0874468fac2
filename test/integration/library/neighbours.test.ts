/** Likeness by sketches: against plain cosines over all pairs, and through the library's worker. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fakeSketch, writeFakeLora } from "../../support/fake-engine.ts";
import { testLibrary } from "../../support/library.ts";

describe("similar and duplicates", () => {
  it("find what was made to be alike, in the same family, outside the trash", async () => {
    const { library, files, import: bring } = await testLibrary();
    const like = (share: number) => ({ like: { seed: 1, share } });
    const made = { base: {}, twin: like(0.999), near: like(0.8), far: like(0.3) };
    let seed = 1;
    for (const [name, about] of Object.entries(made)) {
      await writeFakeLora(join(files, `${name}.safetensors`), { seed: seed++, ...about });
    }
    await writeFakeLora(join(files, "other.safetensors"), {
      seed: 90,
      family: "sd15",
      ...like(0.99),
    });
    await bring([files]);
    await library.settled();
    const id = (name: string) => library.ids({ query: `name:${name}` })[0] ?? "";
    const near = await library.similar(id("base"), 10);
    expect(near.map(({ card }) => card.name)).toEqual(["twin", "near", "far"]);
    expect(near[0]?.similarity).toBeCloseTo(cosine({ seed: 1 }, { seed: 2, ...like(0.999) }), 5);
    const pairs = await library.duplicates(0.98);
    expect(pairs.map((group) => group.map(({ card }) => card.name))).toEqual([["base", "twin"]]);
    await library.remove([id("twin")]);
    expect((await library.similar(id("base"), 1))[0]?.card.name).toBe("near");
    expect(await library.duplicates(0.98)).toEqual([]);
    await library.restore(library.ids({ view: "trash" }));
    expect(await library.duplicates(0.98)).toHaveLength(1);
    // Read later: found without starting anew.
    await writeFakeLora(join(files, "third.safetensors"), { seed: 50, ...like(0.9999) });
    await bring([files]);
    await library.settled();
    expect((await library.duplicates(0.98))[0]).toHaveLength(3);
  });

  it("ends when it is no longer wanted", async () => {
    const { library } = await testLibrary();
    await expect(library.duplicates(0.5, AbortSignal.abort())).rejects.toMatchObject({
      code: "cancelled",
    });
  });
});

function cosine(a: Parameters<typeof fakeSketch>[0], b: Parameters<typeof fakeSketch>[0]): number {
  const left = fakeSketch(a);
  const right = fakeSketch(b);
  const product = left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);
  return product / (Math.hypot(...left) * Math.hypot(...right));
}
