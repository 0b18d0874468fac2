/** What a text encoder is given and gives, and rows of positions as its inputs. */
import type { ClipConfig } from "../clip-config.ts";
import { endToken } from "./byte-pairs.ts";
import type { Position, Weighted } from "./chunks.ts";
import type { Layer } from "./skip.ts";

export interface EncoderInput {
  readonly config: ClipConfig;
  readonly rows: number;
  /** [rows, positions]: below the vocabulary's size a token, from there on a row of `extra`. */
  readonly ids: Int32Array;
  /** [vectors, width] of trained words; none where the prompt has none. */
  readonly extra: Float32Array;
  /** [rows]: place of the token whose final state is pooled. */
  readonly ends: Int32Array;
  readonly layer: Layer;
}

export interface EncoderOutput {
  /** [rows, positions, width] */
  readonly hidden: Float32Array;
  /** [rows, projection]; null of an encoder without one. */
  readonly pooled: Float32Array | null;
}

/** What clipInputs() is fed with, by name. `extra` has a row of zeros where no word is trained. */
export function encoderFeeds({ config, rows, ids, extra, ends }: EncoderInput) {
  const { positions, width } = config;
  const vectors = Math.max(1, extra.length / width);
  const table = new Float32Array(vectors * width);
  table.set(extra);
  return {
    ids: { shape: [rows, positions], values: ids },
    extra: { shape: [vectors, width], values: table },
    ends: { shape: [rows], values: ends },
  };
}

/** Runs one encoder. */
export type Encode = (input: EncoderInput) => Promise<EncoderOutput>;

/** Which place of a row is pooled. */
export type EndRule = (row: readonly Position[]) => number;

/**
 * ComfyUI counts positions up to the first end, and all vectors, those behind an end typed into the prompt too
 * (comfy/sd1_clip.py, process_tokens).
 */
export function comfyEnd(row: readonly Position[]): number {
  const end = row.indexOf(endToken);
  const vectorsBehind = row.slice(end).filter((position) => typeof position !== "number");
  return end + vectorsBehind.length;
}

/** A row's state is read by whole chunks, so that a long prompt needs no more memory than a short one. */
const rowsAtOnce = 16;

/** Hidden states of all rows, one after the other, and the pooled vector of the first. */
export async function encodeRows(
  encode: Encode,
  config: ClipConfig,
  layer: Layer,
  rows: readonly (readonly Weighted[])[],
  endOf: EndRule,
): Promise<EncoderOutput> {
  const { positions, width } = config;
  const hidden = new Float32Array(rows.length * positions * width);
  let pooled: Float32Array | null = null;
  for (let start = 0; start < rows.length; start += rowsAtOnce) {
    const some = rows.slice(start, start + rowsAtOnce);
    const output = await encode({
      config,
      layer,
      rows: some.length,
      ...encoded(some, config, endOf),
    });
    hidden.set(output.hidden, start * positions * width);
    if (start === 0) pooled = output.pooled?.slice(0, config.projection) ?? null;
  }
  return { hidden, pooled };
}

function encoded(
  rows: readonly (readonly Weighted[])[],
  { vocabulary, width, positions }: ClipConfig,
  endOf: EndRule,
): Pick<EncoderInput, "ids" | "extra" | "ends"> {
  const vectors = new Map<Float32Array, number>();
  const idOf = (position: Position): number => {
    if (typeof position === "number") return position;
    const known = vectors.get(position) ?? vectors.size;
    vectors.set(position, known);
    return vocabulary + known;
  };
  const ids = new Int32Array(rows.length * positions);
  const ends = new Int32Array(rows.length);
  rows.forEach((row, index) => {
    const inRow = row.map(({ position }) => position);
    ids.set(inRow.map(idOf), index * positions);
    ends[index] = endOf(inRow);
  });
  const extra = new Float32Array(vectors.size * width);
  for (const [vector, index] of vectors) extra.set(vector, index * width);
  return { ids, extra, ends };
}
