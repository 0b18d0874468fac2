/** torch.nn.Conv1d and Conv2d, and the changes of size between them. */
import {
  add,
  convolve,
  expand,
  multiply,
  reshape,
  upsample,
  type WindowOptions,
} from "../build/index.ts";
import { times } from "../dimension.ts";
import type { Node } from "../node.ts";
import { fanIn } from "./initial.ts";
import type { Parameters } from "./parameters.ts";
import { share, sizeAt } from "./sizes.ts";

export interface ConvolutionOptions extends WindowOptions {
  /** Taps along each spatial axis. */
  readonly kernel: number;
  readonly bias?: boolean;
}

/** x [n, in, ...spatial] -> [n, out, ...]; `weight` [out, in / groups, ...kernel] and `bias` [out]. */
export function convolution(
  parameters: Parameters,
  x: Node,
  out: number,
  { kernel, bias = true, ...window }: ConvolutionOptions,
): Node {
  const inputs = share("convolution", x, sizeAt("convolution", x, 1), window.groups ?? 1);
  const taps = x.shape.slice(2).map(() => kernel);
  const fan = fanIn(inputs * kernel ** taps.length);
  const shape = [out, inputs, ...taps];
  const weight = parameters("weight", shape, fan);
  const added = (y: Node) => (bias ? add(y, alongChannels(parameters("bias", [out], fan), y)) : y);
  const adapter = parameters.adapter?.("weight", shape);
  if (!adapter) return added(convolve(x, weight, window));
  const { down, up, scale } = adapter;
  const inner = convolve(x, reshape(down, [down.shape[0] ?? 0, ...shape.slice(1)]), window);
  const delta = convolve(inner, reshape(up, [...up.shape, ...taps.map(() => 1)]));
  if (!scale) return add(added(convolve(x, weight, window)), delta);
  const base = convolve(multiply(x, alongChannels(scale.in, x)), weight, window);
  return add(added(multiply(base, alongChannels(scale.out, base))), delta);
}

/** A value for each channel [c], shaped to broadcast over x [n, c, ...spatial]. */
export function alongChannels(values: Node, x: Node): Node {
  return reshape(values, [...values.shape, ...x.shape.slice(2).map(() => 1)]);
}

/** Each element `scale` times along the last axis: x [n, c, length] -> [n, c, scale * length]. */
export function upsampleLine(x: Node, scale: number): Node {
  const [n = 0, c = 0, length = 0] = x.shape;
  const columns = reshape(x, [n, c, length, 1]);
  return reshape(expand(columns, [n, c, length, scale]), [n, c, times(length, scale)]);
}

/** Half the size by a strided convolution: what diffusers' Downsample2D calls `conv`. */
export function downsampled(parameters: Parameters, x: Node): Node {
  const channels = sizeAt("downsampled", x, 1);
  return convolution(parameters, x, channels, { kernel: 3, stride: 2, padding: 1 });
}

/** Twice the size, then a convolution: what diffusers' Upsample2D calls `conv`. */
export function upsampled(parameters: Parameters, x: Node): Node {
  const channels = sizeAt("upsampled", x, 1);
  const larger = x.shape.length === 3 ? upsampleLine(x, 2) : upsample(x, 2);
  return convolution(parameters, larger, channels, { kernel: 3, padding: 1 });
}
