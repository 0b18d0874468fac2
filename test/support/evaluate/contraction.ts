/** Values of products: matrices, convolutions, attention. */
import type { Window } from "../../../src-main/core/graph/operators.ts";
import { softmaxOf } from "./reduction.ts";
import type { EvaluateRule } from "./rule.ts";
import { at, fill, type Index, offsetOf, type Tensor64 } from "./tensor.ts";

/** Where a row (or a column, if transposed) of a matrix begins, and how far apart its elements are. */
function line({ shape }: Tensor64, batch: Index, row: number, transposed: boolean) {
  return transposed
    ? { start: offsetOf(shape, [...batch, 0, row]), apart: shape.at(-1) ?? 1 }
    : { start: offsetOf(shape, [...batch, row, 0]), apart: 1 };
}

function product(
  left: Tensor64,
  right: Tensor64,
  shape: readonly number[],
  transposeLeft = false,
  transposeRight = false,
): Tensor64 {
  const inner = left.shape.at(transposeLeft ? -2 : -1) ?? 0;
  const values = fill(shape, (index) => {
    const batch = index.slice(0, -2);
    const [m = 0, n = 0] = index.slice(-2);
    const row = line(left, batch, m, transposeLeft);
    const column = line(right, batch, n, !transposeRight);
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      const x = left.values[row.start + k * row.apart] ?? Number.NaN;
      const y = right.values[column.start + k * column.apart] ?? Number.NaN;
      sum += x * y;
    }
    return sum;
  });
  return { shape, values };
}

/** One spatial axis is two, the first of size 1. */
function plane([first = 1, second = 1, ...spatial]: readonly number[]) {
  const [width = 1, height = 1] = spatial.toReversed();
  return [first, second, height, width] as const;
}

function pair(each: readonly number[], missing: number) {
  const [across = missing, down = missing] = each.toReversed();
  return [down, across] as const;
}

/** Visits the places in x, w and y of every product that a convolution y of x with w sums. */
function eachProduct(
  xShape: readonly number[],
  wShape: readonly number[],
  yShape: readonly number[],
  window: Window,
  visit: (x: number, w: number, y: number) => void,
): void {
  const [, channels, height, width] = plane(xShape);
  const [, share, tall, wide] = plane(wShape);
  const [n, out, rows, columns] = plane(yShape);
  const [strideDown, strideAcross] = pair(window.strides, 1);
  const [above, left] = pair(window.before, 0);
  const [dilationDown, dilationAcross] = pair(window.dilations, 1);
  let at = 0;
  for (let image = 0; image < n; image++)
    for (let o = 0; o < out; o++) {
      const group = Math.floor(o / (out / window.groups));
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++, at++)
          for (let s = 0; s < share; s++)
            for (let i = 0; i < tall; i++)
              for (let j = 0; j < wide; j++) {
                const down = row * strideDown - above + i * dilationDown;
                const across = column * strideAcross - left + j * dilationAcross;
                if (down < 0 || down >= height || across < 0 || across >= width) continue;
                const channel = image * channels + group * share + s;
                const x = (channel * height + down) * width + across;
                visit(x, ((o * share + s) * tall + i) * wide + j, at);
              }
    }
}

export const contraction = {
  matmul: ({ input, shape, parameters: { transposeLeft, transposeRight } }) =>
    product(input(0), input(1), shape, transposeLeft, transposeRight).values,

  convolve: ({ input, shape, parameters }) => {
    const [x, w] = [input(0), input(1)];
    const y = fill(shape, () => 0);
    eachProduct(x.shape, w.shape, shape, parameters, (xAt, wAt, yAt) => {
      y[yAt] = (y[yAt] ?? 0) + (x.values[xAt] ?? 0) * (w.values[wAt] ?? 0);
    });
    return y;
  },

  convolveTransposed: ({ input, shape, parameters }) => {
    const [y, w] = [input(0), input(1)];
    const x = fill(shape, () => 0);
    eachProduct(shape, w.shape, y.shape, parameters, (xAt, wAt, yAt) => {
      x[xAt] = (x[xAt] ?? 0) + (y.values[yAt] ?? 0) * (w.values[wAt] ?? 0);
    });
    return x;
  },

  attention: ({ input, inputs, shape, parameters: { scale } }) => {
    const [q, k, v, mask] = [input(0), input(1), input(2), inputs[3]];
    const batch = shape.slice(0, -2);
    const keys = k.shape.at(-2) ?? 0;
    const scored = [...batch, q.shape.at(-2) ?? 0, keys];
    const products = product(q, k, scored, false, true);
    const weights = fill(
      scored,
      (index) => scale * at(products, index) + (mask ? at(mask, index) : 0),
    );
    for (let row = 0; row < weights.length; row += keys) {
      weights.set(softmaxOf([...weights.subarray(row, row + keys)]), row);
    }
    return product({ shape: scored, values: weights }, v, shape).values;
  },
} satisfies {
  [O in "matmul" | "convolve" | "convolveTransposed" | "attention"]: EvaluateRule<O>;
};
