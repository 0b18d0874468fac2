/** A convolutional autoencoder over one axis: halved twice, then doubled twice. */
import { silu } from "../../../src-main/core/graph/build/index.ts";
import {
  convolution,
  groupNorm,
  meanSquaredError,
  type Parameters,
  upsampleLine,
  within,
} from "../../../src-main/core/graph/layers/index.ts";
import type { Node } from "../../../src-main/core/graph/node.ts";
import { given, type Network, type Size } from "./network.ts";

const sizes = {
  full: { batch: 4, length: 16_384, channels: [32, 64, 128], groups: 8 },
  tiny: { batch: 2, length: 512, channels: [4, 6, 8], groups: 2 },
};

export function autoencoder(size: Size): Network {
  const { batch, length, channels, groups } = sizes[size];
  const [first = 0, ...deeper] = channels;
  const same = { kernel: 3, padding: 1 };
  const active = (parameters: Parameters, h: Node) => silu(groupNorm(parameters, h, { groups }));
  return {
    name: "autoencoder",
    data: [{ name: "x", shape: [batch, 1, length], dtype: "F32" }],
    forward: (parameters, { x }) => {
      const part = (path: string) => within(parameters, path);
      let h = convolution(part("conv_in"), given(x), first, same);
      deeper.forEach((width, index) => {
        h = active(part(`down.${index}.norm`), h);
        h = convolution(part(`down.${index}.conv`), h, width, { ...same, stride: 2 });
      });
      h = convolution(part("mid.conv"), active(part("mid.norm"), h), channels.at(-1) ?? 0, same);
      channels
        .slice(0, -1)
        .toReversed()
        .forEach((width, index) => {
          h = active(part(`up.${index}.norm`), h);
          h = convolution(part(`up.${index}.conv`), upsampleLine(h, 2), width, same);
        });
      return convolution(part("conv_out"), active(part("norm_out"), h), 1, same);
    },
    loss: (forward, { x }) => meanSquaredError(forward, given(x)),
  };
}
