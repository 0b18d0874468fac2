/** Fits a space over members: common layout, form, PCA, and the choice of form where none was asked for. */
import { FacetError } from "../errors.ts";
import { deltaInner } from "../lora/forms/delta.ts";
import { flatten, type Layout, layoutOf, unflatten } from "../lora/flatten.ts";
import { columns as columnsOf, type Family, type Lora, type ModuleShape } from "../lora/lora.ts";
import { fitDeltas } from "./delta-fit.ts";
import { openDeltaSpace } from "./delta-space.ts";
import { type FitOptions, fitFactors } from "./factor-fit.ts";
import { openFactorSpace } from "./factor-space.ts";
import { toForm, towards } from "./form.ts";
import { type Form, forms, type LatentSpace, type SpaceRecord } from "./space.ts";
import { memoryStage, type Stage } from "./stage.ts";

export interface MemberSource {
  readonly ids: readonly string[];
  readonly family: Family;
  /** Every module that some member has, in architecture order. */
  readonly modules: readonly ModuleShape[];
  load(index: number): Promise<Lora>;
}

export interface SpaceRequest {
  readonly form?: Form | undefined;
  readonly components?: number | undefined;
  readonly rank: number;
  readonly standardise: boolean;
}

export interface FittedSpace {
  readonly record: SpaceRecord;
  readonly memberCoordinates: Float32Array;
  /** Components in rows; in the delta form the mean is the last row. */
  readonly components: Stage;
  /** Factor forms only. */
  readonly mean: Float32Array | null;
  readonly scale: Float32Array | null;
  readonly reference: Float32Array | null;
}

/** Without a wish: enough for 99 % of the variance, at most what a page can show as sliders. */
const defaultShare = 0.99;
const defaultLimit = 64;
/** Passes of generalised Procrustes (Gower 1975); the mean hardly moves after the second. */
const alignmentPasses = 3;
/** Members that the choice of form is tried on: trained with, and left out. */
const trial = { trained: 40, leftOut: 8 };

export async function fitSpace(
  members: MemberSource,
  request: SpaceRequest,
  options: Omit<FitOptions, "components">,
): Promise<FittedSpace> {
  if (members.ids.length < 2) {
    throw new FacetError(
      "invalid-argument",
      `A space needs at least 2 LoRAs; ${String(members.ids.length)} can be used. Add more and fit again.`,
    );
  }
  if (request.form !== undefined) {
    return fitForm(members, request.form, request, options, []);
  }
  const suitability = await tryForms(members, request, options);
  const [best] = suitability.toSorted((a, b) => b.kept - a.kept);
  return fitForm(members, best?.form ?? "delta", request, options, suitability);
}

async function fitForm(
  members: MemberSource,
  form: Form,
  request: SpaceRequest,
  options: Omit<FitOptions, "components">,
  suitability: SpaceRecord["suitability"],
): Promise<FittedSpace> {
  const layout = layoutOf(members.family, members.modules, request.rank);
  const stage = options.makeStage(members.ids.length, layout.dimension);
  const { reference, retained } = await stageMembers(members, form, layout, stage, options);
  const fitOptions = { ...options, components: request.components ?? defaultLimit };
  const common = {
    version: 1,
    kind: "pca",
    form,
    family: members.family,
    rank: request.rank,
    members: members.ids,
    retained,
    suitability,
  } as const;
  if (form === "delta") {
    const stored = layoutOf(members.family, members.modules, componentRank(request.rank));
    const fit = await fitDeltas(stage, layout, stored, fitOptions);
    const count = wanted(fit.explained, request);
    return {
      record: {
        ...common,
        layout: stored,
        dimension: members.modules.reduce((sum, module) => sum + module.out * columnsOf(module), 0),
        components: count,
        explained: fit.explained.slice(0, count),
        sigma: fit.sigma.slice(0, count),
        componentsKept: fit.kept.slice(0, count),
        standardised: false,
      },
      memberCoordinates: firstColumns(fit.coordinates, fit.sigma.length, count),
      components: rowsAndLast(fit.components, count),
      mean: null,
      scale: null,
      reference: null,
    };
  }
  const fit = await fitFactors(stage, request.standardise, fitOptions);
  const count = wanted(fit.explained, request);
  return {
    record: {
      ...common,
      layout,
      dimension: layout.dimension,
      components: count,
      explained: fit.explained.slice(0, count),
      sigma: fit.sigma.slice(0, count),
      componentsKept: [],
      standardised: request.standardise,
    },
    memberCoordinates: firstColumns(fit.coordinates, fit.sigma.length, count),
    components: fit.components,
    mean: fit.mean,
    scale: fit.scale,
    reference,
  };
}

