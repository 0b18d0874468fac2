/** LoHa, LoKr, LoCon with a middle and full differences against their formulas written out densely. */
import { describe, expect, it } from "vitest";
import type { Lora } from "../../../src-main/core/lora/lora.ts";
import { inspectLora } from "../../../src-main/core/lora/inspect.ts";
import { readLora } from "../../../src-main/core/lora/read.ts";
import { svd } from "../../../src-main/core/linalg/svd.ts";
import { seededRandom } from "../../../src-main/core/tensor/random.ts";
import { memoryFile } from "../../support/memory-file.ts";
import type { MemoryTensor } from "../../support/memory-file.ts";

/** 320 x 320 Linear, and a 3x3 convolution 4 -> 320, of SD1.5; a rank-1 neighbour tells the family. */
const linear = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q";
const convolution = "lora_unet_conv_in";
const neighbour: Record<string, MemoryTensor> = {
  "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight": {
    shape: [1, 768],
  },
  "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_up.weight": {
    shape: [320, 1],
  },
};

const random = seededRandom(5);
function tensor(...shape: number[]): Required<MemoryTensor> {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  random.fillNormal(values);
  return { shape, values, dtype: "F32" };
}
/** Element by indices, to write formulas as the reference has them. */
function at({ shape, values }: Required<MemoryTensor>, ...index: number[]): number {
  const offset = index.reduce((sum, position, axis) => sum * (shape[axis] ?? 0) + position, 0);
  return values[offset] ?? Number.NaN;
}
function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
function sum(count: number, term: (index: number) => number): number {
  let total = 0;
  for (let index = 0; index < count; index++) total += term(index);
  return total;
}
function dense(
  rows: number,
  width: number,
  element: (row: number, column: number) => number,
): Float64Array {
  const values = new Float64Array(rows * width);
  for (const row of range(rows))
    for (const column of range(width)) values[row * width + column] = element(row, column);
  return values;
}

function read(tensors: Record<string, MemoryTensor>, rank?: number) {
  return readLora(memoryFile({ ...neighbour, ...tensors }), rank === undefined ? {} : { rank });
}
function productOf(lora: Lora, path: string): { values: Float64Array; rank: number } {
  const module = lora.modules.find((candidate) => candidate.path === path);
  if (!module) throw new Error(`no ${path}`);
  const width = module.down.length / module.rank;
  const values = dense(module.out, width, (o, i) =>
    sum(
      module.rank,
      (r) => (module.up[o * module.rank + r] ?? 0) * (module.down[r * width + i] ?? 0),
    ),
  );
  return { values, rank: module.rank };
}
function distance(a: Float64Array, b: Float64Array): number {
  expect(a.length).toBe(b.length);
  const difference = Math.sqrt(sum(a.length, (i) => ((a[i] ?? 0) - (b[i] ?? 0)) ** 2));
  return difference / Math.sqrt(sum(b.length, (i) => (b[i] ?? 0) ** 2));
}

const linearPath = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
const convolutionPath = "unet.conv_in";

/** The share that the best approximation of a rank keeps (Eckart-Young), and its distance. */
function best(values: Float64Array, rows: number, width: number, rank: number): number {
  const singular = svd(values, rows, width).values;
  const squares = [...singular].map((value) => value * value);
  return sum(rank, (i) => squares[i] ?? 0) / sum(squares.length, (i) => squares[i] ?? 0);
}

