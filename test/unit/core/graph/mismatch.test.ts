/** What does not fit is found when the graph is built, and told with the operator, types, shapes and numbers. */
import { describe, expect, it } from "vitest";
import { FacetError } from "../../../../src-main/core/errors.ts";
import * as build from "../../../../src-main/core/graph/build/index.ts";
import { make } from "../../../../src-main/core/graph/make.ts";
import type { Node } from "../../../../src-main/core/graph/node.ts";

const { input } = build;
const x = input("x", ["batch", 3]);
const wide = input("wide", ["batch", 4]);
const half = input("half", ["batch", 3], "F16");
const flags = input("flags", ["batch", 3], "BOOL");
const tokens = input("tokens", ["batch", 7], "I64");
const image = input("image", ["batch", 4, 8, "width"]);
const kernel = input("kernel", [6, 4, 3, 3]);
const bytes = new Uint8Array(8);

const faults: Record<string, [() => Node, string]> = {
  "shapes that do not broadcast": [
    () => build.add(x, wide),
    "add(F32 [batch, 3], F32 [batch, 4]): [batch, 3] and [batch, 4] do not broadcast.",
  ],
  "two types": [
    () => build.multiply(x, half),
    "multiply(F32 [batch, 3], F16 [batch, 3]): operands have different types.",
  ],
  "arithmetic on truth values": [
    () => build.subtract(flags, flags),
    "subtract(BOOL [batch, 3], BOOL [batch, 3]): needs numbers, not BOOL.",
  ],
  "a division of integers": [
    () => build.divide(tokens, tokens),
    "divide(I64 [batch, 7], I64 [batch, 7]): needs floating-point numbers, not I64.",
  ],
  "a function of integers": [
    () => build.tanh(tokens),
    "tanh(I64 [batch, 7]): needs floating-point numbers, not I64.",
  ],
  "logic on numbers": [
    () => build.and(flags, x),
    "and(BOOL [batch, 3], F32 [batch, 3]): needs BOOL operands.",
  ],
  "a choice by numbers": [
    () => build.where(x, x, 0),
    "where(F32 [batch, 3], F32 [batch, 3], F32 []): needs a BOOL condition.",
  ],
  "inner sizes": [
    () => build.matmul(x, wide),
    "matmul(F32 [batch, 3], F32 [batch, 4]): the inner sizes [3] and [batch] differ.",
  ],
  "inner sizes of an operand that lies transposed": [
    () => build.matmul(x, wide, { transposeRight: true }),
    "matmul(F32 [batch, 3], F32 [batch, 4]): the inner sizes [3] and [4] differ.",
  ],
  "a product with a vector": [
    () => build.matmul(x, input("v", [3])),
    "matmul(F32 [batch, 3], F32 [3]): operands need two axes or more.",
  ],
  "a kernel of other channels": [
    () => build.convolve(image, input("w", [6, 5, 3, 3])),
    "convolve(F32 [batch, 4, 8, width], F32 [6, 5, 3, 3]): the kernel takes [5] channels in each of 1 groups.",
  ],
  "groups that do not divide": [
    () => build.convolve(image, input("w", [6, 1, 3, 3]), { groups: 4 }),
    "convolve(F32 [batch, 4, 8, width], F32 [6, 1, 3, 3]): [6] channels are no multiple of 4 groups.",
  ],
  "a kernel of other axes": [
    () => build.convolve(image, input("w", [6, 4, 3])),
    "convolve(F32 [batch, 4, 8, width], F32 [6, 4, 3]): the operands have different numbers of axes.",
  ],
  "a kernel that does not fit": [
    () => build.convolve(image, input("w", [6, 4, 9, 9]), { padding: 0 }),
    "convolve(F32 [batch, 4, 8, width], F32 [6, 4, 9, 9]): a kernel that reaches over 9 does not fit into [8] padded by 0.",
  ],
  "a stride of 0": [
    () => build.convolve(image, kernel, { stride: 0 }),
    "convolve(F32 [batch, 4, 8, width], F32 [6, 4, 3, 3]): strides, dilations and groups are 0, 0, 1, 1, 1 where integers of at least 1 are needed.",
  ],
  "a transposed convolution to another size": [
    () => build.convolveTransposed(image, input("w", [4, 2, 3, 3]), [9, 9], build.windowOf(2)),
    "convolveTransposed(F32 [batch, 4, 8, width], F32 [4, 2, 3, 3]): [9, 9] would glide to [7, 7].",
  ],
  "a mask of another size": [
    () => build.attention(x, x, x, 1, input("mask", [3, 3])),
    "attention(F32 [batch, 3], F32 [batch, 3], F32 [batch, 3], F32 [3, 3]): the mask does not broadcast to the scores [batch, batch].",
  ],
  "an axis that is none": [() => build.sum(x, [2]), "sum(F32 [batch, 3]): axis 2 is none of 2."],
  "an axis from the end where no builder turns it around": [
    () => make("sum", [x], { axes: [-1] }),
    "sum(F32 [batch, 3]): axis -1 is none of 2.",
  ],
  "an axis twice": [
    () => build.mean(x, [1, -1]),
    "mean(F32 [batch, 3]): axes 1, 1 name one twice.",
  ],
  "too few elements": [
    () => build.reshape(x, [3, 3]),
    "reshape(F32 [batch, 3]): 3 * batch elements do not fill [3, 3].",
  ],
  "a size to be guessed": [
    () => build.reshape(image, [-1, -32]),
    "reshape(F32 [batch, 4, 8, width]): [-1, -32] is no shape.",
  ],
  "an order of other axes": [
    () => build.transpose(image, [0, 2, 1]),
    "transpose(F32 [batch, 4, 8, width]): 0, 2, 1 is no order of 4 axes.",
  ],
  "a slice over the end": [
    () => build.slice(x, 1, 1, 5),
    "slice(F32 [batch, 3]): 4 elements from 1 by 1 do not lie within 3.",
  ],
  "a slice from the end": [
    () => build.slice(x, 0, -2),
    "slice(F32 [batch, 3]): batch + 2 elements from -2 by 1 do not lie within batch.",
  ],
  "a slice of less than nothing": [
    () => build.slice(x, 0, 3, 1),
    "slice(F32 [batch, 3]): -2 elements from 3 by 1 do not lie within batch.",
  ],
  "a padding for each axis": [
    () => build.pad(x, [1], [1]),
    "pad(F32 [batch, 3]): pads 1 and 1 of 2 axes.",
  ],
  "a negative padding": [
    () => build.pad(x, [0, -1], [0, 0]),
    "pad(F32 [batch, 3]): paddings are 0, -1, 0, 0 where integers of at least 0 are needed.",
  ],
  "parts that differ elsewhere": [
    () => build.concat([x, input("y", ["other", 3])], 1),
    "concat(F32 [batch, 3], F32 [other, 3]): [other, 3] and [batch, 3] differ elsewhere than at axis 1.",
  ],
  "no parts": [() => build.concat([], 0), "concat(): takes at least one operand."],
  "an expansion of more than 1": [
    () => build.expand(x, [5, 4]),
    "expand(F32 [batch, 3]): does not broadcast to [5, 4].",
  ],
  "an image without channels": [
    () => build.upsample(x, 2),
    "upsample(F32 [batch, 3]): needs [batch, channels, height, width].",
  ],
  "indices that are no integers": [
    () => build.gather(x, wide),
    "gather(F32 [batch, 3], F32 [batch, 4]): indices are I32 or I64, not F32.",
  ],
  "rows for other indices": [
    () => build.scatterAdd(tokens, x, 5),
    "scatterAdd(I64 [batch, 7], F32 [batch, 3]): the rows do not begin with the indices' shape [batch, 7].",
  ],
  "a depth of no size": [
    () => build.oneHot(tokens, 2.5),
    "oneHot(I64 [batch, 7]): the depth is 2.5 where integers of at least 0 are needed.",
  ],
  "an input of no size": [() => input("x", [2.5]), "input(): [2.5] is no shape."],
  "a constant of other elements": [
    () => build.constant(Float32Array.of(1, 2, 3), [2, 2]),
    "constant(): 3 values for 4.",
  ],
  "a weight of other bytes": [
    () => build.weight("w", [3], { kind: "bytes", bytes }),
    "weight(): w has 8 bytes where its shape needs 12.",
  ],
  "operands that are missing": [
    () => make("add", [x], {}),
    "add(F32 [batch, 3]): takes 2 operands and got 1.",
  ],
};

describe("refuses", () => {
  it.each(Object.entries(faults))("%s", (_, [fault, message]) => {
    expect(fault).toThrow(FacetError);
    expect(fault).toThrow(expect.objectContaining({ code: "shape-mismatch", message }));
  });
});

describe("takes", () => {
  it("numbers beside values, in the type of the value", () => {
    expect(build.add(1, half).dtype).toBe("F16");
    expect(build.where(flags, half, 0).dtype).toBe("F16");
    expect(build.multiply(2, 3).shape).toEqual([]);
  });

  it("values that already are what is asked for, without a node", () => {
    expect(build.reshape(x, x.shape)).toBe(x);
    expect(build.transpose(x, [0, 1])).toBe(x);
    expect(build.slice(x, 0, 0)).toBe(x);
    expect(build.pad(x, [0, 0], [0, 0])).toBe(x);
    expect(build.concat([x], 0)).toBe(x);
    expect(build.expand(x, x.shape)).toBe(x);
    expect(build.upsample(image, 1)).toBe(image);
    expect(build.cast(x, "F32")).toBe(x);
  });
});
