/** Symbolic sizes: what they say about sizes is what arithmetic on numbers says. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Dimension,
  dimensionText,
  evaluateDimension,
  floorDivide,
  minus,
  plus,
  quotient,
  sameDimension,
  solveDimension,
  symbol,
  symbolsOf,
  times,
} from "../../../../src-main/core/graph/dimension.ts";

const names = ["batch", "height", "width"] as const;
const [batch, height, width] = [symbol("batch"), symbol("height"), symbol("width")];

type Sizes = ReadonlyMap<string, number>;

const sizes: fc.Arbitrary<Sizes> = fc
  .tuple(
    fc.integer({ min: 0, max: 7 }),
    fc.integer({ min: 0, max: 7 }),
    fc.integer({ min: 0, max: 7 }),
  )
  .map((values) => new Map(names.map((name, at) => [name, values[at] ?? 0])));

/** A dimension, and the same sum of products and floors on numbers. */
interface Twin {
  readonly dimension: Dimension;
  readonly number: (sizes: Sizes) => number;
}

const { twin } = fc.letrec<{ twin: Twin }>((tie) => ({
  twin: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(...names).map((name) => ({
      dimension: symbol(name),
      number: (given: Sizes) => given.get(name) ?? 0,
    })),
    fc.integer({ min: -6, max: 9 }).map((value) => ({ dimension: value, number: () => value })),
    fc
      .tuple(tie("twin"), tie("twin"), fc.constantFrom("plus", "minus", "times"))
      .map(([left, right, operation]) => ({
        dimension: { plus, minus, times }[operation](left.dimension, right.dimension),
        number: (given: Sizes) => {
          const [a, b] = [left.number(given), right.number(given)];
          return { plus: a + b, minus: a - b, times: a * b }[operation];
        },
      })),
    fc.tuple(tie("twin"), fc.integer({ min: 1, max: 8 })).map(([of, by]) => ({
      dimension: floorDivide(of.dimension, by),
      number: (given: Sizes) => Math.floor(of.number(given) / by),
    })),
  ),
}));

describe("arithmetic", () => {
  it("is that of numbers, whatever the sizes", () => {
    fc.assert(
      fc.property(twin, sizes, ({ dimension, number }, given) => {
        // Below 2^53, where float64 counts exactly.
        expect(evaluateDimension(dimension, given) - number(given)).toBe(0);
      }),
      { numRuns: 2000 },
    );
  });

  it("has one text for equal polynomials, however they were made", () => {
    fc.assert(
      fc.property(twin, twin, twin, ({ dimension: a }, { dimension: b }, { dimension: c }) => {
        const pairs: [Dimension, Dimension][] = [
          [plus(a, b), plus(b, a)],
          [times(a, b), times(b, a)],
          [plus(plus(a, b), c), plus(a, plus(b, c))],
          [times(times(a, b), c), times(a, times(b, c))],
          [times(a, plus(b, c)), plus(times(a, b), times(a, c))],
          [minus(plus(a, b), b), a],
        ];
        for (const [left, right] of pairs) {
          expect(dimensionText(left)).toBe(dimensionText(right));
          expect(sameDimension(left, right)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("moves whole divisors out of floors, so that equal floors read the same", () => {
    fc.assert(
      fc.property(
        twin,
        twin,
        fc.integer({ min: 1, max: 8 }),
        ({ dimension: a }, { dimension: b }, by) => {
          const moved = floorDivide(plus(a, times(b, by)), by);
          expect(dimensionText(moved)).toBe(dimensionText(plus(floorDivide(a, by), b)));
        },
      ),
      { numRuns: 500 },
    );
    // The sizes behind windows of 3 and of 5 that step by 2.
    const size = (reach: number, padding: number) =>
      plus(floorDivide(minus(plus(height, 2 * padding), reach), 2), 1);
    expect(dimensionText(size(3, 1))).toBe("floor((height + 1) / 2)");
    expect(sameDimension(size(3, 1), size(5, 2))).toBe(true);
    expect(sameDimension(size(3, 0), minus(size(3, 1), 1))).toBe(true);
  });
});

describe("quotients", () => {
  it("undo products with numbers and with single terms", () => {
    const term = fc
      .tuple(fc.integer({ min: 1, max: 6 }), fc.subarray([batch, height, width]))
      .map(([coefficient, factors]) => factors.reduce(times, coefficient));
    fc.assert(
      fc.property(twin, term, ({ dimension }, part) => {
        const found = quotient(times(dimension, part), part);
        // 0 of anything is 0: there is no one factor.
        if (dimension === 0 && part === 0) return;
        expect(found === undefined ? found : dimensionText(found)).toBe(dimensionText(dimension));
      }),
      { numRuns: 500 },
    );
  });

  it("are undefined where nothing divides", () => {
    expect(quotient(plus(batch, 1), 2)).toBeUndefined();
    expect(quotient(times(3, batch), 2)).toBeUndefined();
    expect(quotient(height, width)).toBeUndefined();
    expect(quotient(7, 2)).toBeUndefined();
    expect(quotient(7, 0)).toBeUndefined();
    expect(quotient(times(height, width), plus(height, 1))).toBeUndefined();
    expect(quotient(plus(height, 1), plus(height, 1))).toBe(1);
  });
});

describe("texts", () => {
  it("read as one writes them", () => {
    expect(dimensionText(plus(times(2, times(width, height)), minus(3, batch)))).toBe(
      "-batch + 2 * height * width + 3",
    );
    expect(dimensionText(floorDivide(plus(times(3, width), 1), 2))).toBe(
      "floor((width + 1) / 2) + width",
    );
    expect(dimensionText(times(height, height))).toBe("height * height");
    expect(minus(height, height)).toBe(0);
    expect(floorDivide(times(8, height), 4)).toEqual(times(2, height));
  });

  it("are of names only", () => {
    expect(() => symbol("2x")).toThrow('"2x" is no name for a dimension');
    expect(() => symbol("a b")).toThrow("is no name");
  });
});

it("names all its symbols, also those under floors", () => {
  const nested = floorDivide(plus(times(batch, height), floorDivide(width, 3)), 2);
  expect(new Set(symbolsOf(nested))).toEqual(new Set(names));
  expect(symbolsOf(4)).toEqual([]);
});

it("cannot be a number before its symbols are", () => {
  expect(() => evaluateDimension(plus(batch, height), new Map([["batch", 2]]))).toThrow(
    "dimension height has no value",
  );
});

describe("a symbol that is not known", () => {
  const [rows, columns] = [symbol("rows"), symbol("columns")];
  const known = new Map([["columns", 3]]);

  it("follows from what the whole is", () => {
    expect(solveDimension(times(rows, 2), 8, known)).toEqual({ name: "rows", value: 4 });
    const area = plus(times(rows, columns), 5);
    expect(solveDimension(area, 17, known)).toEqual({ name: "rows", value: 4 });
  });

  it("shows where no whole size fits", () => {
    expect(solveDimension(times(rows, 2), 7, known)).toEqual({ name: "rows", value: 3.5 });
  });

  it("is left open where too little is known", () => {
    expect(solveDimension(columns, 3, known)).toBeUndefined();
    expect(solveDimension(times(rows, symbol("depth")), 8, known)).toBeUndefined();
    expect(solveDimension(floorDivide(rows, 2), 4, known)).toBeUndefined();
    expect(solveDimension(times(rows, rows), 9, known)).toBeUndefined();
  });
});
