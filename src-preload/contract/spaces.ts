/** Latent spaces: fit one over members, read its sliders. */
import { oc } from "@orpc/contract";
import { z } from "zod";
import { Family, Form, JobId, LoraId, SpaceId } from "./common.ts";
import { Filter } from "./library.ts";

export const Space = z.object({
  id: SpaceId,
  name: z.string(),
  kind: z.literal("pca"),
  form: Form,
  family: Family,
  modules: z.int(),
  members: z.int(),
  /** Numbers in one member: length of the flattened vector (in the delta form, of the products). */
  dimension: z.int(),
  components: z.int(),
  /** Rank of what leaves the space. */
  rank: z.int(),
  createdAt: z.int(),
  bytes: z.int(),
  fingerprint: z.string(),
  /** False when its file is gone. */
  available: z.boolean(),
});
export type Space = z.infer<typeof Space>;

export const Component = z.object({
  index: z.int(),
  /** Given by the user; empty otherwise. */
  name: z.string(),
  starred: z.boolean(),
  /** Share of the variance, 0..1. */
  explained: z.number(),
  /** Members counted in equal bins over -4..4 sigma. */
  histogram: z.array(z.int()),
  /** The members that lie furthest out, for pictures at the ends. */
  low: LoraId.nullable(),
  high: LoraId.nullable(),
});
export type Component = z.infer<typeof Component>;

export const SpaceDetails = Space.extend({
  componentList: z.array(Component),
  /** Energy of left-out members that each form kept at equal k; empty when only one was tried. */
  suitability: z.array(z.object({ form: Form, kept: z.number() })),
  standardised: z.boolean(),
});
export type SpaceDetails = z.infer<typeof SpaceDetails>;

export const FitRequest = z.object({
  name: z.string().trim().min(1).max(200).optional(),
  /** Members by id, or every LoRA that a filter matches. */
  members: z.union([z.array(LoraId).min(2), Filter]),
  /** Left out: Facet tries the forms on left-out members and takes the best. */
  form: Form.optional(),
  /** Left out: as many as carry 99 % of the variance, at most 64. */
  components: z.int().min(1).max(4096).optional(),
  /** Rank of the common layout; left out: the members' most frequent rank. */
  rank: z.int().min(1).max(320).optional(),
  /** Divide each dimension by its standard deviation (factor forms only). */
  standardise: z.boolean().default(false),
  seed: z.int().min(0).default(0),
});
export type FitRequest = z.input<typeof FitRequest>;

/** The result of a fit job. */
export const FitResult = z.object({
  space: SpaceId,
  kind: z.literal("pca"),
  form: Form,
  members: z.int(),
  dimension: z.int(),
  components: z.int(),
  explained: z.array(z.number()),
  /** Share of the members' energy kept when they were brought to the common rank. */
  retained: z.number(),
  suitability: z.array(z.object({ form: Form, kept: z.number() })),
  seconds: z.number(),
  peakBytes: z.int(),
  skipped: z.array(z.object({ id: LoraId, name: z.string(), reason: z.string() })),
});
export type FitResult = z.infer<typeof FitResult>;

export const spaces = {
  list: oc.output(z.array(Space)),
  get: oc.input(z.object({ id: SpaceId })).output(SpaceDetails),
  fit: oc.input(FitRequest).output(z.object({ job: JobId })),
  rename: oc
    .input(z.object({ id: SpaceId, name: z.string().trim().min(1).max(200) }))
    .output(Space),
  describeComponent: oc
    .input(
      z.object({
        id: SpaceId,
        index: z.int().min(0),
        name: z.string().trim().max(100).optional(),
        starred: z.boolean().optional(),
      }),
    )
    .output(Component),
  remove: oc.input(z.object({ id: SpaceId })).output(z.object({ removed: z.boolean() })),
  restore: oc.input(z.object({ id: SpaceId })).output(Space),
};
