/** A random node of every operator: the table is total, so that no operator can be added unseen. */
import {
  type Dimension,
  floorDivide,
  minus,
  plus,
  times,
} from "../../../src-main/core/graph/dimension.ts";
import * as build from "../../../src-main/core/graph/build/index.ts";
import { make } from "../../../src-main/core/graph/make.ts";
import type { Node } from "../../../src-main/core/graph/node.ts";
import type { GraphDType, Operator, Window } from "../../../src-main/core/graph/operators.ts";
import type { Shape } from "../../../src-main/core/graph/shape.ts";
import { byteSize } from "../../../src-main/core/tensor/dtype.ts";
import type { Draw, Range } from "./draw.ts";

/** Throws what inference throws where the operator does not take the type. */
export type OperatorCase = (draw: Draw, dtype: GraphDType) => Node;

const positive: Range = { low: 0.2, high: 3 };

function one(build1: (x: Node) => Node, range?: Range): OperatorCase {
  return (draw, dtype) => build1(draw.input(draw.shape(), dtype, range));
}

/** Two shapes that broadcast to each other. */
function broadcastable(draw: Draw): [Shape, Shape] {
  const shape = draw.shape();
  const part = (): Shape =>
    shape
      .slice(draw.chance(0.3) ? draw.random.below(shape.length + 1) : 0)
      .map((size) => (draw.chance(0.2) ? 1 : size));
  return draw.chance(0.5) ? [shape, part()] : [part(), shape];
}

function two(build2: (left: Node, right: Node) => Node, range?: Range): OperatorCase {
  return (draw, dtype) => {
    const [left, right] = broadcastable(draw);
    return build2(draw.input(left, dtype, range), draw.input(right, dtype, range));
  };
}

/** Some of the axes, perhaps none. */
function someAxes(draw: Draw, rank: number): number[] {
  return Array.from({ length: rank }, (_, axis) => axis).filter(() => draw.chance(0.5));
}

function reduction(operator: "sum" | "mean" | "largest"): OperatorCase {
  return (draw, dtype) => {
    const x = draw.input(draw.shape(), dtype);
    return make(operator, [x], { axes: someAxes(draw, x.shape.length) });
  };
}

function alongAxis(build1: (x: Node, axis: number) => Node): OperatorCase {
  return (draw, dtype) => {
    const rank = 1 + draw.random.below(4);
    return build1(draw.input(draw.shape(rank), dtype), draw.random.below(rank));
  };
}

function shuffled(draw: Draw, count: number): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  return order
    .map((index) => ({ index, key: draw.random.uniform() }))
    .toSorted((left, right) => left.key - right.key)
    .map(({ index }) => index);
}

interface Drawn {
  readonly window: Window;
  readonly spatial: readonly Dimension[];
  readonly small: readonly Dimension[];
  readonly kernel: readonly number[];
  readonly x: number;
  readonly out: number;
  readonly n: Dimension;
}

/** A window over axes that are large enough for it. */
function drawWindow(draw: Draw): Drawn {
  const axes = 1 + draw.random.below(2);
  const each = (make1: () => number) => Array.from({ length: axes }, make1);
  const kernel = each(() => 1 + draw.random.below(3));
  const window: Window = {
    strides: draw.chance(0.5) ? each(() => 1) : each(() => 1 + draw.random.below(3)),
    before: each(() => draw.random.below(3)),
    after: each(() => draw.random.below(3)),
    dilations: each(() => 1 + draw.random.below(2)),
    groups: 1 + draw.random.below(2),
  };
  const spatial = kernel.map((taps, axis) =>
    draw.dimension((taps - 1) * (window.dilations[axis] ?? 1) + 1),
  );
  const small = spatial.map((size, axis) => {
    const reach = ((kernel[axis] ?? 1) - 1) * (window.dilations[axis] ?? 1) + 1;
    const padding = (window.before[axis] ?? 0) + (window.after[axis] ?? 0);
    return plus(floorDivide(plus(minus(size, reach), padding), window.strides[axis] ?? 1), 1);
  });
  const channels = () => window.groups * (1 + draw.random.below(3));
  return { window, spatial, small, kernel, x: channels(), out: channels(), n: draw.dimension() };
}

function kernelInput(draw: Draw, { window, out, x, kernel }: Drawn, dtype: GraphDType): Node {
  return draw.input([out, x / window.groups, ...kernel], dtype);
}

