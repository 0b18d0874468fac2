/** Encodes and decodes pictures that do not fit into memory whole, in overlapping tiles. */
import { FacetError } from "../errors.ts";
import { type Planes, sizesOf } from "./planes.ts";

/** Latent pixels. */
export interface Tiling {
  /** The most that a tile has of either. */
  readonly rows: number;
  readonly columns: number;
  /** What neighbours share at least; at most a quarter of a tile, so that never three of them meet on a line. */
  readonly overlap: number;
}

/**
 * Overlap in latent pixels of 128 screen pixels: what ComfyUI takes when a decode has run out of memory
 * (`decode_tiled_` in comfy/sd.py). Smaller tiles share a quarter of themselves, as diffusers' do.
 */
const sharedAtMost = 16;
/** Smaller tiles differ too much in their normalisations, which are taken over all of a tile: 256 screen pixels. */
const smallest = 32;

interface TiledRun {
  /** Screen pixels along one latent pixel. */
  readonly factor: number;
  readonly run: (tile: Planes) => Promise<Planes>;
  /** After each tile. */
  readonly onTile?: (done: number, of: number) => void;
}

/** Latents [n, c, height, width] -> pixels, `factor` times the size. */
export function decodeTiled(latents: Planes, tiling: Tiling, tiled: TiledRun): Promise<Planes> {
  return inTiles(latents, tiling, { from: 1, to: tiled.factor }, tiled);
}

/** Pixels, whose sizes are multiples of `factor`, -> what is encoded of them, a `factor`-th of the size. */
export function encodeTiled(pixels: Planes, tiling: Tiling, tiled: TiledRun): Promise<Planes> {
  return inTiles(pixels, tiling, { from: tiled.factor, to: 1 }, tiled);
}

/**
 * Tiles are of one size and lie evenly; where two meet, one fades into the other in a straight line, which is how
 * both ComfyUI's `tiled_scale` and diffusers' `tiled_decode` blend. Weights of all tiles at a place add up to one.
 */
async function inTiles(
  input: Planes,
  tiling: Tiling,
  scale: { readonly from: number; readonly to: number },
  { run, onTile }: TiledRun,
): Promise<Planes> {
  const { n, height, width } = sizesOf(input);
  const rows = spans(height / scale.from, tiling.rows, tiling.overlap);
  const columns = spans(width / scale.from, tiling.columns, tiling.overlap);
  const count = rows.length * columns.length;
  if (count === 1) {
    const whole = await run(input);
    onTile?.(1, 1);
    return whole;
  }
  let result: Planes | undefined;
  let done = 0;
  for (const row of rows) {
    for (const column of columns) {
      const made = await run(part(input, row, column, scale.from));
      const channels = sizesOf(made).channels;
      const shape = [
        n,
        channels,
        (height / scale.from) * scale.to,
        (width / scale.from) * scale.to,
      ];
      const length = shape.reduce((product, size) => product * size, 1);
      result ??= { shape, values: new Float32Array(length) };
      blend(result, made, row, column, scale.to);
      onTile?.(++done, count);
    }
  }
  return result ?? input;
}

/** A tile along one axis, in latent pixels. */
interface Span {
  readonly start: number;
  readonly length: number;
  /** Shared with the tile before and with the one after. */
  readonly before: number;
  readonly after: number;
}

/** As few equal tiles as there can be, and no longer than they have to be. */
function spans(size: number, most: number, overlap: number): Span[] {
  if (size <= most) return [{ start: 0, length: size, before: 0, after: 0 }];
  const shared = Math.min(overlap, Math.floor(most / 4));
  const count = Math.ceil((size - shared) / (most - shared));
  const length = Math.ceil((size + (count - 1) * shared) / count);
  const starts = Array.from({ length: count }, (_, index) =>
    Math.round((index * (size - length)) / (count - 1)),
  );
  return starts.map((start, index) => {
    const [previous, next] = [starts[index - 1], starts[index + 1]];
    return {
      start,
      length,
      before: previous === undefined ? 0 : previous + length - start,
      after: next === undefined ? 0 : start + length - next,
    };
  });
}

function part(input: Planes, row: Span, column: Span, scale: number): Planes {
  const { n, channels, height, width } = sizesOf(input);
  const [rows, columns] = [row.length * scale, column.length * scale];
  const values = new Float32Array(n * channels * rows * columns);
  for (let plane = 0; plane < n * channels; plane++) {
    for (let y = 0; y < rows; y++) {
      const from = (plane * height + row.start * scale + y) * width + column.start * scale;
      values.set(input.values.subarray(from, from + columns), (plane * rows + y) * columns);
    }
  }
  return { shape: [n, channels, rows, columns], values };
}

function blend(result: Planes, tile: Planes, row: Span, column: Span, scale: number): void {
  const { n, channels, height, width } = sizesOf(result);
  const [down, across] = [weights(row, scale), weights(column, scale)];
  const { values } = result;
  for (let plane = 0; plane < n * channels; plane++) {
    for (const [y, vertical] of down.entries()) {
      const to = (plane * height + row.start * scale + y) * width + column.start * scale;
      const from = (plane * down.length + y) * across.length;
      for (const [x, horizontal] of across.entries()) {
        const weight = vertical * horizontal;
        values[to + x] = (values[to + x] ?? 0) + weight * (tile.values[from + x] ?? 0);
      }
    }
  }
}

function weights({ length, before, after }: Span, scale: number): Float64Array {
  const size = length * scale;
  const rising = (at: number, over: number) =>
    over === 0 ? 1 : Math.min(1, (at + 0.5) / (over * scale));
  return Float64Array.from(
    { length: size },
    (_, at) => rising(at, before) * rising(size - 1 - at, after),
  );
}

export interface TilingRequest {
  /** Of the picture, in latent pixels. */
  readonly rows: number;
  readonly columns: number;
  /** Bytes that a run may take. */
  readonly budget: number;
  /** Bytes that a run of this size takes (`estimateMemory`); grows with both sizes. */
  readonly estimate: (rows: number, columns: number) => number;
  /** Screen pixels along one latent pixel: for the sentence that says what does not fit. */
  readonly factor: number;
}

/** The largest tiles that fit: the whole picture, else its longer side in ever more parts. Throws `out-of-memory`. */
export function chooseTiling({ rows, columns, budget, estimate, factor }: TilingRequest): Tiling {
  let [down, across] = [rows, columns];
  while (estimate(down, across) > budget) {
    if (down <= smallest && across <= smallest) {
      const size = (height: number, width: number) => `${width * factor} x ${height * factor}`;
      throw new FacetError(
        "out-of-memory",
        `A picture of ${size(rows, columns)} pixels needs ${megabytes(estimate(down, across))} for each tile of ` +
          `${size(down, across)}, the smallest there are, and ${megabytes(budget)} are free. Close other programs.`,
      );
    }
    // An eighth less at a time: whole divisors would leave up to half of the memory unused.
    const shorter = (side: number) => Math.max(smallest, Math.floor((side * 7) / 8));
    if (down >= across) down = shorter(down);
    else across = shorter(across);
  }
  const overlap = Math.min(sharedAtMost, Math.floor(Math.min(down, across) / 4));
  return { rows: down, columns: across, overlap };
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MB`;
}
