/** LoRAs as inputs of a model's networks. */
import type { z } from "zod";
import type { Applied, Convention } from "../../../src-preload/contract/previews.ts";
import { lowRankNames } from "../../core/diffusion/low-rank.ts";
import type { Component } from "../../core/lora/architecture/clip.ts";
import { FacetError } from "../../core/errors.ts";
import { componentOf } from "../../core/lora/architecture/names.ts";
import type { Family, Lora } from "../../core/lora/lora.ts";
import { LoraStacks, type StackedLora } from "../../core/lora/stack.ts";
import { readWeight } from "./base-weight.ts";
import type { MountedModel } from "./mounted-model.ts";
import type { Adapted, NetworkFeeds } from "./networks.ts";

export interface LoraFeeds {
  readonly applied: z.infer<typeof Applied>[];
  readonly notes: readonly string[];
  /** Tells apart what the LoRAs do to a model. */
  readonly key: string;
  /** The same for its text encoders alone. */
  readonly textKey: string;
  of(component: Component): NetworkFeeds;
}

const stacks = new WeakMap<MountedModel, Map<string, LoraStacks>>();

let numbers = 0;
const numbered = new WeakMap<Lora, number>();

/** Matrices are told apart by the object that holds them. */
function numberOf(lora: Lora): number {
  const number = numbered.get(lora) ?? ++numbers;
  numbered.set(lora, number);
  return number;
}

/** Throws for LoRAs of other models, and for values that are no numbers, by name and module. */
export function feedsOf(
  loras: readonly StackedLora[],
  model: MountedModel,
  convention: Convention,
): LoraFeeds {
  for (const { lora, name } of loras) refuseOtherFamily(lora, name, model);
  const { components, applied } = stacksOf(model, convention).stack(loras);
  const keyOf = (some: readonly StackedLora[]) =>
    JSON.stringify([convention, some.map(({ lora, strength }) => [numberOf(lora), strength])]);
  const withText = loras.filter(
    ({ lora: { modules, embeddings } }) =>
      embeddings.length > 0 || modules.some(({ path }) => componentOf(path).component !== "unet"),
  );
  const results = loras.map(({ name }, index) => ({
    name,
    ...(applied[index] ?? { applied: 0, total: 0 }),
  }));
  return {
    applied: results,
    notes: results
      .filter((one) => one.applied < one.total)
      .map(
        (one) =>
          `${one.total - one.applied} of ${one.total} modules of ${one.name} have no place in this model.`,
      ),
    key: keyOf(loras),
    textKey: keyOf(withText),
    of(component) {
      const { feeds = {}, scaled = false } = components.get(component) ?? {};
      const adapted: Adapted = scaled ? "scaled" : "low-rank";
      const sizes = new Map<string, number>();
      for (const { path } of model.modules) {
        const names = lowRankNames(path);
        const rank = feeds[names.strength]?.shape[0];
        if (rank !== undefined) sizes.set(names.rank, rank);
      }
      return { feeds, adapted, sizes };
    },
  };
}

const familyNames: Record<Family, string> = { sdxl: "SDXL", sd15: "SD 1.5" };

/** Small models of both families have modules of the same name and shape: fitting ones are no sign. */
function refuseOtherFamily({ family }: Lora, name: string, { checkpoint }: MountedModel): void {
  const { path, config } = checkpoint;
  if (family === config.family) return;
  throw new FacetError(
    "layout-mismatch",
    `${name} is a LoRA for ${familyNames[family]}, and "${path}" is ${familyNames[config.family]}. Choose a model that it was made for.`,
    { path: name },
  );
}

/** By what the provider needs, which may change, and by whose DoRA it is: ComfyUI and peft measure it differently. */
function stacksOf(model: MountedModel, convention: Convention): LoraStacks {
  const known = stacks.get(model) ?? new Map<string, LoraStacks>();
  stacks.set(model, known);
  // Only the CPU takes matrices of no rows.
  const leastRank = model.provider === "cpu" ? 0 : 1;
  const key = `${leastRank} ${convention}`;
  let own = known.get(key);
  if (own === undefined) {
    own = new LoraStacks(model.modules, {
      leastRank,
      doraNorm: convention === "comfy" ? "comfy" : "sum",
      weight: (path) => readWeight(model.checkpoint, path),
    });
    known.set(key, own);
  }
  return own;
}
