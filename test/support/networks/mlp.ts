/** A multilayer perceptron: torch's Sequential of Linear and ReLU. */
import { relu } from "../../../src-main/core/graph/build/index.ts";
import { linear, meanSquaredError, within } from "../../../src-main/core/graph/layers/index.ts";
import { given, type Network, type Size } from "./network.ts";

const sizes = {
  full: { batch: 256, widths: [512, 1024, 1024, 512] },
  tiny: { batch: 4, widths: [8, 16, 16, 8] },
};

export function mlp(size: Size): Network {
  const { batch, widths } = sizes[size];
  const [first = 0, ...rest] = widths;
  return {
    name: "mlp",
    data: [
      { name: "x", shape: [batch, first], dtype: "F32" },
      { name: "target", shape: [batch, widths.at(-1) ?? 0], dtype: "F32" },
    ],
    forward: (parameters, { x }) =>
      rest.reduce((h, width, index) => {
        const y = linear(within(parameters, String(2 * index)), h, width);
        return index < rest.length - 1 ? relu(y) : y;
      }, given(x)),
    loss: (forward, { target }) => meanSquaredError(forward, given(target)),
  };
}