describe("LoHa", () => {
  const [w1a, w1b, w2a, w2b] = [tensor(320, 3), tensor(3, 320), tensor(320, 2), tensor(2, 320)];
  const tensors = {
    [`${linear}.hada_w1_a`]: w1a,
    [`${linear}.hada_w1_b`]: w1b,
    [`${linear}.hada_w2_a`]: w2a,
    [`${linear}.hada_w2_b`]: w2b,
    [`${linear}.alpha`]: { shape: [], values: [1.5] },
  };
  const expected = dense(
    320,
    320,
    (o, i) =>
      0.5 *
      sum(3, (r) => at(w1a, o, r) * at(w1b, r, i)) *
      sum(2, (r) => at(w2a, o, r) * at(w2b, r, i)),
  );

  it("is exact at the product of its ranks", () => {
    const { lora, report } = read(tensors, 6);
    expect(distance(productOf(lora, linearPath).values, expected)).toBeLessThan(1e-5);
    expect(report.adapters.toSorted()).toEqual(["loha", "lora"]);
    const [only] = report.converted;
    expect(only).toMatchObject({ path: linearPath, adapter: "loha", rank: 6 });
    expect(only?.kept).toBeCloseTo(1, 6);
  });

  it("is the best approximation at its own dimension otherwise, with the share it keeps", () => {
    const { lora, report } = read(tensors);
    const { values, rank } = productOf(lora, linearPath);
    expect(rank).toBe(3);
    const kept = best(expected, 320, 320, 3);
    expect(report.converted[0]?.kept).toBeCloseTo(kept, 5);
    expect(distance(values, expected)).toBeCloseTo(Math.sqrt(1 - kept), 4);
  });

  it("contracts the core tensors of a convolution", () => {
    const [a1, b1, t1] = [tensor(2, 320), tensor(3, 4), tensor(2, 3, 3, 3)];
    const [a2, b2, t2] = [tensor(2, 320), tensor(2, 4), tensor(2, 2, 3, 3)];
    const side = (
      a: typeof a1,
      b: typeof b1,
      t: typeof t1,
      o: number,
      i: number,
      k: number,
      l: number,
    ): number =>
      sum(t.shape[0] ?? 0, (p) =>
        sum(t.shape[1] ?? 0, (q) => at(t, p, q, k, l) * at(b, q, i) * at(a, p, o)),
      );
    const convolved = dense(320, 36, (o, c) => {
      const [i, k, l] = [Math.floor(c / 9), Math.floor((c % 9) / 3), c % 3] as const;
      return side(a1, b1, t1, o, i, k, l) * side(a2, b2, t2, o, i, k, l);
    });
    const { lora } = read(
      {
        [`${convolution}.hada_w1_a`]: a1,
        [`${convolution}.hada_w1_b`]: b1,
        [`${convolution}.hada_t1`]: t1,
        [`${convolution}.hada_w2_a`]: a2,
        [`${convolution}.hada_w2_b`]: b2,
        [`${convolution}.hada_t2`]: t2,
      },
      4,
    );
    expect(distance(productOf(lora, convolutionPath).values, convolved)).toBeLessThan(1e-5);
  });

  it("goes through the whole matrix where the ranks' product is larger than it", () => {
    const [a1, b1, a2, b2] = [tensor(320, 14), tensor(14, 320), tensor(320, 14), tensor(14, 320)];
    const whole = dense(
      320,
      320,
      (o, i) =>
        sum(14, (r) => at(a1, o, r) * at(b1, r, i)) * sum(14, (r) => at(a2, o, r) * at(b2, r, i)),
    );
    const { lora, report } = read({
      [`${linear}.hada_w1_a`]: a1,
      [`${linear}.hada_w1_b`]: b1,
      [`${linear}.hada_w2_a`]: a2,
      [`${linear}.hada_w2_b`]: b2,
    });
    const kept = report.converted[0]?.kept ?? 0;
    // A randomised range finder comes close to the best, and says exactly what it kept.
    expect(kept).toBeGreaterThan(0.98 * best(whole, 320, 320, 14));
    expect(distance(productOf(lora, linearPath).values, whole)).toBeCloseTo(Math.sqrt(1 - kept), 4);
  });
});

