/** Base models on disk: the checkpoints and diffusers folders that pictures are made with. */
import { oc } from "@orpc/contract";
import { z } from "zod";
import { Family, JobId } from "./common.ts";

export const ModelId = z.string().min(1).max(64);

export const Model = z.object({
  /** Of the path: the same file has the same id at the next start. */
  id: ModelId,
  name: z.string(),
  path: z.string(),
  kind: z.enum(["single-file", "diffusers", "unet-only"]),
  /** Where it was found, in words, as for LoRA folders; `chosen` where the user named it. */
  source: z.string(),
  bytes: z.int(),
  modifiedAt: z.number(),
  /** Null for what Facet cannot run; `problem` then says why, and what to do. */
  family: Family.nullable(),
  problem: z.string().nullable(),
  /** Its file is not there now, on a disk that is away perhaps; the rest is what was known of it last. */
  missing: z.boolean(),
  /** Channels of the UNet's levels: `320 / 640 / 1280`. */
  widths: z.string(),
  prediction: z.enum(["epsilon", "velocity"]),
  zeroTerminalSnr: z.boolean(),
  /** Element types of its tensors, most frequent first. */
  dtypes: z.array(z.string()),
  tensors: z.int(),
  /** Tensors that no part of the model reads, the first 200; merges of the community carry them. */
  extras: z.array(z.string()),
  extrasTotal: z.int(),
  /** What must still be given before a picture can be made: `vae`, `text encoders`. */
  needs: z.array(z.enum(["vae", "text encoders"])),
  /** An external VAE that is used instead of the model's own. */
  vae: z.string().nullable(),
  /** A whole diffusers folder or checkpoint whose text encoders a UNet-only file uses. */
  textFrom: ModelId.nullable(),
  /** What the user said, else metadata or a licence file beside it; null where nothing says. */
  licence: z.string().nullable(),
  /** Known after the first hashing, which runs in the background once the model is used, or when it is asked for. */
  sha256: z.string().nullable(),
  /** Pixels along one latent pixel. */
  factor: z.int(),
});
export type Model = z.infer<typeof Model>;

/** Result of a `hash-model` job. */
export const ModelHash = z.object({ id: ModelId, sha256: z.string() });
export type ModelHash = z.infer<typeof ModelHash>;

export const Vae = z.object({ path: z.string(), name: z.string(), source: z.string() });
export type Vae = z.infer<typeof Vae>;

/** A model whose graphs are ready. */
export const Mounted = z.object({
  model: ModelId,
  /** From the path to ready graphs, and to ready sessions; null where that part was not opened yet. */
  graphSeconds: z.number(),
  sessionSeconds: z.number().nullable(),
  provider: z.string(),
  precision: z.string(),
  /** Of the engine at its highest since it started. */
  peakBytes: z.int(),
  /** What was done for want of memory, in words; empty where there was enough. */
  notes: z.array(z.string()),
});
export type Mounted = z.infer<typeof Mounted>;

export const models = {
  list: oc.output(
    z.object({
      models: z.array(Model),
      vaes: z.array(Vae),
      /** Folders that were searched. */
      folders: z.array(z.object({ path: z.string(), source: z.string(), exists: z.boolean() })),
      problems: z.array(z.string()),
      /** True while folders are looked through: what was found until now is here, ask again for the rest. */
      looking: z.boolean(),
    }),
  ),
  /** Looks at the folders again, to the end. */
  refresh: oc.output(z.object({ models: z.int() })),
  /** A file, a diffusers folder, or a folder of such; remembered. Answers with the models that it brings. */
  add: oc.input(z.object({ path: z.string().min(1) })).output(z.array(Model)),
  /** Forgets a chosen path, or a model whose file is gone; nothing on disk is touched. */
  forget: oc.input(z.object({ path: z.string().min(1) })).output(z.object({ ok: z.literal(true) })),
  change: oc
    .input(
      z.object({
        id: ModelId,
        vae: z.string().nullable().optional(),
        textFrom: ModelId.nullable().optional(),
        licence: z.string().max(200).nullable().optional(),
      }),
    )
    .output(Model),
  /** SHA-256 of a file as it is now; of a folder, over the list of its files' hashes. Its result is a ModelHash. */
  hash: oc.input(z.object({ id: ModelId })).output(z.object({ job: JobId })),
  /** Opens graphs and sessions ahead of the first picture. */
  mount: oc.input(z.object({ id: ModelId })).output(Mounted),
  unmount: oc.input(z.object({ id: ModelId })).output(z.object({ ok: z.literal(true) })),
  /** What is mounted now. */
  mounted: oc.output(z.array(Mounted)),
};
