/** What every latent space is: coordinates in sigma on one side, LoRAs on the other. */
import type { Layout } from "../lora/flatten.ts";
import type { Family, Lora } from "../lora/lora.ts";

export const forms = ["standard", "aligned", "delta"] as const;
export type Form = (typeof forms)[number];

/** What stands in a space's file beside its tensors. */
export interface SpaceRecord {
  readonly version: 1;
  readonly kind: "pca";
  readonly form: Form;
  readonly family: Family;
  /** Rank of what leaves the space. */
  readonly rank: number;
  /** Members' vectors in the factor forms; of the components in the delta form. */
  readonly layout: Layout;
  /** Numbers in a member: the vector's length, or in the delta form all entries of its products. */
  readonly dimension: number;
  readonly components: number;
  readonly members: readonly string[];
  /** Share of the variance by component. */
  readonly explained: readonly number[];
  /** Standard deviation of the members along each component: the unit of its coordinate. */
  readonly sigma: readonly number[];
  /** Share of the members' energy that the common rank kept. */
  readonly retained: number;
  /** Delta form: share of each component's energy that its stored rank kept; empty otherwise. */
  readonly componentsKept: readonly number[];
  readonly standardised: boolean;
  readonly suitability: readonly { form: Form; kept: number }[];
}

export interface Decoded {
  readonly lora: Lora;
  /** Share of the point's energy that the space's rank kept; 1 in the factor forms, which have that rank. */
  readonly kept: number;
}

/** An opened space. Coordinates beyond those given are 0; the mean is the point of zeros. */
export interface LatentSpace {
  readonly record: SpaceRecord;
  /** Members' coordinates in sigma, `[members, components]`. */
  readonly memberCoordinates: Float32Array;
  decode(coordinates: readonly number[]): Promise<Decoded>;
  /** Coordinates of the point nearest to a LoRA. */
  project(lora: Lora): Promise<number[]>;
}
