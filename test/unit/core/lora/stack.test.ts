/** Stacks of LoRAs: what is fed, what is shared, what is refused. */
import { describe, expect, it } from "vitest";
import { lowRankNames } from "../../../../src-main/core/diffusion/low-rank.ts";
import { modelModules } from "../../../../src-main/core/lora/architecture/index.ts";
import { doraFactor } from "../../../../src-main/core/lora/dora-scale.ts";
import type { Lora, LoraModule } from "../../../../src-main/core/lora/lora.ts";
import { LoraStacks } from "../../../../src-main/core/lora/stack.ts";
import { formulaLora } from "../../../support/models/formula-loras.ts";
import { tinyConfigs } from "../../../support/models/tiny-configs.ts";

const config = tinyConfigs.sdxl;
const modules = modelModules(config);
const query = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q";
const convolution = "unet.conv_in";
const text = "text_encoder.text_model.encoder.layers.0.mlp.fc1";
const [down, up, strength] = [
  lowRankNames(query).down,
  lowRankNames(query).up,
  lowRankNames(query).strength,
];
const one = formulaLora(config, { rank: 4 });
const other = formulaLora(config, { rank: 3, number: 1, has: (path) => path === query });

function feedsOf(
  loras: readonly (readonly [Lora, number, number?])[],
  stacks = new LoraStacks(modules),
) {
  const { components, applied } = stacks.stack(
    loras.map(([lora, strength, textStrength], index) => ({
      lora,
      name: `lora ${index}`,
      strength,
      textStrength,
    })),
  );
  const feeds = { ...components.get("unet")?.feeds, ...components.get("text_encoder")?.feeds };
  const feed = (name: string) => {
    const found = feeds[name];
    if (!found) throw new Error(`${name} is not fed`);
    return found;
  };
  return { feed, components, applied };
}

function moduleOf(lora: Lora, path: string): LoraModule {
  const found = lora.modules.find((module) => module.path === path);
  if (!found) throw new Error(`no ${path}`);
  return found;
}

function changed(lora: Lora, change: (module: LoraModule) => LoraModule): Lora {
  return { ...lora, modules: lora.modules.map(change) };
}

describe("one LoRA", () => {
  it("is fed as it is, with its strength beside it", () => {
    const { feed, applied } = feedsOf([[one, 0.5]]);
    expect(feed(down).values).toBe(moduleOf(one, query).down);
    expect(feed(up).values).toBe(moduleOf(one, query).up);
    expect(feed(strength)).toEqual({ shape: [4], values: new Float32Array(4).fill(0.5) });
    expect(feed(lowRankNames(convolution).down).shape).toEqual([4, 4, 3, 3]);
    expect(applied).toEqual([{ applied: modules.length, total: modules.length }]);
  });

  it("has a strength of its own in text encoders, and none where it is 0", () => {
    const { feed } = feedsOf([[one, 0, 0.25]]);
    expect(feed(strength).shape).toEqual([0]);
    expect(feed(down).shape).toEqual([0, 128]);
    expect(feed(lowRankNames(text).strength).values).toEqual(new Float32Array(4).fill(0.25));
  });

  it("is of rank 1 and zero where empty inputs are not taken", () => {
    const { feed } = feedsOf([[one, 0]], new LoraStacks(modules, { leastRank: 1 }));
    expect(feed(down)).toEqual({ shape: [1, 128], values: new Float32Array(128) });
    expect(feed(up).shape).toEqual([128, 1]);
  });
});

describe("two LoRAs", () => {
  it("stand side by side along the rank", () => {
    const { feed } = feedsOf([
      [one, 2],
      [other, -1],
    ]);
    const parts = [moduleOf(one, query), moduleOf(other, query)];
    expect(feed(down).values).toEqual(Float32Array.from(parts.flatMap((part) => [...part.down])));
    expect(feed(strength).values).toEqual(Float32Array.of(2, 2, 2, 2, -1, -1, -1));
    const row = parts.flatMap((part) => [...part.up.subarray(5 * part.rank, 6 * part.rank)]);
    expect(feed(up).values.subarray(35, 42)).toEqual(Float32Array.from(row));
  });

  it("are joined once for all strengths", () => {
    const stacks = new LoraStacks(modules);
    const before = feedsOf(
      [
        [one, 2],
        [other, -1],
      ],
      stacks,
    ).feed;
    const after = feedsOf(
      [
        [one, 1],
        [other, 3],
      ],
      stacks,
    ).feed;
    expect(after(down).values).toBe(before(down).values);
    expect(after(up).values).toBe(before(up).values);
    expect(before(strength).values[0]).toBe(2);
    expect(after(strength).values[0]).toBe(1);
  });
});

