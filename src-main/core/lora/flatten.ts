/** A LoRA as one vector and back, by an explicit record of where each number belongs. */
import { FacetError } from "../errors.ts";
import type { Family, Lora, LoraModule, ModuleShape } from "./lora.ts";
import { columns as columnsOf } from "./lora.ts";
import { widthsOf } from "./widths/infer.ts";
import { differingWidths } from "./widths/words.ts";

export interface LayoutModule extends ModuleShape {
  /** Index of the module's first number: `down [rank, columns]` row by row, then `up [out, rank]` row by row. */
  readonly offset: number;
}

/** Plain data: it is stored as JSON with every space. */
export interface Layout {
  readonly version: 1;
  readonly family: Family;
  /** The same for all modules. */
  readonly rank: number;
  readonly modules: readonly LayoutModule[];
  /** Numbers in a vector. */
  readonly dimension: number;
}

/** The vector's order is the order of the modules given. */
export function layoutOf(family: Family, shapes: readonly ModuleShape[], rank: number): Layout {
  let offset = 0;
  const seen = new Set<string>();
  const modules = shapes.map((shape) => {
    const { path, out, in: inputs, kernel, conv } = shape;
    if (seen.has(path)) {
      throw new FacetError("layout-mismatch", `Module ${path} is listed twice in one layout.`, {
        field: path,
      });
    }
    seen.add(path);
    const module = { path, out, in: inputs, kernel, conv, offset };
    offset += rank * (out + columnsOf(shape));
    return module;
  });
  return { version: 1, family, rank, modules, dimension: offset };
}

/** Modules that the LoRA lacks are zero; one that the layout lacks is an error (see `restrict`). */
export function flatten(lora: Lora, layout: Layout): Float32Array {
  checkModel(lora, layout);
  const places = new Map(layout.modules.map((module) => [module.path, module]));
  const vector = new Float32Array(layout.dimension);
  for (const module of lora.modules) {
    const place = places.get(module.path);
    if (place === undefined) {
      throw new FacetError(
        "layout-mismatch",
        `Module ${module.path} has no place in the layout of ${String(layout.modules.length)} modules; leave it out first.`,
        { field: module.path },
      );
    }
    checkShape(module, place, layout.rank);
    vector.set(module.down, place.offset);
    vector.set(module.up, place.offset + module.down.length);
  }
  return vector;
}

/** The matrices are copies: the vector stays the caller's. */
export function unflatten(vector: Float32Array, layout: Layout): Lora {
  if (vector.length !== layout.dimension) {
    throw new FacetError(
      "layout-mismatch",
      `The vector has ${String(vector.length)} numbers, its layout ${String(layout.dimension)}.`,
    );
  }
  const { rank } = layout;
  const modules = layout.modules.map(({ offset, ...shape }): LoraModule => {
    const middle = offset + rank * columnsOf(shape);
    const end = middle + shape.out * rank;
    return { ...shape, rank, down: vector.slice(offset, middle), up: vector.slice(middle, end) };
  });
  return { family: layout.family, modules, embeddings: [] };
}

/** Only the modules that the layout knows: what of a foreign LoRA a space can see. */
export function restrict(lora: Lora, layout: Layout): Lora {
  const known = new Set(layout.modules.map((module) => module.path));
  return { ...lora, modules: lora.modules.filter((module) => known.has(module.path)) };
}

/** One family, and widths that one model could have. */
export function checkModel(lora: Lora, layout: Layout): void {
  const { family } = layout;
  if (lora.family !== family) {
    throw new FacetError(
      "layout-mismatch",
      `The LoRA is for ${lora.family}, the layout for ${family}; LoRAs of different families cannot be mixed.`,
    );
  }
  const [own, wanted] = [lora, layout].map(({ modules }) => widthsOf(family, modules));
  const difference = own && wanted && differingWidths(family, own, wanted);
  if (difference == null) return;
  throw new FacetError(
    "layout-mismatch",
    `The LoRA and the layout are for models of different sizes (${difference}); LoRAs of different models cannot be mixed.`,
  );
}

function checkShape(module: LoraModule, place: LayoutModule, rank: number): void {
  const own = `${String(module.out)} x ${String(columnsOf(module))} at rank ${String(module.rank)}`;
  const wanted = `${String(place.out)} x ${String(columnsOf(place))} at rank ${String(rank)}`;
  if (own === wanted) return;
  throw new FacetError(
    "layout-mismatch",
    `Module ${module.path} is ${own}, the layout wants ${wanted}.`,
    { field: module.path },
  );
}