/** Brings every member into the form and onto the stage; the reference is the aligned members' mean. */
async function stageMembers(
  members: MemberSource,
  form: Form,
  layout: Layout,
  stage: Stage,
  options: Omit<FitOptions, "components">,
): Promise<{ reference: Float32Array; retained: number }> {
  let retained = 0;
  let reference: Lora | null = null;
  for (let index = 0; index < members.ids.length; index++) {
    await options.progress("Reading members", index, members.ids.length);
    const formed = toForm(form, await members.load(index), layout.rank, reference);
    retained += formed.kept / members.ids.length;
    reference ??= formed.lora;
    stage.write(index, flatten(formed.lora, layout));
  }
  if (form === "delta" || reference === null) return { reference: new Float32Array(0), retained };
  for (let pass = 1; pass < alignmentPasses; pass++) {
    reference = unflatten(rowMean(stage), layout);
    for (let index = 0; index < members.ids.length; index++) {
      await options.progress(`Aligning members, pass ${String(pass)}`, index, members.ids.length);
      const again = towards(form, unflatten(stage.read(index), layout), reference);
      stage.write(index, flatten(again, layout));
    }
  }
  return { reference: flatten(reference, layout), retained };
}

function rowMean(stage: Stage): Float32Array {
  const sums = new Float64Array(stage.dimension);
  for (let row = 0; row < stage.count; row++) {
    const values = stage.read(row);
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (values[i] as number);
  }
  return Float32Array.from(sums, (sum) => sum / stage.count);
}

/** Components mix many members: twice the members' rank keeps most of them, sixteen at least. */
function componentRank(rank: number): number {
  return Math.min(64, Math.max(16, 2 * rank));
}

function wanted(explained: readonly number[], request: SpaceRequest): number {
  if (request.components !== undefined) return Math.min(request.components, explained.length);
  let sum = 0;
  const enough = explained.findIndex((share) => (sum += share) >= defaultShare);
  return enough === -1 ? explained.length : enough + 1;
}

function firstColumns(matrix: Float32Array, width: number, count: number): Float32Array {
  if (width === count) return matrix;
  return Float32Array.from(
    { length: (matrix.length / width) * count },
    (_, at) => matrix[Math.floor(at / count) * width + (at % count)] as number,
  );
}

/** The first `count` rows and the last one (the mean), without copying. */
function rowsAndLast(stage: Stage, count: number): Stage {
  return {
    ...stage,
    count: count + 1,
    read: (row) => stage.read(row === count ? stage.count - 1 : row),
  };
}

/** A space as it is while its rows are still on the stage. */
export function openFitted(fitted: FittedSpace, products: FitOptions["products"]): LatentSpace {
  const { record, memberCoordinates, components, mean, scale, reference } = fitted;
  const component = (index: number) => components.read(index);
  if (mean === null || reference === null) {
    return openDeltaSpace(record, { component, memberCoordinates }, products);
  }
  return openFactorSpace(record, { mean, scale, reference, component, memberCoordinates });
}

/** Energy of left-out members' products that each form keeps at equal k; 1 is all of it. */
async function tryForms(
  members: MemberSource,
  request: SpaceRequest,
  options: Omit<FitOptions, "components">,
): Promise<{ form: Form; kept: number }[]> {
  const count = members.ids.length;
  const leftOut = Math.min(trial.leftOut, Math.floor(count / 4));
  if (leftOut === 0) return [];
  const used = Math.min(count, trial.trained + leftOut);
  // Evenly spread, so that a collection sorted by person is not judged by its first few.
  const chosen = Array.from({ length: used }, (_, at) => Math.floor((at * count) / used));
  const trained = chosen.filter((_, at) => at % Math.floor(used / leftOut) !== 1 || leftOut === 0);
  const out = chosen.filter((index) => !trained.includes(index));
  const some: MemberSource = {
    ...members,
    ids: trained.map((index) => members.ids[index] ?? ""),
    load: (index) => members.load(trained[index] ?? 0),
  };
  const results: { form: Form; kept: number }[] = [];
  for (const form of forms) {
    await options.progress(`Trying the ${form} form`, results.length, forms.length);
    const fitted = await fitForm(
      some,
      form,
      { ...request, components: Math.min(request.components ?? 16, trained.length - 1) },
      { ...options, makeStage: memoryStage },
      [],
    );
    const space = openFitted(fitted, options.products);
    let kept = 0;
    for (const index of out) {
      const own = await members.load(index);
      const { lora: near } = await space.decode(await space.project(own));
      const energy = deltaInner(own, own);
      const missed = energy - 2 * deltaInner(own, near) + deltaInner(near, near);
      kept += energy === 0 ? 0 : (1 - missed / energy) / out.length;
    }
    results.push({ form, kept });
  }
  return results;
}
