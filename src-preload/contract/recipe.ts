/** How an identity was made: small, without private paths, enough to make the same numbers again. */
import { z } from "zod";
import { Family, Form, LoraId, SpaceId } from "./common.ts";

/** Another identity, so that it can be found again by id or by content. */
export const Parent = z.object({
  id: LoraId,
  name: z.string(),
  /** SHA-256 over the canonical float32 matrices; absent while the file was never read. */
  fingerprint: z.string().optional(),
});
export type Parent = z.infer<typeof Parent>;

/** A space, so that it can be found again by id or by content. */
export const SpaceReference = z.object({
  id: SpaceId,
  name: z.string(),
  fingerprint: z.string(),
  form: Form,
});
export type SpaceReference = z.infer<typeof SpaceReference>;

/** Where a point's coordinates came from; told to the user, not needed to make the numbers again. */
export const Origin = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("mean") }),
  z.object({ kind: z.literal("move"), from: Parent.optional() }),
  z.object({
    kind: z.literal("blend"),
    mode: z.enum(["latent", "slerp"]),
    parents: z.array(z.object({ parent: Parent, weight: z.number() })).min(1),
  }),
  z.object({ kind: z.literal("sample"), seed: z.int(), index: z.int(), spread: z.number() }),
  z.object({ kind: z.literal("project"), from: Parent }),
]);
export type Origin = z.infer<typeof Origin>;

export const Recipe = z.discriminatedUnion("kind", [
  /** A point of a space: coordinates in units of the members' standard deviation. */
  z.object({
    kind: z.literal("point"),
    space: SpaceReference,
    coordinates: z.array(z.number()),
    rank: z.int().min(1),
    origin: Origin,
  }),
  /** Exact mix of the products BA, cut to a rank. */
  z.object({
    kind: z.literal("delta-blend"),
    parents: z.array(z.object({ parent: Parent, weight: z.number() })).min(1),
    rank: z.int().min(1),
  }),
  z.object({ kind: z.literal("resize"), parent: Parent, rank: z.int().min(1) }),
]);
export type Recipe = z.infer<typeof Recipe>;

/** A recipe with what it made: stored in the library and in exported files under `facet.recipe`. */
export const RecipeRecord = z.object({
  version: z.literal(1),
  facet: z.string(),
  name: z.string(),
  family: Family,
  recipe: Recipe,
  /** SHA-256 over the canonical float32 matrices it made on this machine. */
  fingerprint: z.string(),
});
export type RecipeRecord = z.infer<typeof RecipeRecord>;
