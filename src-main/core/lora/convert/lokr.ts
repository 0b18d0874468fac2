/** LoKr: a Kronecker product, whose singular triplets are the products of its factors' own. */
import type { TensorEntry } from "../../formats/source.ts";
import type { Role } from "../dialects/dialect.ts";
import { columns } from "../lora.ts";
import { unsizedRank } from "./adapter.ts";
import type { Adapter, Converted, Parts } from "./adapter.ts";
import { truncate } from "./truncate.ts";
import type { Matrix } from "./truncate.ts";
import { contractMiddle } from "./tucker.ts";

interface Size {
  readonly rows: number;
  readonly columns: number;
}

const sides = [
  { whole: "lokr_w1", a: "lokr_w1_a", b: "lokr_w1_b" },
  { whole: "lokr_w2", a: "lokr_w2_a", b: "lokr_w2_b" },
] as const;

/**
 * formats.md 1.5: `w1 ⊗ w2`, each whole or a product, w2 also with a core tensor. A kernel lies in w2 alone, so its
 * trailing dimensions are columns of w2 and the result is a plain Kronecker product of two matrices.
 */
export const lokr: Adapter = {
  kind: "lokr",
  matrices: new Set<Role>([
    "lokr_w1",
    "lokr_w1_a",
    "lokr_w1_b",
    "lokr_w2",
    "lokr_w2_a",
    "lokr_w2_b",
    "lokr_t2",
  ]),
  check(parts) {
    const { module } = parts;
    const first = sizeOf(parts, 0);
    const second = sizeOf(parts, 1);
    const rows = first.rows * second.rows;
    const width = first.columns * second.columns;
    if (rows !== module.out || width !== columns(module)) {
      const named = parts.find("lokr_w2") ?? parts.need("lokr_w2_a");
      parts.mismatch(
        named,
        `a factor of [${module.out}, ${columns(module)}] beside a first one of [${first.rows}, ${first.columns}]`,
      );
    }
    const factored = parts.find("lokr_w2_b") ?? parts.find("lokr_w1_b");
    const dimension = factored && parts.matrix(factored).rows;
    return { rank: Math.min(dimension ?? unsizedRank, rows, width), dimension };
  },
  convert(parts, read, rank) {
    const [first, second] = [sizeOf(parts, 0), sizeOf(parts, 1)];
    return kronecker(readSide(parts, read, 0), first, readSide(parts, read, 1), second, rank);
  },
};

function sizeOf(parts: Parts, side: 0 | 1): Size {
  const names = sides[side];
  const whole = parts.find(names.whole);
  if (whole) return parts.matrix(whole);
  const a = parts.need(names.a);
  const b = parts.need(names.b);
  const [aSize, bSize] = [parts.matrix(a), parts.matrix(b)];
  const core = side === 1 ? parts.find("lokr_t2") : undefined;
  if (!core) {
    if (aSize.columns !== bSize.rows) parts.mismatch(a, `[rows, ${bSize.rows}]`);
    return { rows: aSize.rows, columns: bSize.columns };
  }
  const [kh, kw] = parts.module.kernel;
  const expected = [aSize.rows, bSize.rows, kh, kw];
  if (core.shape.length !== 4 || core.shape.some((size, axis) => size !== expected[axis])) {
    parts.mismatch(core, `[${expected.join(", ")}]`);
  }
  return { rows: aSize.columns, columns: bSize.columns * kh * kw };
}

function readSide(parts: Parts, read: (entry: TensorEntry) => Float32Array, side: 0 | 1): Matrix {
  const names = sides[side];
  const whole = parts.find(names.whole);
  if (whole) return { kind: "dense", values: read(whole) };
  const aEntry = parts.need(names.a);
  const bEntry = parts.need(names.b);
  const inner = parts.matrix(bEntry).rows;
  const core = side === 1 ? parts.find("lokr_t2") : undefined;
  if (!core) return { kind: "product", up: read(aEntry), down: read(bEntry), inner };
  // t2[i, j, k, l] w2_b[j, r] w2_a[i, p]: the first matrix lies transposed.
  const { rows: rank, columns: out } = parts.matrix(aEntry);
  const a = read(aEntry);
  const up = new Float32Array(out * rank);
  for (let i = 0; i < rank; i++) {
    for (let row = 0; row < out; row++) up[row * rank + i] = a[i * out + row] as number;
  }
  const size = parts.module.kernel[0] * parts.module.kernel[1];
  const width = parts.matrix(bEntry).columns;
  return {
    kind: "product",
    up,
    down: contractMiddle(read(core), read(bEntry), { rank, inner, width, size }),
    inner: rank,
  };
}

/** The `rank` largest products of singular values; no more than `rank` triplets of either side can take part. */
function kronecker(
  first: Matrix,
  firstSize: Size,
  second: Matrix,
  secondSize: Size,
  rank: number,
): Converted {
  const left = truncate(first, firstSize.rows, firstSize.columns, rank);
  const right = truncate(second, secondSize.rows, secondSize.columns, rank);
  const leftValues = singularValues(left, firstSize);
  const rightValues = singularValues(right, secondSize);
  const pairs = leftValues
    .flatMap((s, i) => rightValues.map((t, j) => ({ i, j, value: s * t })))
    .toSorted((a, b) => b.value - a.value || a.i - b.i || a.j - b.j)
    .slice(0, rank);
  const rows = firstSize.rows * secondSize.rows;
  const width = firstSize.columns * secondSize.columns;
  const up = new Float32Array(rows * pairs.length);
  const down = new Float32Array(pairs.length * width);
  pairs.forEach(({ i, j }, at) => {
    for (let row = 0; row < rows; row++) {
      const [r, s] = [Math.floor(row / secondSize.rows), row % secondSize.rows];
      up[row * pairs.length + at] =
        (left.up[r * left.rank + i] as number) * (right.up[s * right.rank + j] as number);
    }
    for (let column = 0; column < width; column++) {
      const [r, s] = [Math.floor(column / secondSize.columns), column % secondSize.columns];
      down[at * width + column] =
        (left.down[i * firstSize.columns + r] as number) *
        (right.down[j * secondSize.columns + s] as number);
    }
  });
  const total = left.energy * right.energy;
  const held = pairs.reduce((sum, { value }) => sum + value * value, 0);
  return { rank: pairs.length, up, down, kept: total === 0 ? 1 : Math.min(1, held / total) };
}

/** The truncated factors have orthogonal columns and rows, so a singular value is the product of their norms. */
function singularValues({ up, down, rank }: Converted, size: Size): number[] {
  return Array.from({ length: rank }, (_, index) => {
    let left = 0;
    let right = 0;
    for (let row = 0; row < size.rows; row++) left += (up[row * rank + index] as number) ** 2;
    for (let column = 0; column < size.columns; column++) {
      right += (down[index * size.columns + column] as number) ** 2;
    }
    return Math.sqrt(left * right);
  });
}