describe("LoKr", () => {
  it("is the Kronecker product, alpha unused where neither side is a product", () => {
    const [w1, w2] = [tensor(8, 8), tensor(40, 40)];
    const expected = dense(
      320,
      320,
      (o, i) => at(w1, Math.floor(o / 40), Math.floor(i / 40)) * at(w2, o % 40, i % 40),
    );
    const tensors = {
      [`${linear}.lokr_w1`]: w1,
      [`${linear}.lokr_w2`]: w2,
      [`${linear}.alpha`]: { shape: [], values: [1e9] },
    };
    const whole = read(tensors, 320);
    expect(distance(productOf(whole.lora, linearPath).values, expected)).toBeLessThan(1e-5);
    const { lora, report } = read(tensors, 12);
    const kept = best(expected, 320, 320, 12);
    expect(report.converted[0]).toMatchObject({ adapter: "lokr", rank: 12 });
    expect(report.converted[0]?.kept).toBeCloseTo(kept, 5);
    expect(distance(productOf(lora, linearPath).values, expected)).toBeCloseTo(
      Math.sqrt(1 - kept),
      4,
    );
    // Nothing in the file says a rank.
    expect(inspectLora(memoryFile({ ...neighbour, ...tensors })).rank).toEqual({ min: 1, max: 32 });
  });

  it("scales by the rows of w2_b where w2 is a product", () => {
    const [w1, w2a, w2b] = [tensor(16, 16), tensor(20, 4), tensor(4, 20)];
    const expected = dense(
      320,
      320,
      (o, i) =>
        (2 / 4) *
        at(w1, Math.floor(o / 20), Math.floor(i / 20)) *
        sum(4, (r) => at(w2a, o % 20, r) * at(w2b, r, i % 20)),
    );
    const { lora } = read(
      {
        [`${linear}.lokr_w1`]: w1,
        [`${linear}.lokr_w2_a`]: w2a,
        [`${linear}.lokr_w2_b`]: w2b,
        [`${linear}.alpha`]: { shape: [], values: [2] },
      },
      64,
    );
    expect(distance(productOf(lora, linearPath).values, expected)).toBeLessThan(1e-5);
  });

  it("keeps a kernel in w2, also with a core tensor and a factored w1", () => {
    const [w1a, w1b] = [tensor(10, 2), tensor(2, 2)];
    const [w2a, w2b, t2] = [tensor(3, 32), tensor(3, 2), tensor(3, 3, 3, 3)];
    const expected = dense(320, 36, (o, c) => {
      const [i, k, l] = [Math.floor(c / 9), Math.floor((c % 9) / 3), c % 3] as const;
      const first = sum(2, (r) => at(w1a, Math.floor(o / 32), r) * at(w1b, r, Math.floor(i / 2)));
      const second = sum(3, (p) =>
        sum(3, (q) => at(t2, p, q, k, l) * at(w2b, q, i % 2) * at(w2a, p, o % 32)),
      );
      return first * second;
    });
    const { lora } = read(
      {
        [`${convolution}.lokr_w1_a`]: w1a,
        [`${convolution}.lokr_w1_b`]: w1b,
        [`${convolution}.lokr_w2_a`]: w2a,
        [`${convolution}.lokr_w2_b`]: w2b,
        [`${convolution}.lokr_t2`]: t2,
      },
      6,
    );
    expect(distance(productOf(lora, convolutionPath).values, expected)).toBeLessThan(1e-5);
  });
});

it("LoCon with a middle keeps its rank and loses nothing", () => {
  const [up, mid, down] = [tensor(320, 3, 1, 1), tensor(3, 3, 3, 3), tensor(3, 4, 1, 1)];
  const expected = dense(320, 36, (o, c) => {
    const [i, k, l] = [Math.floor(c / 9), Math.floor((c % 9) / 3), c % 3] as const;
    return (
      (6 / 3) *
      sum(3, (p) => sum(3, (q) => at(up, o, p, 0, 0) * at(mid, p, q, k, l) * at(down, q, i, 0, 0)))
    );
  });
  const { lora, report } = read({
    [`${convolution}.lora_up.weight`]: up,
    [`${convolution}.lora_mid.weight`]: mid,
    [`${convolution}.lora_down.weight`]: down,
    [`${convolution}.alpha`]: { shape: [], values: [6] },
  });
  expect(distance(productOf(lora, convolutionPath).values, expected)).toBeLessThan(1e-6);
  expect(report.converted).toEqual([
    { path: convolutionPath, adapter: "tucker", rank: 3, kept: 1 },
  ]);
});

