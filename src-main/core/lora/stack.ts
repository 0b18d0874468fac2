/** Several LoRAs at once as the inputs of a model's networks: joined along the rank, with their strengths beside them. */
import { lowRankNames } from "../diffusion/low-rank.ts";
import { FacetError } from "../errors.ts";
import type { Component } from "./architecture/clip.ts";
import { componentOf } from "./architecture/names.ts";
import { type DoraNorm, doraFactor, factorAt } from "./dora-scale.ts";
import { fittingModules } from "./fit.ts";
import { type Joined, joinParts, type Part, sameParts } from "./join.ts";
import type { Lora, LoraModule, ModuleShape } from "./lora.ts";

export interface StackedLora {
  readonly lora: Lora;
  /** A file or an identity, for who is told of a fault. */
  readonly name: string;
  /** At 0 it is left out. */
  readonly strength: number;
  /** In the text encoders; as in the UNet where absent. */
  readonly textStrength?: number | undefined;
}

/** As a session is fed. */
export interface StackFeed {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Of one network. */
export interface StackFeeds {
  /** All inputs of `lowRankInputs`, for every module that the model has. */
  readonly feeds: Readonly<Record<string, StackFeed>>;
  /** Whether scales are among them: `lowRankInputs` must have been told so. */
  readonly scaled: boolean;
}

export interface Stack {
  readonly components: ReadonlyMap<Component, StackFeeds>;
  /** For each LoRA how many of its modules the model has, of how many. */
  readonly applied: readonly { readonly applied: number; readonly total: number }[];
}

export interface StackOptions {
  /** Rank of modules that no LoRA changes: 1, of zeros, for providers that take no empty inputs. */
  readonly leastRank?: 0 | 1;
  /** A weight of the model, `[out, in * kh * kw]`: DoRA needs it. */
  readonly weight?: (path: string) => Float32Array;
  readonly doraNorm?: DoraNorm;
}

/** A module of the model, and all that does not change with a stack. */
interface Place {
  readonly module: ModuleShape;
  readonly component: Component;
  readonly names: ReturnType<typeof lowRankNames>;
  /** What it is fed where no LoRA changes it. */
  readonly nothing: Readonly<Record<string, StackFeed>>;
  readonly unscaled: Readonly<Record<string, StackFeed>>;
}

interface Present {
  readonly module: LoraModule;
  readonly strength: number;
}

/** What DoRAs make of a weight: factors of its rows and input channels. */
interface Scales {
  rows?: Float32Array;
  channels?: Float32Array;
}

/** Stacks for one model. What was checked, measured and joined is kept for the stacks that follow. */
export class LoraStacks {
  readonly #options: StackOptions;
  readonly #model: ReadonlyMap<string, ModuleShape>;
  readonly #places: readonly Place[];
  readonly #fitting = new WeakMap<Lora, ReadonlyMap<string, LoraModule>>();
  readonly #factors = new WeakMap<LoraModule, Float32Array>();
  /** The last of each module: a change of strength alone joins nothing. */
  readonly #joined = new Map<string, Joined>();

  constructor(modules: readonly ModuleShape[], options: StackOptions = {}) {
    this.#options = options;
    this.#model = new Map(modules.map((module) => [module.path, module]));
    this.#places = modules.map((module) => placeOf(module, options.leastRank ?? 0));
  }

