/** The hot loops of dense products, and of going from float32 to float64 and back. */
import { type Code, FunctionBuilder, op } from "./assembler.ts";

/** A tile of 4 x 4: eight accumulators, which together with their operands fit the 16 vector registers of x64. */
export function buildMultiply(): FunctionBuilder {
  const f = new FunctionBuilder(12);
  const [x, xRow, xStep, y, yStep, c, cRow, m, n, k, accumulate, lower] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
  ] as const;
  const [i, j, limit, count, yAt] = [
    f.local("i32"),
    f.local("i32"),
    f.local("i32"),
    f.local("i32"),
    f.local("i32"),
  ];
  const tile = [0, 1, 2, 3].map(() => ({
    x: f.local("i32"),
    c: f.local("i32"),
    left: f.local("v128"),
    right: f.local("v128"),
  }));
  const [yLeft, yRight, splat] = [f.local("v128"), f.local("v128"), f.local("v128")];
  f.loop(i, m, 4, () => {
    // In a symmetric product only the tiles on and below the diagonal are wanted.
    f.emit(op.get(i), op.constant(4), op.add, op.get(n), op.get(lower), op.select, op.set(limit));
    f.loop(j, limit, 4, () => {
      f.emit(op.get(y), op.get(j), op.constant(8), op.multiply, op.add, op.set(yAt));
      tile.forEach((row, offset) => {
        const index = [op.get(i), op.constant(offset), op.add];
        f.emit(op.get(x), ...index, op.get(xRow), op.multiply, op.add, op.set(row.x));
        f.emit(op.get(c), ...index, op.get(cRow), op.multiply, op.add);
        f.emit(op.get(j), op.constant(8), op.multiply, op.add, op.set(row.c));
        f.emit(op.zero, op.set(row.left), op.zero, op.set(row.right));
      });
      f.emit(op.get(accumulate), op.if);
      for (const row of tile) {
        f.emit(
          op.get(row.c),
          op.load(0),
          op.set(row.left),
          op.get(row.c),
          op.load(16),
          op.set(row.right),
        );
      }
      f.emit(op.end, op.get(k), op.set(count));
      f.repeat(count, () => {
        f.emit(op.get(yAt), op.load(0), op.set(yLeft), op.get(yAt), op.load(16), op.set(yRight));
        for (const row of tile) {
          f.emit(op.get(row.x), op.loadSplat(0), op.tee(splat), op.get(yLeft), op.multiplyPair);
          f.emit(op.get(row.left), op.addPair, op.set(row.left));
          f.emit(
            op.get(splat),
            op.get(yRight),
            op.multiplyPair,
            op.get(row.right),
            op.addPair,
            op.set(row.right),
          );
          f.increase(row.x, op.get(xStep));
        }
        f.increase(yAt, op.get(yStep));
      });
      for (const row of tile) {
        f.emit(
          op.get(row.c),
          op.get(row.left),
          op.store(0),
          op.get(row.c),
          op.get(row.right),
          op.store(16),
        );
      }
    });
  });
  return f;
}

const [from, fromRow, to, toRow, rows, columns] = [0, 1, 2, 3, 4, 5] as const;

/** Walks rows; within a row two elements at a time, then the odd last one. */
function buildRows(
  pair: readonly Code[],
  last: readonly Code[],
  sizes: readonly [number, number],
): FunctionBuilder {
  const f = new FunctionBuilder(6);
  const [row, column, pairs] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const [source, target] = [f.local("i32"), f.local("i32")];
  f.emit(op.get(columns), op.constant(-2), op.and, op.set(pairs));
  f.loop(row, rows, 1, () => {
    f.emit(op.get(from), op.get(row), op.get(fromRow), op.multiply, op.add, op.set(source));
    f.emit(op.get(to), op.get(row), op.get(toRow), op.multiply, op.add, op.set(target));
    f.loop(column, pairs, 2, () => {
      f.emit(op.get(target), op.get(source), ...pair);
      f.increase(source, op.constant(2 * sizes[0]));
      f.increase(target, op.constant(2 * sizes[1]));
    });
    f.emit(op.get(columns), op.constant(1), op.and, op.if);
    f.emit(op.get(target), op.get(source), ...last, op.end);
  });
  return f;
}

export function buildWiden(): FunctionBuilder {
  return buildRows(
    [op.loadLow(0), op.widenPair, op.store(0)],
    [op.loadLowest(0), op.widenPair, op.storeLow(0)],
    [4, 8],
  );
}

export function buildNarrow(): FunctionBuilder {
  return buildRows(
    [op.load(0), op.narrowPair, op.storeLow(0)],
    [op.loadLow(0), op.narrowPair, op.storeLowest(0)],
    [8, 4],
  );
}

/** Blocks of 2 x 2, read along the rows and written along the columns. */
export function buildWidenTransposed(): FunctionBuilder {
  const f = new FunctionBuilder(6);
  const [row, column, source, target] = [
    f.local("i32"),
    f.local("i32"),
    f.local("i32"),
    f.local("i32"),
  ];
  const [upper, lower] = [f.local("v128"), f.local("v128")];
  f.loop(row, rows, 2, () => {
    f.emit(op.get(from), op.get(row), op.get(fromRow), op.multiply, op.add, op.set(source));
    f.emit(op.get(to), op.get(row), op.constant(8), op.multiply, op.add, op.set(target));
    f.loop(column, columns, 2, () => {
      f.emit(op.get(source), op.loadLow(0), op.widenPair, op.set(upper));
      f.emit(op.get(source), op.get(fromRow), op.add, op.loadLow(0), op.widenPair, op.set(lower));
      f.emit(op.get(target), op.get(upper), op.get(lower), op.lowLanes, op.store(0));
      f.increase(target, op.get(toRow));
      f.emit(op.get(target), op.get(upper), op.get(lower), op.highLanes, op.store(0));
      f.increase(target, op.get(toRow));
      f.increase(source, op.constant(8));
    });
  });
  return f;
}
