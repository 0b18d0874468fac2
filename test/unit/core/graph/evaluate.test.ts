/** The evaluator, which everything else is held against, against numbers that are not ours. */
import { describe, expect, it } from "vitest";
import * as build from "../../../../src-main/core/graph/build/index.ts";
import { plus, symbol, times } from "../../../../src-main/core/graph/dimension.ts";
import { evaluate } from "../../../support/evaluate/evaluate.ts";
import { erf } from "../../../support/evaluate/elementwise.ts";
import { tensor64 } from "../../../support/evaluate/tensor.ts";

const { input } = build;

it("has torch's error function to the last digits", () => {
  const known = [
    [1e-8, 1.1283791670955126e-8],
    [0.1, 0.1124629160182849],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [3, 0.9999779095030014],
    [4.5, 0.9999999998033839],
    [-0.7, -0.6778011938374185],
  ] as const;
  for (const [x, value] of known) expect(Math.abs(erf(x) / value - 1)).toBeLessThan(1e-15);
  expect(erf(7)).toBe(1);
});

describe("symbols", () => {
  const values = (...shape: number[]) =>
    tensor64(shape, new Float64Array(shape.reduce((a, b) => a * b, 1)));

  it("are solved from the inputs, also where they stand in sums and products", () => {
    const [a, b] = [symbol("a"), symbol("b")];
    const x = input("x", [times(2, a), plus(a, b)]);
    expect(evaluate([build.reshape(x, [a, 2, plus(a, b)])], { x: values(6, 4) })[0]?.shape).toEqual(
      [3, 2, 4],
    );
  });

  it("must agree everywhere", () => {
    const sum = build.add(input("x", ["n"]), input("y", ["n"]));
    expect(() => evaluate([sum], { x: values(2), y: values(3) })).toThrow("n is 2 and fed as 3");
    expect(() => evaluate([sum], { x: values(2) })).toThrow("input y is not fed");
    expect(() => evaluate([sum], { x: values(2), y: values(1, 2) })).toThrow("1 axes is fed 2");
  });
});
