/** Making identities: drafts are measured while they are edited and kept when they please. */
import { oc } from "@orpc/contract";
import { z } from "zod";
import { LoraId, SpaceId } from "./common.ts";
import { Details } from "./library.ts";
import { RecipeRecord } from "./recipe.ts";

const Weighted = z.object({ id: LoraId, weight: z.number().min(-100).max(100) });

export const Draft = z.discriminatedUnion("kind", [
  /** A point: coordinates in sigma; missing ones are 0. `from` is the identity the sliders started at. */
  z.object({
    kind: z.literal("point"),
    space: SpaceId,
    coordinates: z.array(z.number().min(-1000).max(1000)),
    from: LoraId.optional(),
  }),
  z.object({
    kind: z.literal("blend"),
    mode: z.enum(["latent", "slerp", "delta"]),
    parents: z.array(Weighted).min(1).max(64),
    /** Needed by latent and slerp; left out: the newest space that fits the parents. */
    space: SpaceId.optional(),
    /** Rank of a delta blend; left out: the parents' largest. */
    rank: z.int().min(1).max(320).optional(),
  }),
  z.object({
    kind: z.literal("sample"),
    space: SpaceId,
    seed: z.int().min(0),
    index: z.int().min(0),
    /** 1 draws from the members' distribution; less stays nearer to the mean. */
    spread: z.number().min(0).max(4).default(1),
  }),
  z.object({ kind: z.literal("project"), space: SpaceId, id: LoraId }),
  z.object({ kind: z.literal("resize"), id: LoraId, rank: z.int().min(1).max(320) }),
]);
export type Draft = z.input<typeof Draft>;

export const Measure = z.object({
  /** In sigma; empty for drafts that are not a point of a space. */
  coordinates: z.array(z.number()),
  /** Share of the foreign LoRA's norm that the space cannot express, 0..1 (project, and moves from a foreign one). */
  residual: z.number().nullable(),
  /** Norm of the difference to the other way of blending, relative to the blend's own norm. */
  difference: z.number().nullable(),
  /** Relative change of the products against the identity the draft starts from. */
  distance: z.number().nullable(),
  /** Share of the products' energy kept at the draft's rank. */
  kept: z.number().nullable(),
  /** Share of members that lie nearer to the mean than this point, 0..1. */
  extremity: z.number().nullable(),
  /** The component furthest out, where one lies beyond the members' 99 %. */
  beyond: z.object({ index: z.int(), sigma: z.number() }).nullable(),
  rank: z.int(),
  modules: z.int(),
  /** What becomes of embeddings that parents carry; empty where none do. */
  embeddings: z.string(),
  milliseconds: z.number(),
});
export type Measure = z.infer<typeof Measure>;

export const Kept = z.object({ id: LoraId, name: z.string(), measure: Measure });
export type Kept = z.infer<typeof Kept>;

export const identities = {
  /** Where a library identity lies in a space, and how much of it the space cannot express. */
  locate: oc
    .input(z.object({ space: SpaceId, id: LoraId }))
    .output(
      z.object({ coordinates: z.array(z.number()), residual: z.number(), member: z.boolean() }),
    ),
  measure: oc.input(Draft).output(Measure),
  keep: oc
    .input(
      z.object({
        draft: Draft,
        name: z.string().trim().min(1).max(200),
        tags: z.array(z.string()).optional(),
      }),
    )
    .output(Kept),
  /** Opens the recipe inside an exported file as an editable identity. */
  reopen: oc.input(z.object({ path: z.string().min(1) })).output(Details),
  /** Makes the matrices again and compares with the stored hash. */
  verify: oc
    .input(z.object({ id: LoraId }))
    .output(z.object({ same: z.boolean(), expected: z.string(), made: z.string() })),
  recipe: oc.input(z.object({ id: LoraId })).output(RecipeRecord.nullable()),
};
