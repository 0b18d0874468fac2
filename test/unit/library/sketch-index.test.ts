/** The index of sketches against plain cosines in double precision over all pairs. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Near, SketchIndex } from "../../../src-main/library/sketch-index.ts";
import { fakeSketch } from "../../support/fake-engine.ts";

interface Row {
  seq: number;
  family: number;
  vector: Float32Array;
  live: boolean;
}

function cosine(a: Row, b: Row): number {
  const left = Float64Array.from(a.vector);
  const right = Float64Array.from(b.vector);
  const product = left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);
  return product / (Math.hypot(...left) * Math.hypot(...right));
}

/** Rows in some groups of likeness, so that thresholds between 0 and 1 all mean something. */
const rows = fc
  .array(
    fc.record({
      group: fc.integer({ min: 0, max: 4 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      family: fc.integer({ min: 0, max: 1 }),
      live: fc.boolean(),
    }),
    { minLength: 2, maxLength: 40 },
  )
  .map((all) =>
    all.map(({ group, share, family, live }, index): Row => ({
      seq: 7 + index * 3,
      family,
      live,
      vector: fakeSketch({ seed: 1000 + index, like: { seed: group, share } }),
    })),
  );

function indexOf(all: readonly Row[]): SketchIndex {
  const index = new SketchIndex();
  // Put in backwards: the order of arrival must not matter.
  for (const { seq, family, vector } of all.toReversed()) index.set(seq, family, vector);
  index.setLive(all.filter(({ live }) => live).map(({ seq }) => seq));
  return index;
}

describe("the index of sketches", () => {
  it("gives the nearest ones in order", () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 12 }), (all, limit) => {
        const index = indexOf(all);
        const [own] = all as [Row];
        const expected = all
          .filter((row) => row !== own && row.live && row.family === own.family)
          .map((row) => cosine(own, row))
          .toSorted((a, b) => b - a)
          .slice(0, limit);
        const found = index.nearest(own.seq, limit);
        expect(found.length).toBe(expected.length);
        for (const [place, { seq, similarity }] of found.entries()) {
          expect(similarity).toBeCloseTo(expected[place] ?? NaN, 5);
          expect(similarity).toBeCloseTo(cosine(own, all.find((row) => row.seq === seq) as Row), 5);
        }
      }),
    );
  });

  it("links what is alike, directly or through others", () => {
    fc.assert(
      fc.property(rows, fc.double({ min: 0.1, max: 0.99, noNaN: true }), (all, threshold) => {
        const groups = indexOf(all).clusters(threshold);
        expect(asSets(groups)).toEqual(asSets(plainClusters(all, threshold)));
        for (const group of groups) {
          const seqs = group.map(({ seq }) => seq);
          expect(seqs[0]).toBe(Math.min(...seqs));
        }
      }),
    );
  });

  it("stops when it is told to, replaces what is put in again, and fears no zeros", () => {
    const index = new SketchIndex();
    for (let seq = 0; seq < 3000; seq++) index.set(seq, 0, fakeSketch({ seed: seq % 1500 }));
    expect(index.clusters(0.99, () => true)).toEqual([]);
    expect(index.clusters(0.99)).toHaveLength(1500);
    expect(index.nearest(5, 1)).toMatchObject([{ seq: 1505 }]);
    index.set(1505, 0, new Float32Array(256));
    index.set(1506, 0, new Float32Array(256).fill(Number.NaN));
    expect(index.nearest(5, 1)[0]?.seq).not.toBe(1505);
    expect(index.clusters(0.99)).toHaveLength(1498);
    expect(index.count).toBe(3000);
    expect(index.nearest(99_999, 3)).toEqual([]);
  });
});

function plainClusters(all: readonly Row[], threshold: number): Near[][] {
  const live = all.filter((row) => row.live);
  const seen = new Set<Row>();
  const groups: Near[][] = [];
  for (const start of live) {
    if (seen.has(start)) continue;
    const group: Row[] = [];
    const todo = [start];
    seen.add(start);
    for (let row = todo.pop(); row !== undefined; row = todo.pop()) {
      group.push(row);
      for (const other of live) {
        if (seen.has(other) || other.family !== row.family || cosine(row, other) < threshold)
          continue;
        seen.add(other);
        todo.push(other);
      }
    }
    if (group.length > 1) groups.push(group.map(({ seq }) => ({ seq, similarity: 1 })));
  }
  return groups;
}

function asSets(groups: readonly (readonly Near[])[]): string[] {
  return groups
    .map((group) =>
      group
        .map(({ seq }) => seq)
        .toSorted((a, b) => a - b)
        .join(","),
    )
    .toSorted();
}
