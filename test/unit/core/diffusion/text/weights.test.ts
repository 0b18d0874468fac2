/** Emphasis and numbers where the thousand prompts of the reference do not reach. */
import { describe, expect, it } from "vitest";
import { pythonFloat, pythonSplit } from "../../../../../src-main/core/diffusion/text/python.ts";
import { weightedSegments } from "../../../../../src-main/core/diffusion/text/weights.ts";

describe("weights", () => {
  it("multiply by 1.1 a pair, and a number replaces what is around it", () => {
    expect(weightedSegments("a ((b) (c:0.5)) d")).toEqual([
      { text: "a ", weight: 1 },
      { text: "b", weight: 1.1 * 1.1 },
      { text: " ", weight: 1.1 },
      { text: "c", weight: 0.5 },
      { text: " d", weight: 1 },
    ]);
  });

  it.each(["(a:inf)", "(a: -Infinity )", "(a:nan)", "(a:1e999)"])("refuse %s by name", (prompt) => {
    expect(() => weightedSegments(prompt)).toThrow(
      expect.objectContaining({ code: "invalid-argument", field: "prompt" }),
    );
    expect(() => weightedSegments(prompt)).toThrow(`"${prompt}"`);
  });

  it("refuse a nest that is deeper than any prompt's", () => {
    const nest = (depth: number) => `${"(".repeat(depth)}a${")".repeat(depth)}`;
    expect(weightedSegments(nest(200))).toHaveLength(1);
    expect(() => weightedSegments(nest(201))).toThrow("more than 200 deep");
    expect(weightedSegments("(".repeat(10_000))).toHaveLength(1);
  });
});

describe("numbers", () => {
  // As Python 3.11 prints float(text).
  it.each([
    ["1.2", 1.2],
    [" 1.2\t", 1.2],
    ["1_000.5", 1000.5],
    ["+.5", 0.5],
    ["5.", 5],
    ["1e-2", 0.01],
    ["\u0661.\u0662", 1.2],
    ["\u{1D7D9}\u{1D7EC}", 10],
    ["1__0", undefined],
    ["_1", undefined],
    ["1_", undefined],
    ["0x10", undefined],
    ["1,2", undefined],
    ["", undefined],
    [".", undefined],
    ["1 2", undefined],
    ["inf", Infinity],
    ["-INFINITY", -Infinity],
    ["NaN", NaN],
  ])("%j", (text, expected) => {
    expect(pythonFloat(text)).toBe(expected);
  });

  it("stand between Python's white space", () => {
    expect(pythonSplit(" a\u00a0b\u001cc\u0085 d\ufeff")).toEqual(["a", "b", "c", "d\ufeff"]);
  });
});