describe("full differences", () => {
  it("of low rank come back whole", () => {
    const [a, b] = [tensor(320, 5), tensor(5, 320)];
    const expected = dense(320, 320, (o, i) => sum(5, (r) => at(a, o, r) * at(b, r, i)));
    const { lora, report } = read({ [`${linear}.diff`]: { shape: [320, 320], values: expected } });
    expect(distance(productOf(lora, linearPath).values, expected)).toBeLessThan(1e-5);
    expect(report.converted[0]?.kept).toBeCloseTo(1, 5);
  });

  it("of full rank are cut near the best, with the share measured", () => {
    // Singular values that fall off as those of trained differences do.
    const [a, b] = [tensor(320, 60), tensor(60, 320)];
    const expected = dense(320, 320, (o, i) =>
      sum(60, (r) => 0.8 ** r * at(a, o, r) * at(b, r, i)),
    );
    const { lora, report } = read(
      { [`${linear}.diff`]: { shape: [320, 320], values: expected } },
      8,
    );
    const kept = report.converted[0]?.kept ?? 0;
    expect(kept).toBeCloseTo(best(expected, 320, 320, 8), 4);
    expect(distance(productOf(lora, linearPath).values, expected)).toBeCloseTo(
      Math.sqrt(1 - kept),
      4,
    );
  });

  it("of zeros are a LoRA of zeros", () => {
    const { lora, report } = read({ [`${linear}.diff`]: { shape: [320, 320] } });
    expect(report.converted[0]?.kept).toBe(1);
    expect(productOf(lora, linearPath).values.every((value) => value === 0)).toBe(true);
  });
});

describe("kinds that need the base weight", () => {
  const pair = {
    [`${linear}.lora_down.weight`]: tensor(2, 320),
    [`${linear}.lora_up.weight`]: tensor(320, 2),
  };
  it.each([
    ["glora", { [`${linear}.a1.weight`]: tensor(320, 2), [`${linear}.a2.weight`]: tensor(2, 320) }],
    ["oft", { [`${linear}.oft_blocks`]: tensor(4, 80, 80) }],
    ["ia3", { [`${linear}.weight`]: tensor(320, 1), [`${linear}.on_input`]: { shape: [] } }],
    ["set", { [`${linear}.set_weight`]: tensor(320, 320) }],
  ] as const)("%s is told by name and refused with the module", (kind, tensors) => {
    const file = memoryFile({ ...neighbour, ...tensors }, {}, "face.safetensors");
    const inspected = inspectLora(file);
    expect(inspected.needsBase).toEqual([kind]);
    expect(inspected.adapters).toContain(kind);
    expect(inspected.unmatched).toEqual([]);
    expect(inspected.modules).toBe(2);
    expect(() => readLora(file)).toThrow(
      expect.objectContaining({
        code: "needs-base-weight",
        path: "face.safetensors",
        field: linearPath,
      }),
    );
  });

  it("does not mistake norms and biases for them: they are named and left out", () => {
    const file = memoryFile({
      ...neighbour,
      ...pair,
      [`${linear}.diff_b`]: tensor(320),
      "lora_unet_down_blocks_0_attentions_0_norm.w_norm": tensor(320),
      "lora_unet_down_blocks_0_attentions_0_norm.b_norm": tensor(320),
    });
    const { report } = readLora(file);
    expect(report.adapters).toEqual(["lora", "bias", "norm"]);
    expect(report.unmatched).toEqual([
      `${linear}.diff_b`,
      "lora_unet_down_blocks_0_attentions_0_norm.w_norm",
      "lora_unet_down_blocks_0_attentions_0_norm.b_norm",
    ]);
  });
});
