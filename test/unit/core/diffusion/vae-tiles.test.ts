/** Tiles of latents and pixels, with encoders and decoders that see only a little around each place. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FacetError } from "../../../../src-main/core/errors.ts";
import type { Planes } from "../../../../src-main/core/diffusion/planes.ts";
import {
  chooseTiling,
  decodeTiled,
  encodeTiled,
} from "../../../../src-main/core/diffusion/vae-tiles.ts";

const factor = 4;

function planes(n: number, channels: number, height: number, width: number): Planes {
  const length = n * channels * height * width;
  const values = Float32Array.from({ length }, (_, index) => Math.sin(index * 1.7) * 2);
  return { shape: [n, channels, height, width], values };
}

function at({ shape, values }: Planes, plane: number, y: number, x: number): number {
  const [, , height = 0, width = 0] = shape;
  // Zeros around, as convolutions see them.
  if (y < 0 || x < 0 || y >= height || x >= width) return 0;
  return values[(plane * height + y) * width + x] ?? Number.NaN;
}

/** Sums of 3 x 3 latent pixels, enlarged, with something of each place of the enlargement. */
async function decode(latents: Planes): Promise<Planes> {
  const [n = 0, channels = 0, height = 0, width = 0] = latents.shape;
  const values = new Float32Array(latents.values.length * factor ** 2);
  for (let plane = 0, to = 0; plane < n * channels; plane++)
    for (let y = 0; y < height * factor; y++)
      for (let x = 0; x < width * factor; x++, to++) {
        const [row, column] = [Math.floor(y / factor), Math.floor(x / factor)];
        for (let i = -1; i <= 1; i++)
          for (let j = -1; j <= 1; j++)
            values[to] = (values[to] ?? 0) + at(latents, plane, row + i, column + j) / 9;
        values[to] = (values[to] ?? 0) + 0.01 * (y % factor) + 0.001 * (x % factor);
      }
  return { shape: [n, channels, height * factor, width * factor], values };
}

/** Means of factor x factor pixels, in two channels of opposite signs. */
async function encode(pixels: Planes): Promise<Planes> {
  const [n = 0, , height = 0, width = 0] = pixels.shape;
  const [rows, columns] = [height / factor, width / factor];
  const values = new Float32Array(n * 2 * rows * columns);
  for (let image = 0, to = 0; image < n; image++)
    for (const sign of [1, -1])
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++, to++) {
          let sum = 0;
          for (let i = 0; i < factor; i++)
            for (let j = 0; j < factor; j++)
              sum += at(pixels, image, row * factor + i, column * factor + j);
          values[to] = (sign * sum) / factor ** 2;
        }
  return { shape: [n, 2, rows, columns], values };
}

function largestDifference(left: Planes, right: Planes): number {
  expect(left.shape).toEqual(right.shape);
  return left.values.reduce(
    (most, value, index) => Math.max(most, Math.abs(value - (right.values[index] ?? Number.NaN))),
    0,
  );
}

