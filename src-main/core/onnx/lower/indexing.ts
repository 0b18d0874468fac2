/** Look-ups by index. */
import { assert } from "../../errors.ts";
import type { NodeOf } from "../../graph/node.ts";
import { type Shape, sizeOf } from "../../graph/shape.ts";
import { type Emitter, integer, integers, text } from "../emitter.ts";
import { late, reshaped, shapeValue } from "../sizes.ts";
import type { LowerRule } from "./rule.ts";

/**
 * Values that one ScatterND of the CPU adds: it gives its updates to several threads without locking, so that rows
 * with one index lose each other's sums, but only where it counts more than 200,000 additions.
 */
const addedAtOnce = 100_000;

/** Beyond so many parts the slower kernel that never splits its work is used. */
const mostParts = 512;

export const indexing = {
  gather: (emitter, operands) => emitter.node("Gather", operands, { axis: integer(0) }),
  scatterAdd,
  oneHot: (emitter, [indices = ""], { inputs, shape, parameters: { depth } }) => {
    if (emitter.target.provider === "webgpu") {
      return compared(emitter, emitter.cast(indices, "F32"), depth);
    }
    const wide = asWide(emitter, indices, inputs[0]?.dtype === "I64");
    const values = emitter.array(Float32Array.of(0, 1), [2], "F32");
    const rows = shape.length === 1 ? emitter.node("Reshape", [wide, emitter.list([1])]) : wide;
    const hot = emitter.node("OneHot", [rows, emitter.list([depth]), values], {
      axis: integer(-1),
    });
    // ONNX takes no single index.
    return shape.length === 1 ? emitter.node("Reshape", [hot, emitter.list([depth])]) : hot;
  },
} satisfies { [O in "gather" | "scatterAdd" | "oneHot"]: LowerRule<O> };

function asWide(emitter: Emitter, indices: string, wide: boolean): string {
  return wide ? indices : emitter.cast(indices, "I64");
}

/** One-hot rows for WebGPU, which has no OneHot, by indices in F32: exact below 2^24. */
function compared(emitter: Emitter, indices: string, depth: number): string {
  const numbers = Float32Array.from({ length: depth }, (_, index) => index);
  const places = asPlaces(emitter, indices);
  const same = emitter.node("Equal", [places, emitter.array(numbers, [depth], "F32")]);
  return emitter.cast(same, "F32");
}

/** A product with one-hot rows, for WebGPU, whose ScatterND takes no sums. */
function summedByProduct(
  emitter: Emitter,
  [indices = "", rows = ""]: readonly string[],
  { inputs, dtype, shape, parameters: { count } }: NodeOf<"scatterAdd">,
): string {
  const updates = sizeOf(inputs[0]?.shape ?? []);
  const width = sizeOf(shape.slice(1));
  // Cast first: it reshapes no I64 either.
  const list = emitter.node("Reshape", [emitter.cast(indices, "F32"), emitter.list([-1])]);
  const hot = compared(emitter, list, count);
  const columns = emitter.node("Transpose", [hot], { perm: integers([1, 0]) });
  const flat = reshaped(emitter, rows, inputs[1]?.shape ?? [], [updates, width]);
  const product = emitter.node("MatMul", [emitter.cast(columns, dtype), flat]);
  return reshaped(emitter, product, [count, width], shape);
}

const addition = { reduction: text("add") };

function asPlaces(emitter: Emitter, indices: string): string {
  return emitter.node("Unsqueeze", [indices, emitter.list([-1])]);
}

function scatterAdd(
  emitter: Emitter,
  operands: readonly string[],
  node: NodeOf<"scatterAdd">,
): string {
  if (emitter.target.provider === "webgpu") return summedByProduct(emitter, operands, node);
  const [indices = "", rows = ""] = operands;
  const { inputs, dtype, shape, parameters } = node;
  const { count } = parameters;
  const [places, values] = inputs;
  assert(places !== undefined && values !== undefined, "scatterAdd has two operands");
  const wide = asWide(emitter, indices, places.dtype === "I64");
  const zeros = (of: Shape) =>
    // Made at each run, where a constant of zeros would stay in memory beside it.
    emitter.filledTo(0, late(emitter, shapeValue(emitter, of), wide), dtype);
  if (emitter.target.provider !== "cpu") {
    const operands = [zeros(shape), asPlaces(emitter, wide), rows];
    return emitter.node("ScatterND", operands, addition);
  }
  const [updates, width] = [sizeOf(places.shape), sizeOf(shape.slice(1))];
  const list = reshaped(emitter, wide, places.shape, [updates]);
  const flat = reshaped(emitter, rows, values.shape, [updates, width]);
  const table = zeros([count, width]);
  const sums =
    typeof updates === "number" && typeof width === "number"
      ? addParts(emitter, table, list, flat, updates, width)
      : addElements(emitter, table, list, flat, [updates, width]);
  return reshaped(emitter, sums, [count, width], shape);
}

/** Each part adds to the result of the one before, in its memory. */
function addParts(
  emitter: Emitter,
  table: string,
  indices: string,
  rows: string,
  updates: number,
  width: number,
): string {
  const part = Math.max(1, Math.floor(addedAtOnce / Math.max(1, width)));
  const count = Math.ceil(updates / part);
  if (count > mostParts) return addElements(emitter, table, indices, rows, [updates, width]);
  if (count <= 1) {
    return emitter.node("ScatterND", [table, asPlaces(emitter, indices), rows], addition);
  }
  const sizes = emitter.list(
    Array.from({ length: count }, (_, index) => Math.min(part, updates - index * part)),
  );
  const cut = (value: string) =>
    emitter.results(count, "Split", [value, sizes], { axis: integer(0) });
  const cutIndices = cut(asPlaces(emitter, indices));
  return cut(rows).reduce(
    (sum, each, index) => emitter.node("ScatterND", [sum, cutIndices[index] ?? "", each], addition),
    table,
  );
}

/** One element after the other. */
function addElements(
  emitter: Emitter,
  table: string,
  indices: string,
  rows: string,
  shape: Shape,
): string {
  const each = emitter.node("Expand", [asPlaces(emitter, indices), shapeValue(emitter, shape)]);
  const attributes = { ...addition, axis: integer(0) };
  return emitter.node("ScatterElements", [table, each, rows], attributes);
}
