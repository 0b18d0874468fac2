/**
 * Models of a family's architecture at other widths (smaller, distilled, made for tests): which widths the shapes of a
 * LoRA's matrices speak of, and how the family's modules are sized at them.
 */
import { assert } from "../errors.ts";
import { clipConfigs } from "../diffusion/clip-config.ts";
import { unetConfigs } from "../diffusion/unet-config.ts";
import { modelModules, modulesOf } from "./architecture/index.ts";
import type { Embedding, Family, ModuleShape } from "./lora.ts";

/** By the order of an architecture's widths; undefined where nothing in the LoRA tells. */
export type Widths = readonly (number | undefined)[];

/** Sizes seen of one module: place in `modulesOf`. */
export interface Observation {
  readonly place: number;
  readonly out?: number | undefined;
  readonly in?: number | undefined;
}

/** Channels in or out of a module: `constant + sum of count · width`. */
interface Side {
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
function architectureOf(family: Family): Architecture {
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
function sizeAt({ constant, terms }: Side, widths: Widths): number | undefined {
  let size = constant;
  for (const { width, count } of terms) size += count * (widths[width] ?? Number.NaN);
  return Number.isNaN(size) ? undefined : size;
}

interface Inferred {
  readonly widths: Widths;
  /** How many sides of modules said so. */
  readonly witnesses: readonly number[];
}

/** What most of the sizes say. One damaged module is outvoted, so that it shows as the one that does not fit. */
export function inferWidths(family: Family, observations: Iterable<Observation>): Inferred {
  const { widths: all, sides } = architectureOf(family);
  const votes = all.map(() => new Map<number, number>());
  const vote = (width: number, size: number): void => {
    if (!Number.isInteger(size) || size < 1) return;
    const counts = votes[width];
    counts?.set(size, (counts.get(size) ?? 0) + 1);
  };
  const sums: { side: Side; size: number }[] = [];
  for (const { place, ...sizes } of observations) {
    for (const end of ["out", "in"] as const) {
      const side = sides[place]?.[end];
      const size = sizes[end];
      if (side === undefined || size === undefined) continue;
      const [term, ...others] = side.terms;
      if (term === undefined) continue;
      if (others.length > 0) sums.push({ side, size });
      else vote(term.width, (size - side.constant) / term.count);
    }
  }
  const elected = (): Widths =>
    votes.map((counts, width) => favourite(counts, all[width]?.published));
  let widths = elected();
  // Resnets behind a skip connection take in the sum of two levels: it tells the one that nothing else told.
  for (const { side, size } of sums) {
    const unknown = side.terms.filter(({ width }) => widths[width] === undefined);
    const [term] = unknown;
    if (term === undefined || unknown.length > 1) continue;
    const others = { ...side, terms: side.terms.filter((other) => other !== term) };
    vote(term.width, (size - (sizeAt(others, widths) ?? 0)) / term.count);
  }
  widths = elected();
  return {
    widths,
    witnesses: votes.map((counts, width) => counts.get(widths[width] ?? 0) ?? 0),
  };
}

/** The size with most votes; of equals the published one. */
function favourite(
  counts: ReadonlyMap<number, number>,
  published: number | undefined,
): number | undefined {
  let best = published !== undefined && counts.has(published) ? published : undefined;
  for (const [size, count] of counts) {
    if (best === undefined || count > (counts.get(best) ?? 0)) best = size;
  }
  return best;
}

/** Widths seen in a LoRA's modules, whatever they came from. */
export function widthsOf(family: Family, modules: Iterable<ModuleShape>): Widths {
  const { places } = architectureOf(family);
  const observations: Observation[] = [];
  for (const { path, out, in: inputs } of modules) {
    const place = places.get(path);
    if (place !== undefined) observations.push({ place, out, in: inputs });
  }
  return inferWidths(family, observations).widths;
}

/**
 * The widths of another model than the published one, or null where there is no sign of one. A single side that differs
 * is damage rather than a model: two must agree on some width.
 */
export function otherWidths(family: Family, observations: Iterable<Observation>): Widths | null {
  const { widths, witnesses } = inferWidths(family, observations);
  const { widths: all } = architectureOf(family);
  const sign = widths.some(
    (size, width) =>
      size !== undefined && size !== all[width]?.published && (witnesses[width] ?? 0) > 1,
  );
  return sign ? widths : null;
}

/** How many of the sizes seen no model of the family could have together. */
export function contradictions(family: Family, observations: readonly Observation[]): number {
  const { sides, levels, encoders } = architectureOf(family);
  const { widths } = inferWidths(family, observations);
  let count = 0;
  for (const { place, ...sizes } of observations) {
    for (const end of ["out", "in"] as const) {
      const side = sides[place]?.[end];
      const size = sizes[end];
      if (side && size !== undefined && (sizeAt(side, widths) ?? size) !== size) count++;
    }
  }
  // The text context is all encoders' widths side by side (formats.md 5.5).
  const context = widths[levels];
  const joined = encoders.reduce((sum, { width }) => sum + (widths[width] ?? Number.NaN), 0);
  if (context !== undefined && !Number.isNaN(joined) && context !== joined) count++;
  return count;
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

/** `32 / 64 / 128`, levels outermost first, `?` for one that nothing told; null for the published widths. */
export function namedWidths(family: Family, widths: Widths): string | null {
  const { widths: all, levels } = architectureOf(family);
  const different = all.flatMap(({ name, published }, width) => {
    const size = widths[width];
    return size === undefined || size === published ? [] : [{ name, width, size }];
  });
  const [first] = different;
  if (first === undefined) return null;
  if (first.width < levels) {
    return Array.from({ length: levels }, (_, level) => widths[level] ?? "?").join(" / ");
  }
  return different.map(({ name, size }) => `${name} ${String(size)}`).join(", ");
}

/** What the widths of two LoRAs are called where no model has both; null where one could. */
export function differingWidths(family: Family, one: Widths, other: Widths): string | null {
  const { widths: all, levels } = architectureOf(family);
  const at = all.findIndex(
    (_, width) =>
      one[width] !== undefined && other[width] !== undefined && one[width] !== other[width],
  );
  if (at < 0) return null;
  if (at >= levels) {
    return `${all[at]?.name ?? ""} ${String(one[at])} and ${String(other[at])}`;
  }
  const published = all.slice(0, levels).map((width) => width.published);
  const [left, right] = [one, other].map(
    (widths) => namedWidths(family, widths) ?? published.join(" / "),
  );
  return `widths ${left ?? ""} and ${right ?? ""}`;
}

/** What is known from either, the first before the second. */
export function joinedWidths(one: Widths, other: Widths): Widths {
  return one.map((size, width) => size ?? other[width]);
}