describe("tiles", () => {
  it("are the picture itself where one is enough", async () => {
    const latents = planes(1, 2, 6, 9);
    const seen: Planes[] = [];
    const run = (tile: Planes) => {
      seen.push(tile);
      return decode(tile);
    };
    const tiling = { rows: 6, columns: 9, overlap: 2 };
    const tiled = await decodeTiled(latents, tiling, { factor, run });
    expect(seen).toEqual([latents]);
    expect(tiled).toEqual(await decode(latents));
  });

  it("give the same pixels wherever they see what the whole sees", async () => {
    const latents = planes(2, 3, 23, 17);
    const whole = await decode(latents);
    const sizes = new Set<string>();
    const tiles: number[][] = [];
    const tiled = await decodeTiled(
      latents,
      { rows: 12, columns: 12, overlap: 3 },
      {
        factor,
        run: (tile) => {
          sizes.add(tile.shape.join());
          return decode(tile);
        },
        onTile: (done, of) => tiles.push([done, of]),
      },
    );
    // 23 = 2 * 13 - 3 would be too long: three of 10 rows, of which the outer share 3 and 4 with the middle.
    expect(sizes).toEqual(new Set(["2,3,10,10"]));
    expect(tiles.at(-1)).toEqual([6, 6]);
    // Rows 0 to 5 and columns 0 to 5 are in one tile only, far from its inner edges.
    const [, , height = 0, width = 0] = whole.shape;
    for (let y = 0; y < 5 * factor; y++)
      for (let x = 0; x < 5 * factor; x++)
        for (let plane = 0; plane < 6; plane++) {
          const place = (plane * height + y) * width + x;
          expect(tiled.values[place]).toBe(whole.values[place]);
        }
    // Elsewhere the edge of one tile is mixed in, which lacks a row or column of the three that are summed.
    expect(largestDifference(tiled, whole)).toBeLessThan(2 / 3);
  });

  it("encode by the same parts", async () => {
    const pixels = planes(1, 1, 20 * factor, 31 * factor);
    const run = { factor, run: encode };
    const tiled = await encodeTiled(pixels, { rows: 12, columns: 10, overlap: 2 }, run);
    expect(largestDifference(tiled, await encode(pixels))).toBeLessThan(1e-6);
  });

  it("of any size give back what is the same in all of them", async () => {
    const size = fc.integer({ min: 1, max: 40 });
    const most = fc.integer({ min: 4, max: 20 });
    await fc.assert(
      fc.asyncProperty(size, size, most, most, fc.nat(10), async (rows, columns, a, b, overlap) => {
        const latents = planes(1, 1, rows, columns);
        const same = async ({ shape, values }: Planes) => ({ shape, values });
        const tiling = { rows: a, columns: b, overlap };
        const tiled = await decodeTiled(latents, tiling, { factor: 1, run: same });
        expect(largestDifference(tiled, latents)).toBeLessThan(1e-5);
      }),
    );
  });

  it("fade into each other, so that no seam is seen where they disagree", async () => {
    // Each tile a brightness of its own, as normalisation over a tile makes it.
    let count = 0;
    const run = async ({ shape: [n = 0, , height = 0, width = 0] }: Planes) => {
      const shape = [n, 1, height * factor, width * factor];
      const length = n * height * width * factor ** 2;
      return { shape, values: new Float32Array(length).fill(count++ % 2) };
    };
    const tiling = { rows: 8, columns: 24, overlap: 6 };
    const { shape, values } = await decodeTiled(planes(1, 1, 8, 100), tiling, { factor, run });
    const [, , , width = 0] = shape;
    const steps = Array.from({ length: width - 1 }, (_, x) =>
      Math.abs((values[x + 1] ?? 0) - (values[x] ?? 0)),
    );
    expect(Math.max(...values)).toBeCloseTo(1, 6);
    expect(Math.min(...values)).toBe(0);
    // One over the pixels of an overlap.
    expect(Math.max(...steps)).toBeLessThan(1 / (6 * factor) + 1e-6);
  });
});

describe("the size of tiles", () => {
  const bytes = (rows: number, columns: number) => rows * columns * 1000;
  const request = { rows: 128, columns: 192, estimate: bytes, factor: 8 };

  it("is the picture's where that fits", () => {
    expect(chooseTiling({ ...request, budget: 1e9 })).toMatchObject({ rows: 128, columns: 192 });
  });

  it("is the largest that fits, within an eighth of each side", () => {
    const { rows, columns, overlap } = chooseTiling({ ...request, budget: 8e6 });
    expect(bytes(rows, columns)).toBeLessThanOrEqual(8e6);
    expect(bytes(rows, columns)).toBeGreaterThan(8e6 * 0.75);
    expect(Math.max(rows, columns) / Math.min(rows, columns)).toBeLessThan(1.2);
    expect(overlap).toBe(16);
  });

  it("leaves a low picture as low as it is", () => {
    const low = { ...request, rows: 8, columns: 400, budget: 1e6 };
    const { rows, columns, overlap } = chooseTiling(low);
    expect([rows, overlap]).toEqual([8, 2]);
    expect(columns).toBeLessThanOrEqual(125);
  });

  it("has an end, which is said with sizes", () => {
    const choose = () => chooseTiling({ ...request, budget: 1e5 });
    expect(choose).toThrow(FacetError);
    expect(choose).toThrow(
      "A picture of 1536 x 1024 pixels needs 1 MB for each tile of 256 x 256, the smallest there are, and 1 MB are " +
        "free. Close other programs.",
    );
  });
});
