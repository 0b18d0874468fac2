/** Deltas of one module side by side along the rank, scaled where DoRA scales them. */
import { columns, type LoraModule, type ModuleShape } from "./lora.ts";

/** One LoRA's share in a module. */
export interface Part {
  readonly module: LoraModule;
  /** Factors of the delta's rows `[out]` and of its input channels `[in]`. */
  readonly rows?: Float32Array | undefined;
  readonly channels?: Float32Array | undefined;
}

export interface Joined {
  readonly parts: readonly Part[];
  readonly rank: number;
  /** `[rank, in * kh * kw]`; the LoRA's own array where there is nothing to join or scale. */
  readonly down: Float32Array;
  /** `[out, rank]`, likewise. */
  readonly up: Float32Array;
}

export function joinParts(shape: ModuleShape, parts: readonly Part[]): Joined {
  const [only, ...others] = parts;
  const rank = parts.reduce((sum, { module }) => sum + module.rank, 0);
  const alone = others.length === 0 ? only : undefined;
  return {
    parts,
    rank,
    down: alone && !alone.channels ? alone.module.down : joinedDown(shape, parts, rank),
    up: alone && !alone.rows ? alone.module.up : joinedUp(shape, parts, rank),
  };
}

/** Whether the same arrays would be joined, so that the result of last time is theirs too. */
export function sameParts(one: readonly Part[], other: readonly Part[]): boolean {
  return (
    one.length === other.length &&
    one.every(({ module, rows, channels }, index) => {
      const match = other[index];
      return module === match?.module && rows === match.rows && channels === match.channels;
    })
  );
}

function joinedDown(shape: ModuleShape, parts: readonly Part[], rank: number): Float32Array {
  const width = columns(shape);
  const taps = width / shape.in;
  const joined = new Float32Array(rank * width);
  let start = 0;
  for (const { module, channels } of parts) {
    const { down } = module;
    if (!channels) joined.set(down, start);
    else {
      for (let at = 0; at < down.length; at++) {
        const channel = Math.floor((at % width) / taps);
        joined[start + at] = (down[at] as number) * (channels[channel] as number);
      }
    }
    start += down.length;
  }
  return joined;
}

function joinedUp({ out }: ModuleShape, parts: readonly Part[], rank: number): Float32Array {
  const joined = new Float32Array(out * rank);
  let start = 0;
  for (const { module, rows } of parts) {
    const { up, rank: own } = module;
    for (let o = 0; o < out; o++) {
      const factor = rows ? (rows[o] as number) : 1;
      const [from, to] = [o * own, o * rank + start];
      for (let j = 0; j < own; j++) joined[to + j] = factor * (up[from + j] as number);
    }
    start += own;
  }
  return joined;
}
