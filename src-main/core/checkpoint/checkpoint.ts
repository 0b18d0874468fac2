/** What a checkpoint is made of on disk, and what it is understood as. */
import type { ModelConfig } from "../diffusion/model-config.ts";
import type { TensorEntry } from "../formats/source.ts";
import type { Component } from "../lora/architecture/clip.ts";
import type { FloatDType } from "../tensor/convert.ts";
import type { DType } from "../tensor/dtype.ts";

export type ModelComponent = Component | "vae";

/** A tensor of a file, and where its bytes lie in it. */
export interface LocatedTensor extends TensorEntry {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** One file, or the files of one component's folder. */
export interface CheckpointPart {
  /** What the folder is for; null for a file whose names say it. */
  readonly component: ModelComponent | null;
  /** The file or the folder, as the user knows it. */
  readonly path: string;
  readonly tensors: ReadonlyMap<string, LocatedTensor>;
  readonly metadata: ReadonlyMap<string, string>;
  /** config.json of a diffusers folder, parsed. */
  readonly config?: unknown;
}

/** A checkpoint as it lies on disk: headers read, nothing understood yet. */
export interface CheckpointFiles {
  readonly path: string;
  readonly kind: "single-file" | "diffusers";
  readonly parts: readonly CheckpointPart[];
  /** scheduler_config.json of a diffusers folder, parsed. */
  readonly scheduler?: unknown;
}

/** A parameter of a network as a byte range of a file. */
export interface StoredWeight {
  readonly path: string;
  /** Name in the file. */
  readonly tensor: string;
  readonly dtype: FloatDType;
  /** As the network asks for it. */
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
  /** The bytes are those of [in, out]. */
  readonly transposed: boolean;
}

export type StoredWeights = ReadonlyMap<string, StoredWeight>;

/** A model that is complete as far as it goes: every part that is there has all of its tensors. */
export interface Checkpoint {
  readonly path: string;
  readonly kind: "single-file" | "diffusers" | "unet-only";
  /** Without text encoders or VAE where the checkpoint has none. */
  readonly config: ModelConfig;
  /** By the names of diffusers and transformers. */
  readonly components: ReadonlyMap<ModelComponent, StoredWeights>;
  /** Tensors that no part reads; merges of the community carry them. */
  readonly extras: readonly string[];
  /** Element types of all tensors, most frequent first. */
  readonly dtypes: readonly DType[];
  readonly tensors: number;
  readonly metadata: ReadonlyMap<string, string>;
}
