/** Tokens laid into chunks of the encoder's length as ComfyUI batches them (comfy/sd1_clip.py, tokenize_with_weights). */
import { FacetError } from "../../errors.ts";
import type { ClipConfig } from "../clip-config.ts";
import { endToken, startToken } from "./byte-pairs.ts";

/** A token of the vocabulary, or a vector of a trained word in its place. */
export type Position = number | Float32Array;

export interface Weighted {
  readonly position: Position;
  readonly weight: number;
}

/** Groups of fewer positions are kept in one chunk. */
const largeGroup = 8;

/**
 * 64 chunks are 4,928 positions: attention to the text then needs the memory of attention within a picture of
 * 1024x1024 (4,096 positions), and what is beyond costs more than the picture itself.
 */
const mostChunks = 64;

/** Each chunk: start, positions, end, filling. At least one, for an empty prompt. */
export function chunked(
  groups: readonly (readonly Weighted[])[],
  config: ClipConfig,
): Weighted[][] {
  // Start and end take a place each.
  const room = config.positions - 2;
  let open: Weighted[] = [];
  const bodies = [open];
  const begin = () => {
    open = [];
    bodies.push(open);
  };
  for (const group of groups) {
    let rest = group;
    while (rest.length + open.length > room) {
      if (group.length >= largeGroup) {
        const fitting = room - open.length;
        open.push(...rest.slice(0, fitting));
        rest = rest.slice(fitting);
      }
      begin();
    }
    open.push(...rest);
  }
  if (bodies.length > mostChunks) {
    const count = groups.reduce((sum, group) => sum + group.length, 0);
    throw new FacetError(
      "too-large",
      `The prompt has ${count} tokens, which fill ${bodies.length} chunks of ${room}; at most ${mostChunks} chunks are encoded (${mostChunks * room} tokens). Shorten it.`,
      { field: "prompt" },
    );
  }
  return bodies.map((body) => framed(body, config));
}

/** One row of the encoder around at most `positions - 2` of them. */
export function framed(body: readonly Weighted[], config: ClipConfig): Weighted[] {
  const plain = (position: number): Weighted => ({ position, weight: 1 });
  const filling = config.positions - 2 - body.length;
  return [
    plain(startToken),
    ...body,
    plain(endToken),
    ...Array.from({ length: filling }, () => plain(config.padding)),
  ];
}
