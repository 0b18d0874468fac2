/** Matrices made by a formula, here and in test/fixtures/linalg/make_large.py, and what numpy found in them. */
import { readFileSync } from "node:fs";
import { z } from "zod";

/** Between -0.5 and 0.5, row-major, without any pattern that an eigenvector would show. */
export function wave(rows: number, columns: number, seed: number): Float64Array {
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns];
    return ((i * i * 31 + j * 17 + i * j * 7 + (i + j) * seed * 13) % 1009) / 1009 - 0.5;
  });
}

/** The same in float32, column j weighted with `ratio ** j`. */
export function falling(rows: number, columns: number, seed: number, ratio: number): Float32Array {
  return Float32Array.from(
    wave(rows, columns, seed),
    (value, at) => value * ratio ** (at % columns),
  );
}

const Values = z.array(z.number());

export const largeReferences = z
  .object({
    magic: z.literal("facet-linalg-large"),
    version: z.literal(1),
    eigen: z.array(z.object({ n: z.int(), values: Values })),
    leading: z.object({ size: z.int(), columns: z.int(), ratio: z.number(), values: Values }),
    tall: z.array(z.object({ rows: z.int(), columns: z.int(), ratio: z.number(), values: Values })),
    ridge: z.object({
      rows: z.int(),
      columns: z.int(),
      targets: z.int(),
      ratio: z.number(),
      alpha: z.number(),
      weights: Values,
    }),
  })
  .parse(
    JSON.parse(readFileSync(new URL("../fixtures/linalg/large.json", import.meta.url), "utf8")),
  );