describe("DoRA", () => {
  const dora = formulaLora(config, { rank: 4, dora: "rows", has: (path) => path === query });
  const base = new Float32Array(128 * 128).fill(1 / 16);
  const stacks = () => new LoraStacks(modules, { weight: () => base });

  it("scales the weight by 1 - s + s * factor and its rows of up by the factor", () => {
    const { feed, components } = feedsOf([[dora, 0.25]], stacks());
    expect(components.get("unet")?.scaled).toBe(true);
    expect(components.get("text_encoder")?.scaled).toBe(false);
    const { up: own, magnitude } = moduleOf(dora, query);
    // Rows of 128 times 1/16 have the length sqrt(128) / 16.
    const factor = (magnitude?.values[3] ?? 0) / (Math.sqrt(128) / 16);
    expect(feed(lowRankNames(query).scale).values[3]).toBeCloseTo(0.75 + 0.25 * factor, 6);
    expect(feed(lowRankNames(query).scaleIn).values).toEqual(new Float32Array(128).fill(1));
    expect(feed(up).values[13]).toBeCloseTo(factor * (own[13] ?? 0), 6);
    expect(feed(lowRankNames(convolution).scale).values).toEqual(new Float32Array(32).fill(1));
  });

  it("scales what an earlier LoRA added", () => {
    const { feed } = feedsOf(
      [
        [one, 1],
        [dora, 0.25],
      ],
      stacks(),
    );
    const scale = feed(lowRankNames(query).scale).values[3] ?? 0;
    expect(feed(up).values[24]).toBeCloseTo(scale * (moduleOf(one, query).up[12] ?? 0), 6);
    const last = feedsOf(
      [
        [dora, 0.25],
        [one, 1],
      ],
      stacks(),
    ).feed;
    expect(last(up).values[28]).toBe(moduleOf(one, query).up[12]);
  });

  it("measures rows by the weight as ComfyUI or by the sum as its paper", () => {
    const { magnitude, ...module } = moduleOf(dora, query);
    if (!magnitude) throw new Error("no magnitude");
    const row = Array.from({ length: 128 }, (_, column) =>
      [0, 1, 2, 3].reduce(
        (sum, rank) => sum + (module.up[20 + rank] ?? 0) * (module.down[rank * 128 + column] ?? 0),
        1 / 16,
      ),
    );
    const factor = doraFactor({ ...module, magnitude }, base, "sum");
    expect(factor[5]).toBeCloseTo((magnitude.values[5] ?? 0) / Math.hypot(...row), 5);
  });

  it("is refused by name without the model's weights", () => {
    expect(() => feedsOf([[dora, 1]])).toThrow(
      expect.objectContaining({ code: "needs-base-weight", field: query }),
    );
  });
});

describe("what does not fit", () => {
  it("leaves out modules of another shape and counts them", () => {
    const wide = changed(one, (module) =>
      module.path === query ? { ...module, out: 256 } : module,
    );
    const { feed, applied } = feedsOf([[wide, 1]]);
    expect(applied).toEqual([{ applied: modules.length - 1, total: modules.length }]);
    expect(feed(down).shape).toEqual([0, 128]);
  });

  it("leaves out modules that a shallower model lacks", () => {
    const shallow = modelModules({ ...config, unet: { ...config.unet, middleDepth: 1 } });
    const [counts] = feedsOf([[one, 1]], new LoraStacks(shallow)).applied;
    expect(counts).toEqual({ applied: shallow.length, total: modules.length });
  });

  it("refuses a LoRA for another family, although a text encoder fits", () => {
    const stranger = formulaLora(tinyConfigs.sd15, { rank: 2 });
    const renamed = changed(stranger, (module) => ({ ...module, in: module.in + 1 }));
    const texts = stranger.modules.filter(({ path }) => path.startsWith("text_encoder."));
    const lora = {
      ...stranger,
      modules: [...renamed.modules.filter(({ path }) => path.startsWith("unet.")), ...texts],
    };
    expect(() => feedsOf([[lora, 1]])).toThrow(
      expect.objectContaining({
        code: "layout-mismatch",
        field: "unet.time_embedding.linear_1",
        message: expect.stringMatching(
          /lora 0 is for another family.*\[128, 32\] in this model and \[128, 33\] in the LoRA/,
        ),
      }),
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("refuses %s by module and place", (value) => {
    const spoilt = changed(one, (module) =>
      module.path === query ? { ...module, up: module.up.with(17, value) } : module,
    );
    expect(() => feedsOf([[spoilt, 1]])).toThrow(
      expect.objectContaining({
        code: "not-finite",
        field: query,
        message: expect.stringContaining("at place 17 of its up matrix"),
      }),
    );
  });
});
