/**
 * The widths that models of one architecture may choose (smaller ones, distilled ones, those of tests), and how the
 * family's modules are sized at them.
 */
import { assert } from "../../errors.ts";
import { clipConfigs } from "../../diffusion/clip-config.ts";
import { unetConfigs } from "../../diffusion/unet-config.ts";
import { modelModules, modulesOf } from "../architecture/index.ts";
import type { Embedding, Family, ModuleShape } from "../lora.ts";

/** By the order of an architecture's widths; undefined where nothing in the LoRA tells. */
export type Widths = readonly (number | undefined)[];

/** Channels in or out of a module: `constant + sum of count · width`. */
export interface Side {
  readonly constant: number;
  readonly terms: readonly { readonly width: number; readonly count: number }[];
}

interface Architecture {
  /** Channels of the levels come first. */
  readonly widths: readonly { readonly name: string; readonly published: number }[];
  readonly levels: number;
  /** Which width is whose, in the order of their numbers. */
  readonly encoders: readonly {
    readonly component: Embedding["component"];
    readonly width: number;
  }[];
  readonly places: ReadonlyMap<string, number>;
  /** By place in `modulesOf`. */
  readonly sides: readonly { readonly out: Side; readonly in: Side }[];
}

/** Above every count of a width in a side (GEGLU: 8) and every constant (latent channels: 4); twelve digits are exact. */
const radix = 16;
const architectures = new Map<Family, Architecture>();

/**
 * The modules are listed once at widths that are powers of the radix: the digits of a size then say how often each
 * width is in it, and no second description of the architecture is needed.
 */
export function architectureOf(family: Family): Architecture {
  const known = architectures.get(family);
  if (known) return known;
  const widths: { name: string; published: number }[] = [];
  const symbol = (name: string, published: number): number => {
    widths.push({ name, published });
    return radix ** widths.length;
  };
  const { channels, context, time, addition, ...rest } = unetConfigs[family];
  const unet = {
    ...rest,
    channels: channels.map((size, level) => symbol(`level ${String(level + 1)}`, size)),
    context: symbol("text context", context),
    time: symbol("time embedding", time),
    ...(addition === undefined ? {} : { addition: symbol("size embedding", addition) }),
  };
  const encoders: Architecture["encoders"][number][] = [];
  const textEncoders = clipConfigs[family].map((config) => {
    const { component, width, hidden, projection } = config;
    encoders.push({ component, width: widths.length });
    const name = `text encoder ${String(encoders.length)}`;
    return {
      ...config,
      width: symbol(name, width),
      hidden: symbol(`${name}'s inner width`, hidden),
      ...(projection === undefined
        ? {}
        : { projection: symbol(`${name}'s projection`, projection) }),
    };
  });
  const symbolic = new Map(modelModules({ unet, textEncoders }).map((one) => [one.path, one]));
  const modules = modulesOf(family);
  const architecture = {
    widths,
    levels: channels.length,
    encoders,
    places: new Map(modules.map(({ path }, place) => [path, place])),
    sides: modules.map(({ path }) => {
      const module = symbolic.get(path);
      assert(module !== undefined, `${path} is there at any widths`);
      return { out: sideOf(module.out), in: sideOf(module.in) };
    }),
  };
  architectures.set(family, architecture);
  return architecture;
}

function sideOf(size: number): Side {
  const terms: { width: number; count: number }[] = [];
  let left = Math.floor(size / radix);
  for (let width = 0; left > 0; width++) {
    const count = left % radix;
    if (count > 0) terms.push({ width, count });
    left = Math.floor(left / radix);
  }
  return { constant: size % radix, terms };
}

/** The size at some widths; undefined where one of them is not known. */
export function sizeAt({ constant, terms }: Side, widths: Widths): number | undefined {
  let size = constant;
  for (const { width, count } of terms) size += count * (widths[width] ?? Number.NaN);
  return Number.isNaN(size) ? undefined : size;
}

/** Which encoder has tokens of a width, as far as the LoRA tells; nothing of a width that two have. */
export function tokenWidths(family: Family, widths: Widths): Map<number, Embedding["component"]> {
  const { levels, encoders } = architectureOf(family);
  const found = new Map<number, Embedding["component"]>();
  const shared = new Set<number>();
  for (const { component, width } of encoders) {
    // One encoder is as wide as the context.
    const size = widths[width] ?? (encoders.length === 1 ? widths[levels] : undefined);
    if (size === undefined) continue;
    if (found.has(size)) shared.add(size);
    found.set(size, component);
  }
  for (const size of shared) found.delete(size);
  return found;
}

/** A family's module as a model of these widths has it; published sizes where nothing told another. */
export function moduleAt(family: Family, place: number, widths: Widths): ModuleShape | undefined {
  const module = modulesOf(family)[place];
  const sides = architectureOf(family).sides[place];
  if (module === undefined || sides === undefined) return undefined;
  return {
    ...module,
    out: sizeAt(sides.out, widths) ?? module.out,
    in: sizeAt(sides.in, widths) ?? module.in,
  };
}
