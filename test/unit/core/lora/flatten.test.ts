import { describe, expect, it } from "vitest";
import { flatten, layoutOf, restrict, unflatten } from "../../../../src-main/core/lora/flatten.ts";
import type { Lora } from "../../../../src-main/core/lora/lora.ts";
import { randomLora } from "../../../support/dense.ts";

const tiny: Lora = {
  family: "sd15",
  embeddings: [],
  modules: [
    {
      path: "a",
      out: 2,
      in: 3,
      kernel: [1, 1],
      conv: false,
      rank: 2,
      down: Float32Array.of(1, 2, 3, 4, 5, 6),
      up: Float32Array.of(7, 8, 9, 10),
    },
    {
      path: "b",
      out: 1,
      in: 1,
      kernel: [1, 2],
      conv: true,
      rank: 2,
      down: Float32Array.of(11, 12, 13, 14),
      up: Float32Array.of(15, 16),
    },
  ],
};

describe("a layout", () => {
  it("puts down before up, module after module, and says where", () => {
    const layout = layoutOf("sd15", tiny.modules, 2);
    expect(layout).toEqual({
      version: 1,
      family: "sd15",
      rank: 2,
      modules: [
        { path: "a", out: 2, in: 3, kernel: [1, 1], conv: false, offset: 0 },
        { path: "b", out: 1, in: 1, kernel: [1, 2], conv: true, offset: 10 },
      ],
      dimension: 16,
    });
    expect([...flatten(tiny, layout)]).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    expect(JSON.parse(JSON.stringify(layout))).toEqual(layout);
  });

  it("gives the LoRA back, as copies", () => {
    const lora = randomLora(1, 3);
    const layout = layoutOf("sd15", lora.modules, 3);
    const vector = flatten(lora, layout);
    const back = unflatten(vector, layout);
    expect(back).toEqual(lora);
    vector.fill(0);
    expect(back).toEqual(lora);
  });

  it("follows its own order and leaves zeros where a module is missing", () => {
    const layout = layoutOf("sd15", tiny.modules.toReversed(), 2);
    const [, b] = tiny.modules;
    const vector = flatten({ ...tiny, modules: b ? [b] : [] }, layout);
    expect([...vector]).toEqual([11, 12, 13, 14, 15, 16, ...new Array<number>(10).fill(0)]);
  });

  it("refuses what does not fit, by name", () => {
    const layout = layoutOf("sd15", tiny.modules, 2);
    const [a, b] = tiny.modules;
    if (a === undefined || b === undefined) throw new Error("the tiny LoRA has two modules");
    const mismatch = (modules: Lora["modules"], words: RegExp) => {
      expect(() => flatten({ ...tiny, modules }, layout)).toThrow(
        expect.objectContaining({ code: "layout-mismatch", message: expect.stringMatching(words) }),
      );
    };
    mismatch([{ ...a, path: "c" }], /Module c .*no place/);
    mismatch([{ ...a, out: 4, rank: 1 }], /Module a is 4 x 3 at rank 1.* 2 x 3 at rank 2/);
    mismatch([{ ...b, kernel: [1, 1] }], /Module b is 1 x 1 .* 1 x 2/);
    expect(() => flatten({ ...tiny, family: "sdxl" }, layout)).toThrow(/sdxl.*sd15/);
    expect(() => unflatten(new Float32Array(15), layout)).toThrow(/15 numbers.*16/);
    expect(() => layoutOf("sd15", [a, a], 2)).toThrow(/Module a is listed twice/);
    expect(restrict({ ...tiny, modules: [{ ...a, path: "c" }, b] }, layout).modules).toEqual([b]);
  });
});
