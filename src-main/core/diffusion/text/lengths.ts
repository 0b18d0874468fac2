/** Contexts of different lengths in one batch (comfy/conds.py, CONDCrossAttn). */
import type { Conditioning } from "./conditioning.ts";

/** ComfyUI's limit: with more repetitions two runs cost less than one. */
const mostRepetitions = 4;

/**
 * Both with as many tokens, repeated to the least common multiple: attention to the same tokens several times gives
 * what attention to them once gives. Null where they should be run one after the other.
 */
export function equalLengths(
  left: Conditioning,
  right: Conditioning,
): readonly [Conditioning, Conditioning] | null {
  const tokens = (left.tokens / commonDivisor(left.tokens, right.tokens)) * right.tokens;
  if (tokens / Math.min(left.tokens, right.tokens) > mostRepetitions) return null;
  return [repeated(left, tokens), repeated(right, tokens)];
}

function repeated(conditioning: Conditioning, tokens: number): Conditioning {
  const { context } = conditioning;
  const times = tokens / conditioning.tokens;
  if (times === 1) return conditioning;
  const repeatedContext = new Float32Array(context.length * times);
  for (let index = 0; index < times; index++) repeatedContext.set(context, index * context.length);
  return { ...conditioning, context: repeatedContext, tokens };
}

function commonDivisor(left: number, right: number): number {
  return right === 0 ? left : commonDivisor(right, left % right);
}
