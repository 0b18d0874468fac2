/**
 * Eigenpairs of symmetric tridiagonal matrices by divide and conquer (Cuppen 1981; Gu and Eisenstat 1995; LAPACK's
 * dstedc): halves are solved, then glued by a change of rank one, whose vectors are products.
 */
import type { Products } from "../products.ts";
import { deflate, type Part } from "./deflate.ts";
import { secularRoots, unitVectors } from "./secular.ts";
import { implicitQl } from "./small.ts";

/** Up to this size QL is faster than dividing further. */
const leaf = 32;

/** What the recursion works on. */
interface Work {
  readonly n: number;
  /** Becomes the eigenvalues, part by part, ascending within each. */
  readonly diagonal: Float64Array;
  readonly offDiagonal: Float64Array;
  /** `[n, n]`: the eigenvectors of a part stand in its rows, and are zero outside its columns. */
  readonly rows: Float64Array;
  readonly products: Products;
}

/** Replaces `diagonal` by the ascending eigenvalues; row i of the `[n, n]` result is the vector of value i. */
export async function tridiagonalEigen(
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  products: Products,
): Promise<Float64Array> {
  const n = diagonal.length;
  const rows = new Float64Array(n * n);
  await solve({ n, diagonal, offDiagonal, rows, products }, 0, n);
  return rows;
}

async function solve(work: Work, start: number, end: number): Promise<void> {
  const { diagonal, offDiagonal } = work;
  if (end - start <= leaf) {
    solveLeaf(work, start, end);
    return;
  }
  const middle = (start + end) >> 1;
  const coupling = offDiagonal[middle - 1] as number;
  const strength = Math.abs(coupling);
  diagonal[middle - 1] = (diagonal[middle - 1] as number) - strength;
  diagonal[middle] = (diagonal[middle] as number) - strength;
  await solve(work, start, middle);
  await solve(work, middle, end);
  await glue(work, { start, middle, end }, coupling);
}

function solveLeaf({ n, diagonal, offDiagonal, rows }: Work, start: number, end: number): void {
  const size = end - start;
  const values = diagonal.slice(start, end);
  const couplings = offDiagonal.slice(start, end);
  couplings[size - 1] = 0;
  const vectors = new Float64Array(size * size);
  for (let i = 0; i < size; i++) vectors[i * (size + 1)] = 1;
  implicitQl(values, couplings, vectors, size);
  ascending(values).forEach((from, to) => {
    diagonal[start + to] = values[from] as number;
    rows.set(vectors.subarray(from * size, (from + 1) * size), (start + to) * n + start);
  });
}

function ascending(values: Float64Array): Int32Array {
  return Int32Array.from(values.keys()).sort(
    (a, b) => (values[a] as number) - (values[b] as number) || a - b,
  );
}

/** The whole is the two parts plus `|coupling| · u uᵀ`, u being 1 and the coupling's sign on either side of the cut. */
async function glue(work: Work, part: Part, coupling: number): Promise<void> {
  const { n, diagonal, rows } = work;
  const { start, middle, end } = part;
  const values = diagonal.slice(start, end);
  // The last elements of the left vectors and the first ones of the right: two unit vectors, scaled to one.
  const z = Float64Array.from(values, (_, i) => {
    const row = (start + i) * n;
    if (start + i < middle) return Math.SQRT1_2 * (rows[row + middle - 1] as number);
    return Math.SQRT1_2 * Math.sign(coupling) * (rows[row + middle] as number);
  });
  const rho = 2 * Math.abs(coupling);
  const { kept, settled, sides } = deflate(values, z, rho, rows, n, part);
  const { roots, left, right } = await couple(work, part, rho, {
    kept,
    sides,
    d: Float64Array.from(kept, (index) => values[index] as number),
    z: Float64Array.from(kept, (index) => z[index] as number),
  });
  // New vectors take the place of old ones, so those that stay are held meanwhile.
  const stay = Array.from(settled, (index) =>
    rows.slice((start + index) * n + start, (start + index) * n + end),
  );
  const all = Float64Array.from([
    ...roots,
    ...Array.from(settled, (index) => values[index] as number),
  ]);
  const halves = [middle - start, end - middle] as const;
  ascending(all).forEach((from, to) => {
    diagonal[start + to] = all[from] as number;
    const at = (start + to) * n;
    const old = stay[from - roots.length];
    if (old === undefined) {
      rows.set(left.subarray(from * halves[0], (from + 1) * halves[0]), at + start);
      rows.set(right.subarray(from * halves[1], (from + 1) * halves[1]), at + middle);
    } else rows.set(old, at + start);
  });
}

/** What is left after deflation: indices into the part, whose values and weights are d and z. */
interface Coupled {
  readonly kept: readonly number[];
  readonly sides: Uint8Array;
  readonly d: Float64Array;
  readonly z: Float64Array;
}

/** Values and vectors of what is coupled; each half of the vectors, in rows, is one product. */
async function couple(
  { n, rows, products }: Work,
  { start, middle, end }: Part,
  rho: number,
  { kept, sides, d, z }: Coupled,
): Promise<{ roots: Float64Array; left: Float64Array; right: Float64Array }> {
  const k = kept.length;
  const gaps = new Float64Array(k * k);
  const roots = secularRoots(d, z, rho, gaps);
  const sideOf = (index: number) => sides[kept[index] as number] as number;
  const used = [1, 2].map((side) =>
    Int32Array.from(kept.keys()).filter((index) => (sideOf(index) & side) !== 0),
  );
  const factors = unitVectors(d, z, gaps, used);
  const half = (side: 0 | 1, from: number, to: number) => {
    const indices = used[side] as Int32Array;
    const old = new Float64Array(indices.length * (to - from));
    indices.forEach((index, at) => {
      const row = (start + (kept[index] as number)) * n;
      old.set(rows.subarray(row + from, row + to), at * (to - from));
    });
    return products.multiply({
      left: factors[side] as Float64Array,
      right: old,
      rows: k,
      columns: to - from,
      inner: indices.length,
    });
  };
  return { roots, left: await half(0, start, middle), right: await half(1, middle, end) };
}
