/** LoHa: the element-wise product of two low-rank products, whose exact factors are Khatri-Rao products of rank r squared. */
import type { TensorEntry } from "../../formats/source.ts";
import type { Role } from "../dialects/dialect.ts";
import { columns } from "../lora.ts";
import type { Adapter, Parts } from "./adapter.ts";
import { truncate } from "./truncate.ts";
import type { Matrix } from "./truncate.ts";
import { contractMiddle } from "./tucker.ts";

/** One of the two factors as `a · b`, `a` `[out, rank]` and `b` `[rank, columns]`. */
interface Factor {
  readonly rank: number;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

const sides = [
  ["hada_w1_a", "hada_w1_b", "hada_t1"],
  ["hada_w2_a", "hada_w2_b", "hada_t2"],
] as const;

/** formats.md 1.5: `(w1_a · w1_b) ⊙ (w2_a · w2_b)`; with t, each is `t[i, j, k, l] b[j, r] a[i, p]` over i and j. */
export const loha: Adapter = {
  kind: "loha",
  matrices: new Set<Role>([
    "hada_w1_a",
    "hada_w1_b",
    "hada_w2_a",
    "hada_w2_b",
    "hada_t1",
    "hada_t2",
  ]),
  check(parts) {
    for (const side of sides) checkSide(parts, side);
    const dimension = parts.matrix(parts.need("hada_w1_b")).rows;
    return { rank: Math.min(dimension, parts.module.out, columns(parts.module)), dimension };
  },
  convert(parts, read, rank) {
    const [first, second] = [readSide(parts, read, sides[0]), readSide(parts, read, sides[1])];
    const rows = parts.module.out;
    const width = columns(parts.module);
    return truncate(hadamard(first, second, rows, width), rows, width, rank);
  },
};

function checkSide(parts: Parts, [aRole, bRole, tRole]: (typeof sides)[number]): void {
  const { module } = parts;
  const a = parts.need(aRole);
  const b = parts.need(bRole);
  const t = parts.find(tRole);
  const aSize = parts.matrix(a);
  const bSize = parts.matrix(b);
  if (t === undefined) {
    if (bSize.columns !== columns(module)) parts.mismatch(b, `[rank, ${columns(module)}]`);
    if (aSize.rows !== module.out || aSize.columns !== bSize.rows) {
      parts.mismatch(a, `[${module.out}, ${bSize.rows}]`);
    }
    return;
  }
  // With a core tensor the first matrix lies transposed.
  if (bSize.columns !== module.in) parts.mismatch(b, `[rank, ${module.in}]`);
  if (aSize.columns !== module.out) parts.mismatch(a, `[rank, ${module.out}]`);
  const [kh, kw] = module.kernel;
  const expected = [aSize.rows, bSize.rows, kh, kw];
  if (t.shape.length !== 4 || t.shape.some((size, axis) => size !== expected[axis])) {
    parts.mismatch(t, `[${expected.join(", ")}]`);
  }
}

function readSide(
  parts: Parts,
  read: (entry: TensorEntry) => Float32Array,
  [aRole, bRole, tRole]: (typeof sides)[number],
): Factor {
  const { module } = parts;
  const aEntry = parts.need(aRole);
  const bEntry = parts.need(bRole);
  const t = parts.find(tRole);
  const a = read(aEntry);
  const b = read(bEntry);
  const inner = parts.matrix(bEntry).rows;
  if (t === undefined) return { rank: inner, a, b };
  const rank = parts.matrix(aEntry).rows;
  const size = module.kernel[0] * module.kernel[1];
  return {
    rank,
    a: transpose(a, rank, module.out),
    b: contractMiddle(read(t), b, { rank, inner, width: module.in, size }),
  };
}

/** Rank r1 r2 factors where they are smaller than the matrix itself, else the matrix. */
function hadamard(first: Factor, second: Factor, rows: number, width: number): Matrix {
  const inner = first.rank * second.rank;
  if (inner * (rows + width) > rows * width)
    return { kind: "dense", values: product(first, second, rows, width) };
  const up = new Float32Array(rows * inner);
  const down = new Float32Array(inner * width);
  for (let i = 0; i < first.rank; i++) {
    for (let j = 0; j < second.rank; j++) {
      const column = i * second.rank + j;
      for (let row = 0; row < rows; row++) {
        up[row * inner + column] =
          (first.a[row * first.rank + i] as number) * (second.a[row * second.rank + j] as number);
      }
      for (let at = 0; at < width; at++) {
        down[column * width + at] =
          (first.b[i * width + at] as number) * (second.b[j * width + at] as number);
      }
    }
  }
  return { kind: "product", up, down, inner };
}

function product(first: Factor, second: Factor, rows: number, width: number): Float32Array {
  const values = new Float32Array(rows * width);
  const left = new Float64Array(width);
  const right = new Float64Array(width);
  for (let row = 0; row < rows; row++) {
    rowOf(first, row, width, left);
    rowOf(second, row, width, right);
    for (let at = 0; at < width; at++) {
      values[row * width + at] = (left[at] as number) * (right[at] as number);
    }
  }
  return values;
}

function rowOf(factor: Factor, row: number, width: number, into: Float64Array): void {
  into.fill(0);
  for (let i = 0; i < factor.rank; i++) {
    const weight = factor.a[row * factor.rank + i] as number;
    for (let at = 0; at < width; at++) {
      into[at] = (into[at] as number) + weight * (factor.b[i * width + at] as number);
    }
  }
}

function transpose(values: Float32Array, rows: number, width: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < width; column++) {
      result[column * rows + row] = values[row * width + column] as number;
    }
  }
  return result;
}
