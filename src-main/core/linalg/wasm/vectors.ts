/** Kernels that read a matrix once for each vector: what a Householder tridiagonalisation spends its time in. */
import { type Code, FunctionBuilder, op } from "./assembler.ts";

/** Four rows of a matrix, read side by side, and what each of them collects or gives. */
interface Rows {
  readonly rows: readonly { readonly at: number; readonly own: number; readonly sum: number }[];
  /** Sets the rows' addresses, and their sums to zero. */
  begin(matrix: number, stride: number, first: number): void;
  /** Sets each row's own number, in both lanes, from a vector's elements beginning with `first`. */
  spread(vector: number, first: number): void;
  /** Writes the four sums behind each other. */
  finish(to: readonly Code[]): void;
}

function fourRows(f: FunctionBuilder): Rows {
  const rows = [0, 1, 2, 3].map(() => ({
    at: f.local("i32"),
    own: f.local("v128"),
    sum: f.local("v128"),
  }));
  const index = (first: number, offset: number) => [op.get(first), op.constant(offset), op.add];
  return {
    rows,
    begin(matrix, stride, first) {
      rows.forEach((row, offset) => {
        f.emit(op.get(matrix), ...index(first, offset), op.get(stride), op.multiply, op.add);
        f.emit(op.set(row.at), op.zero, op.set(row.sum));
      });
    },
    spread(vector, first) {
      for (const [offset, row] of rows.entries()) {
        f.emit(op.get(vector), op.get(first), op.constant(8), op.multiply, op.add);
        f.emit(op.loadSplat(8 * offset), op.set(row.own));
      }
    },
    finish(to) {
      for (const [pair, offset] of [
        [rows.slice(0, 2), 0],
        [rows.slice(2), 16],
      ] as const) {
        const sums = pair.flatMap((row) => op.get(row.sum));
        f.emit(...to, sums, op.lowLanes, sums, op.highLanes, op.addPair, op.store(offset));
      }
    },
  };
}

/** `sum += row · pair`. */
function collect(f: FunctionBuilder, value: Code, sum: number, pair: number): void {
  f.emit(value, op.get(pair), op.multiplyPair, op.get(sum), op.addPair, op.set(sum));
}

/**
 * `y = A x` from the lower triangle of a symmetric A, each element read once; the blocks of 4 x 4 on the diagonal
 * must be whole. n is a multiple of 4.
 */
export function buildSymmetricTimesVector(): FunctionBuilder {
  const f = new FunctionBuilder(5);
  const [a, stride, x, y, n] = [0, 1, 2, 3, 4] as const;
  const [i, blocks, count] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const [xAt, yAt] = [f.local("i32"), f.local("i32")];
  const [xPair, yPair, value] = [f.local("v128"), f.local("v128"), f.local("v128")];
  const four = fourRows(f);
  f.emit(op.constant(0), op.set(blocks));
  f.loop(i, n, 4, () => {
    four.begin(a, stride, i);
    four.spread(x, i);
    f.emit(op.get(x), op.set(xAt), op.get(y), op.set(yAt));
    f.emit(op.get(blocks), op.tee(count), op.if);
    f.repeat(count, () => {
      for (const half of [0, 16]) {
        f.emit(op.get(xAt), op.load(half), op.set(xPair));
        f.emit(op.get(yAt), op.load(half), op.set(yPair));
        for (const row of four.rows) {
          f.emit(op.get(row.at), op.load(half), op.set(value));
          collect(f, op.get(value), row.sum, xPair);
          collect(f, op.get(value), yPair, row.own);
        }
        f.emit(op.get(yAt), op.get(yPair), op.store(half));
      }
      for (const pointer of [xAt, yAt, ...four.rows.map((row) => row.at)])
        f.increase(pointer, op.constant(32));
    });
    f.emit(op.end);
    for (const half of [0, 16]) {
      f.emit(op.get(xAt), op.load(half), op.set(xPair));
      for (const row of four.rows)
        collect(f, [...op.get(row.at), ...op.load(half)], row.sum, xPair);
    }
    four.finish([op.get(yAt)]);
    f.increase(blocks, op.constant(1));
  });
  return f;
}

/** `to[r] = rows[r] · x`; rows and n are multiples of 4. */
export function buildRowsTimesVector(): FunctionBuilder {
  const f = new FunctionBuilder(6);
  const [matrix, stride, rows, x, n, to] = [0, 1, 2, 3, 4, 5] as const;
  const [first, k, xAt, pair] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("v128")];
  const four = fourRows(f);
  f.loop(first, rows, 4, () => {
    four.begin(matrix, stride, first);
    f.emit(op.get(x), op.set(xAt));
    f.loop(k, n, 4, () => {
      for (const half of [0, 16]) {
        f.emit(op.get(xAt), op.load(half), op.set(pair));
        for (const row of four.rows)
          collect(f, [...op.get(row.at), ...op.load(half)], row.sum, pair);
      }
      for (const pointer of [xAt, ...four.rows.map((row) => row.at)])
        f.increase(pointer, op.constant(32));
    });
    four.finish([op.get(to), op.get(first), op.constant(8), op.multiply, op.add]);
  });
  return f;
}

/** `y += sum over r of x[r] · rows[r]`; rows and n are multiples of 4. */
export function buildVectorTimesRows(): FunctionBuilder {
  const f = new FunctionBuilder(6);
  const [matrix, stride, rows, x, n, y] = [0, 1, 2, 3, 4, 5] as const;
  const [first, k, yAt, pair] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("v128")];
  const four = fourRows(f);
  f.loop(first, rows, 4, () => {
    four.begin(matrix, stride, first);
    four.spread(x, first);
    f.emit(op.get(y), op.set(yAt));
    f.loop(k, n, 4, () => {
      for (const half of [0, 16]) {
        f.emit(op.get(yAt), op.load(half), op.set(pair));
        for (const row of four.rows)
          collect(f, [...op.get(row.at), ...op.load(half)], pair, row.own);
        f.emit(op.get(yAt), op.get(pair), op.store(half));
      }
      for (const pointer of [yAt, ...four.rows.map((row) => row.at)])
        f.increase(pointer, op.constant(32));
    });
  });
  return f;
}