  /** Throws what `fittingModules` throws, and `needs-base-weight` for a DoRA without the model's weights. */
  stack(loras: readonly StackedLora[]): Stack {
    const fitting = loras.map(({ lora, name }) => this.#fit(lora, name));
    // Also at strength 0: a slider that passes it stays with one session.
    const scaled = new Set<Component>();
    for (const modules of fitting) {
      for (const { path, magnitude } of modules.values()) {
        if (magnitude) scaled.add(componentOf(path).component);
      }
    }
    const feeds = new Map<Component, Record<string, StackFeed>>();
    for (const place of this.#places) {
      const { component } = place;
      const own = feeds.get(component) ?? {};
      feeds.set(component, own);
      const present: Present[] = [];
      for (const [index, { strength, textStrength = strength }] of loras.entries()) {
        const module = fitting[index]?.get(place.module.path);
        const share = component === "unet" ? strength : textStrength;
        if (module && share !== 0) present.push({ module, strength: share });
      }
      this.#feed(own, place, present, scaled.has(component));
    }
    return {
      components: new Map(
        Array.from(feeds, ([component, own]) => [
          component,
          { feeds: own, scaled: scaled.has(component) },
        ]),
      ),
      applied: loras.map(({ lora }, index) => ({
        applied: fitting[index]?.size ?? 0,
        total: lora.modules.length,
      })),
    };
  }

  #fit(lora: Lora, name: string): ReadonlyMap<string, LoraModule> {
    let fitting = this.#fitting.get(lora);
    if (fitting === undefined) {
      fitting = fittingModules(lora, name, this.#model);
      this.#fitting.set(lora, fitting);
    }
    return fitting;
  }

  #feed(
    own: Record<string, StackFeed>,
    { module, names, nothing, unscaled }: Place,
    present: readonly Present[],
    scaled: boolean,
  ): void {
    if (scaled) Object.assign(own, unscaled);
    if (present.length === 0) {
      Object.assign(own, nothing);
      return;
    }
    const { parts, scales } = this.#scale(present);
    const known = this.#joined.get(module.path);
    const joined = known && sameParts(known.parts, parts) ? known : joinParts(module, parts);
    this.#joined.set(module.path, joined);
    const { rank, down, up } = joined;
    const strengths = new Float32Array(rank);
    let start = 0;
    for (const { module: each, strength } of present) {
      strengths.fill(strength, start, start + each.rank);
      start += each.rank;
    }
    own[names.down] = { shape: downShape(module, rank), values: down };
    own[names.up] = { shape: [module.out, rank], values: up };
    own[names.strength] = { shape: [rank], values: strengths };
    if (scales.rows) own[names.scale] = { shape: [module.out], values: scales.rows };
    if (scales.channels) own[names.scaleIn] = { shape: [module.in], values: scales.channels };
  }

  /** Each DoRA scales the weight and what LoRAs before it added, in the order of the stack. */
  #scale(present: readonly Present[]): { parts: readonly Part[]; scales: Scales } {
    const parts: { module: LoraModule; rows?: Float32Array; channels?: Float32Array }[] = [];
    const scales: Scales = {};
    for (const { module, strength } of present) {
      if (!module.magnitude) {
        parts.push({ module });
        continue;
      }
      const side = module.magnitude.axis === "out" ? "rows" : "channels";
      const factor = this.#factor(module, module.magnitude);
      const change = factorAt(factor, strength);
      for (const earlier of [scales, ...parts]) earlier[side] = multiplied(earlier[side], change);
      parts.push({ module, [side]: factor });
    }
    return { parts, scales };
  }

  /** By the model's own weight, also behind other LoRAs: so it does not change with their strengths. */
  #factor(module: LoraModule, magnitude: NonNullable<LoraModule["magnitude"]>): Float32Array {
    const known = this.#factors.get(module);
    if (known) return known;
    const { weight, doraNorm = "comfy" } = this.#options;
    if (!weight) {
      throw new FacetError(
        "needs-base-weight",
        `${module.path} is a DoRA, which is measured by the model's own weights, and they are not at hand.`,
        { field: module.path },
      );
    }
    const factor = doraFactor({ ...module, magnitude }, weight(module.path), doraNorm);
    this.#factors.set(module, factor);
    return factor;
  }
}

function multiplied(one: Float32Array | undefined, other: Float32Array): Float32Array {
  return one ? one.map((value, index) => value * (other[index] as number)) : other;
}

function placeOf(module: ModuleShape, rank: 0 | 1): Place {
  const names = lowRankNames(module.path);
  const zeros = (shape: readonly number[]): StackFeed => ({
    shape,
    values: new Float32Array(shape.reduce((count, size) => count * size, 1)),
  });
  const ones = (size: number): StackFeed => ({
    shape: [size],
    values: new Float32Array(size).fill(1),
  });
  return {
    module,
    component: componentOf(module.path).component,
    names,
    nothing: {
      [names.down]: zeros(downShape(module, rank)),
      [names.up]: zeros([module.out, rank]),
      [names.strength]: zeros([rank]),
    },
    unscaled: { [names.scale]: ones(module.out), [names.scaleIn]: ones(module.in) },
  };
}

/** Kernels of 1x1 are matrices, also those of convolutions. */
function downShape({ in: inputs, kernel }: ModuleShape, rank: number): number[] {
  return kernel.every((size) => size === 1) ? [rank, inputs] : [rank, inputs, ...kernel];
}