export const operatorCases: { readonly [O in Operator]: OperatorCase } = {
  input: one((x) => x),
  constant: (draw, dtype) => {
    if (draw.chance(0.5)) {
      const [rows, columns] = [draw.size(), draw.size()];
      const values = Array.from({ length: rows * columns }, () => draw.random.below(2));
      return build.constant(Float32Array.from(values), [rows, columns], dtype);
    }
    const shape = draw.shape();
    // An input that carries the shape's symbols.
    const carrier = draw.input(shape, dtype);
    return build.after(build.constant(draw.random.below(2), shape, dtype), carrier);
  },
  weight: (draw, dtype) => {
    const [rows, columns] = [draw.size(), draw.size()];
    const bytes = new Uint8Array(rows * columns * byteSize(dtype));
    return build.weight("w", [rows, columns], { kind: "bytes", bytes }, dtype);
  },

  negate: one(build.negate),
  exp: one(build.exp),
  log: one(build.log, positive),
  sqrt: one(build.sqrt, positive),
  sin: one(build.sin),
  cos: one(build.cos),
  acos: one(build.acos, { low: -0.95, high: 0.95 }),
  tanh: one(build.tanh),
  sigmoid: one(build.sigmoid),
  erf: one(build.erf),
  absolute: one(build.absolute),
  relu: one(build.relu),
  gelu: one(build.gelu),
  swish: (draw, dtype) =>
    make("swish", [draw.input(draw.shape(), dtype)], { alpha: draw.chance(0.5) ? 1 : 1.702 }),
  not: one(build.not),
  cast: (draw, dtype) => {
    const all = ["F32", "F16", "BF16", "I32", "I64", "BOOL"] as const;
    const x = draw.input(draw.shape(), dtype);
    return make("cast", [x], { to: all[draw.random.below(all.length)] ?? "F32" });
  },

  add: two(build.add),
  subtract: two(build.subtract),
  multiply: two(build.multiply),
  divide: two(build.divide, positive),
  power: two(build.power, positive),
  minimum: two(build.minimum),
  maximum: two(build.maximum),
  equal: two(build.equal),
  less: two(build.less),
  and: two(build.and),
  where: (draw, dtype) => {
    const [yes, no] = broadcastable(draw);
    const condition = draw.chance(0.5) ? yes : no.map((size) => (draw.chance(0.3) ? 1 : size));
    return build.where(
      draw.input(condition, "BOOL"),
      draw.input(yes, dtype),
      draw.input(no, dtype),
    );
  },

  matmul: (draw, dtype) => {
    const [m, k, n] = [draw.dimension(), draw.dimension(), draw.dimension()];
    const [left, right] = draw.chance(0.5)
      ? [[], []]
      : broadcastable(draw).map((lead) => lead.slice(-2));
    const transposeLeft = draw.chance(0.5);
    const transposeRight = draw.chance(0.5);
    return build.matmul(
      draw.input([...(left ?? []), ...(transposeLeft ? [k, m] : [m, k])], dtype),
      draw.input([...(right ?? []), ...(transposeRight ? [n, k] : [k, n])], dtype),
      { transposeLeft, transposeRight },
    );
  },
  convolve: (draw, dtype) => {
    const drawn = drawWindow(draw);
    const x = draw.input([drawn.n, drawn.x, ...drawn.spatial], dtype);
    return make("convolve", [x, kernelInput(draw, drawn, dtype)], drawn.window);
  },
  convolveTransposed: (draw, dtype) => {
    const drawn = drawWindow(draw);
    // The large sizes stand in an input of their own, as they do in a training step.
    const large = draw.input([drawn.n, drawn.x, ...drawn.spatial], dtype);
    const y = draw.input([drawn.n, drawn.out, ...drawn.small], dtype);
    const w = kernelInput(draw, drawn, dtype);
    return build.after(build.convolveTransposed(y, w, drawn.spatial, drawn.window), large);
  },
  attention: (draw, dtype) => {
    const lead = draw.shape(draw.random.below(3));
    const [length, keys, depth, width] = [
      draw.dimension(),
      draw.dimension(),
      draw.size(),
      draw.size(),
    ];
    const q = draw.input([...lead, length, depth], dtype);
    const k = draw.input([...lead, keys, depth], dtype);
    const v = draw.input([...lead, keys, width], dtype);
    const mask = draw.chance(0.5) ? draw.input([length, keys], dtype) : undefined;
    return build.attention(q, k, v, 1 / Math.sqrt(depth), mask);
  },

  sum: reduction("sum"),
  mean: reduction("mean"),
  largest: reduction("largest"),
  argmax: alongAxis(build.argmax),
  softmax: alongAxis(build.softmax),
  logSoftmax: alongAxis(build.logSoftmax),
  normalize: (draw, dtype) => {
    const shape = [...draw.shape(draw.random.below(4)), draw.dimension(2)];
    return build.normalize(draw.input(shape, dtype), 1e-3);
  },

  reshape: (draw, dtype) => {
    const [a, b, c] = [draw.dimension(), draw.dimension(), draw.dimension()];
    const x = draw.input([a, times(b, 2), c], dtype);
    const shapes: Shape[] = [
      [a, 2, b, c],
      [a, times(times(b, 2), c)],
      [times(a, 2), b, c],
      [times(times(a, times(b, 2)), c)],
      [b, 2, c, a],
      [1, a, b, c, 2],
    ];
    const carrier = draw.input([b], dtype);
    return build.after(build.reshape(x, shapes[draw.random.below(shapes.length)] ?? []), carrier);
  },
  transpose: (draw, dtype) => {
    const rank = draw.random.below(5);
    return make("transpose", [draw.input(draw.shape(rank), dtype)], {
      permutation: shuffled(draw, rank),
    });
  },
  slice: (draw, dtype) => {
    const size = draw.dimension(5);
    const shape: Dimension[] = [draw.dimension(), size, draw.dimension()];
    const x = draw.input(shape, dtype);
    switch (draw.random.below(6)) {
      case 0:
        return build.reverse(x, 1);
      case 1:
        return build.slice(x, 1, 1 + draw.random.below(3));
      case 2:
        return build.slice(x, 1, minus(size, 3), minus(size, draw.random.below(3)));
      case 3:
        return build.sliceBy(x, 1, draw.random.below(2), 2, 2 + draw.random.below(2));
      case 4:
        return build.sliceBy(x, 1, minus(size, 1), floorDivide(plus(size, 1), 2), -2);
      default:
        return build.slice(
          x,
          1,
          floorDivide(size, 2),
          draw.chance(0.5) ? size : plus(floorDivide(size, 2), 1),
        );
    }
  },
  pad: (draw, dtype) => {
    const rank = 1 + draw.random.below(4);
    const counts = () => Array.from({ length: rank }, () => draw.random.below(3));
    return make("pad", [draw.input(draw.shape(rank), dtype)], {
      before: counts(),
      after: counts(),
    });
  },
  concat: (draw, dtype) => {
    const shape = draw.shape(1 + draw.random.below(3));
    const axis = draw.random.below(shape.length);
    const parts = Array.from({ length: 1 + draw.random.below(3) }, () =>
      draw.input(shape.with(axis, draw.dimension()), dtype),
    );
    return make("concat", parts, { axis });
  },
  expand: (draw, dtype) => {
    const shape = draw.shape(3);
    const carrier = draw.input(shape, dtype);
    const x = draw.input(
      shape.slice(draw.random.below(3)).map((size) => (draw.chance(0.5) ? 1 : size)),
      dtype,
    );
    return build.after(build.expand(x, shape), carrier);
  },
  upsample: (draw, dtype) =>
    build.upsample(draw.input(draw.shape(4), dtype), 2 + draw.random.below(2)),

  gather: (draw, dtype) => {
    const rows = draw.size();
    const table = draw.input([rows, ...draw.shape(draw.random.below(3))], dtype);
    const indices = draw.input(draw.shape(draw.random.below(3)), draw.chance(0.5) ? "I32" : "I64", {
      low: 0,
      high: rows,
    });
    return build.gather(table, indices);
  },
  scatterAdd: (draw, dtype) => {
    const count = draw.size();
    const lead = draw.shape(draw.random.below(3));
    const indices = draw.input(lead, draw.chance(0.5) ? "I32" : "I64", { low: 0, high: count });
    const rows = draw.input([...lead, ...draw.shape(draw.random.below(3))], dtype);
    return build.scatterAdd(indices, rows, count);
  },
  oneHot: (draw, dtype) => {
    const depth = draw.size();
    return build.oneHot(
      draw.input(draw.shape(draw.random.below(3)), dtype, { low: 0, high: depth }),
      depth,
    );
  },
  after: (draw, dtype) => {
    const x = draw.input(draw.shape(), dtype);
    return build.after(x, draw.input(draw.shape(), draw.chance(0.5) ? dtype : "F32"));
  },
};
