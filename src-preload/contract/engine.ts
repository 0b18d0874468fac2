/** The contract between main and the engine process: paths and numbers, never the library's ids. */
import { eventIterator, oc } from "@orpc/contract";
import { z } from "zod";
import { Failure, Family, Form } from "./common.ts";
import { ExportDialect, ExportDtype } from "./exports.ts";
import { Inspection } from "./lora.ts";
import { Model, Mounted } from "./models.ts";
import { PictureCounters, PictureEvent, PictureSettings } from "./previews.ts";
import { Device, Provider, ProviderName, SessionUse } from "./system.ts";
import { CurvePoint, PassedOver, Trainable } from "./training.ts";

/** What to materialise: a file, a point of a space, or something made of these. Main resolves recipes into it. */
export type Source =
  | {
      kind: "file";
      path: string;
      /** SHA-256 of its tensors, where the library knows it and the file cannot have changed since. */
      dataSha256?: string | undefined;
    }
  | { kind: "point"; space: string; coordinates: number[]; rank: number }
  | { kind: "delta-blend"; parents: { source: Source; weight: number }[]; rank: number }
  | { kind: "resize"; parent: Source; rank: number };

export const Source: z.ZodType<Source, Source> = z.lazy(() =>
  z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("file"), path: z.string(), dataSha256: z.string().optional() }),
    z.object({
      kind: z.literal("point"),
      space: z.string(),
      coordinates: z.array(z.number()),
      rank: z.int(),
    }),
    z.object({
      kind: z.literal("delta-blend"),
      parents: z.array(z.object({ source: Source, weight: z.number() })),
      rank: z.int(),
    }),
    z.object({ kind: z.literal("resize"), parent: Source, rank: z.int() }),
  ]),
);

export const Scanned = z.union([
  z.object({ path: z.string(), inspection: Inspection, modifiedAt: z.number() }),
  z.object({ path: z.string(), failure: Failure }),
]);
export type Scanned = z.infer<typeof Scanned>;

export const Read = z.object({
  sha256: z.string(),
  /** Of the tensors alone, in safetensors files. */
  dataSha256: z.string().nullable(),
  /** SHA-256 over the canonical float32 matrices. */
  fingerprint: z.string(),
  /** 256 float32 whose inner products estimate those of the deltas, base64 of the little-endian bytes. */
  sketch: z.string(),
  /** Frobenius norm of the delta. */
  norm: z.number(),
});

export const Progress = z.object({
  kind: z.literal("progress"),
  done: z.number(),
  total: z.number(),
  unit: z.string(),
  step: z.string(),
});

export const FitOutcome = z.object({
  kind: z.literal("done"),
  form: Form,
  family: Family,
  modules: z.int(),
  members: z.int(),
  dimension: z.int(),
  components: z.int(),
  rank: z.int(),
  explained: z.array(z.number()),
  retained: z.number(),
  suitability: z.array(z.object({ form: Form, kept: z.number() })),
  seconds: z.number(),
  peakBytes: z.int(),
  fingerprint: z.string(),
  bytes: z.int(),
  skipped: z.array(z.object({ id: z.string(), reason: z.string() })),
});

/** What a training tells. `saved` is the step of the last whole checkpoint, 0 where there is none. */
export const TrainingReport = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("started"),
    /** 0, or the checkpoint's. */
    step: z.int(),
    provider: ProviderName,
    passedOver: PassedOver,
    /** Why the numbers may differ in their last bits from those of a training in one piece; empty where they cannot. */
    inexact: z.array(z.string()),
    /** What the step was estimated to hold, in words. */
    memory: z.string(),
  }),
  z.object({
    kind: z.literal("progress"),
    step: z.int(),
    loss: z.number(),
    gradientNorm: z.number().nullable(),
    rate: z.number(),
    stepsPerSecond: z.number(),
  }),
  z.object({
    kind: z.literal("saved"),
    step: z.int(),
    curve: z.array(CurvePoint),
    fingerprint: z.string(),
    bytes: z.int(),
  }),
  z.object({
    kind: z.literal("ended"),
    /** `stopped`: it was asked to, and goes on from its last checkpoint when it is called again. */
    reason: z.enum(["done", "stopped"]),
    step: z.int(),
    loss: z.number().nullable(),
  }),
]);
export type TrainingReport = z.infer<typeof TrainingReport>;

/** What a checkpoint's header (or a diffusers folder's headers and configurations) says. */
export const ModelDescription = Model.pick({
  widths: true,
  prediction: true,
  zeroTerminalSnr: true,
  dtypes: true,
  tensors: true,
  extras: true,
  extrasTotal: true,
  needs: true,
  licence: true,
  factor: true,
}).extend({
  kind: Model.shape.kind,
  family: Family,
  /** Files that weights are read from, below a diffusers folder; empty where the path itself is the only one. */
  files: z.array(z.string()),
  hasVae: z.boolean(),
});
export type ModelDescription = z.infer<typeof ModelDescription>;

/** What a file among base models turned out to be. */
export const ModelFile = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("model"), description: ModelDescription }),
  z.object({ kind: z.literal("vae") }),
  /** Something else in the wrong folder: `what` is it, in words. */
  z.object({ kind: z.literal("other"), what: z.string() }),
  /** A base model, or what calls itself one, that cannot be used. */
  z.object({ kind: z.literal("refused"), failure: Failure }),
]);
export type ModelFile = z.infer<typeof ModelFile>;

/** Where a model lies, and what is used in place of parts of it. */
export const ModelPlace = z.object({
  /** A checkpoint or a diffusers folder. */
  path: z.string(),
  /** A VAE's file. */
  vae: z.string().nullable(),
  /** A whole model; its VAE is used as well where there is no other. */
  textFrom: z.string().nullable(),
  /** Of the file, where it was hashed. */
  sha256: z.string().nullable().default(null),
});
export type ModelPlace = z.infer<typeof ModelPlace>;

export const PictureOrder = z.object({
  slot: z.string(),
  model: ModelPlace,
  loras: z.array(
    z.object({
      name: z.string(),
      /** File that other tools would load, as the picture's record names it. */
      file: z.string(),
      source: Source,
      strength: z.number(),
      /** Goes into the picture; null for a file from elsewhere. */
      recipe: z.unknown(),
    }),
  ),
  settings: PictureSettings,
  /** Folder that the picture is written into, named by its content. */
  to: z.string(),
});
export type PictureOrder = z.infer<typeof PictureOrder>;

export const engineContract = {
  status: oc.output(
    z.object({
      node: z.string(),
      onnxruntime: z.string(),
      providers: z.array(Provider),
      devices: z.array(Device),
      memoryBytes: z.int(),
      sessions: SessionUse,
    }),
  ),
  /** Headers only. One bad file is one failure in the list. */
  scan: oc.input(z.object({ paths: z.array(z.string()).max(1000) })).output(z.array(Scanned)),
  /** What a checkpoint, a VAE or a diffusers folder is, from headers and small files only. */
  describeModel: oc.input(z.object({ path: z.string() })).output(ModelFile),
  /**
   * SHA-256 of a file in parts, so that other work comes between them: `token` names the hash that is under way, 0
   * begins it. Throws `missing-parent` where this engine does not know it (any more); then it is begun again.
   */
  hashPart: oc
    .input(z.object({ path: z.string(), token: z.string(), from: z.int(), bytes: z.int() }))
    .output(z.object({ done: z.int(), sha256: z.string().nullable() })),
  /** The whole file: content hash, fingerprint, sketch. */
  read: oc.input(z.object({ path: z.string() })).output(Read),
  /** Sketch, fingerprint and norm of anything that can be materialised. */
  describe: oc.input(z.object({ source: Source })).output(
    z.object({
      fingerprint: z.string(),
      sketch: z.string(),
      norm: z.number(),
      modules: z.int(),
      parameters: z.int(),
      rank: z.object({ min: z.int(), max: z.int() }),
      components: z.array(z.string()),
    }),
  ),
  /** A picture made small: WebP of at most `edge` pixels, from a file or the bytes given. */
  thumbnail: oc
    .input(
      z.object({
        path: z.string().optional(),
        bytes: z.base64().optional(),
        to: z.string(),
        edge: z.int(),
      }),
    )
    .output(z.object({ sha256: z.string(), width: z.int(), height: z.int() })),
  fit: oc
    .input(
      z.object({
        members: z.array(z.object({ id: z.string(), source: Source })),
        form: Form.optional(),
        components: z.int().optional(),
        rank: z.int().optional(),
        standardise: z.boolean(),
        seed: z.int(),
        /** The space file to write; its scratch file lies beside it. */
        to: z.string(),
      }),
    )
    .output(eventIterator(z.discriminatedUnion("kind", [Progress, FitOutcome]))),
  /** Trains, from the checkpoint where one is there; writes it every so many seconds, when it is asked to, and at the end. */
  train: oc
    .input(
      z.object({
        id: z.string(),
        trainable: Trainable,
        seed: z.int(),
        steps: z.int(),
        checkpoint: z.object({ path: z.string(), seconds: z.number() }),
        provider: ProviderName.optional(),
        fallback: z.boolean(),
      }),
    )
    .output(eventIterator(TrainingReport)),
  /** Asks a training to end after the step that it makes now, with its checkpoint or without. */
  stopTraining: oc
    .input(z.object({ id: z.string(), save: z.boolean() }))
    .output(z.object({ found: z.boolean() })),
  /** What the space's file says of itself: members, coordinates, histograms are read by main's pages from here. */
  openSpace: oc.input(z.object({ space: z.string() })).output(
    z.object({
      form: Form,
      family: Family,
      modules: z.int(),
      members: z.array(z.string()),
      dimension: z.int(),
      components: z.int(),
      rank: z.int(),
      explained: z.array(z.number()),
      standardised: z.boolean(),
      suitability: z.array(z.object({ form: Form, kept: z.number() })),
      /** Share of each component's energy that its stored rank kept; empty in the factor forms. */
      componentsKept: z.array(z.number()),
      retained: z.number(),
      histograms: z.array(z.array(z.int())),
      /** Index of the member furthest out on either side, for each component. */
      ends: z.array(z.object({ low: z.int(), high: z.int() })),
    }),
  ),
  /** Coordinates in sigma of anything in a space. `member` where it is one by id. */
  locate: oc
    .input(z.object({ space: z.string(), source: Source, id: z.string().optional() }))
    .output(
      z.object({ coordinates: z.array(z.number()), residual: z.number(), member: z.boolean() }),
    ),
  /** Coordinates drawn from the members' distribution; index i of a seed is always the same. */
  sample: oc
    .input(z.object({ space: z.string(), seed: z.int(), index: z.int(), spread: z.number() }))
    .output(z.array(z.number())),
  /** How far out a point lies among the members. */
  extremity: oc.input(z.object({ space: z.string(), coordinates: z.array(z.number()) })).output(
    z.object({
      extremity: z.number(),
      beyond: z.object({ index: z.int(), sigma: z.number() }).nullable(),
    }),
  ),
  /** Opens (or moves) the live identity: the matrices that the picture uses. `changed` gives single sliders. */
  live: oc
    .input(
      z.object({
        space: z.string(),
        coordinates: z.array(z.number()).optional(),
        changed: z.array(z.object({ index: z.int(), sigma: z.number() })).optional(),
      }),
    )
    .output(z.object({ milliseconds: z.number(), norm: z.number() })),
  /** Opens a model's graphs and sessions ahead of its first picture. */
  mountModel: oc.input(ModelPlace).output(Mounted.omit({ model: true })),
  unmountModel: oc.input(ModelPlace).output(z.object({ found: z.boolean() })),
  makePicture: oc.input(PictureOrder).output(eventIterator(PictureEvent)),
  cancelPicture: oc.input(z.object({ slot: z.string() })).output(z.object({ found: z.boolean() })),
  pictureCounters: oc.output(PictureCounters),
  /** Norms of the products and of their difference. */
  compare: oc
    .input(z.object({ left: Source, right: Source }))
    .output(z.object({ left: z.number(), right: z.number(), difference: z.number() })),
  /** Share of the energy that is kept when a source's parents are cut to its rank (1 where nothing is cut). */
  kept: oc.input(z.object({ source: Source })).output(z.object({ kept: z.number() })),
  export: oc
    .input(
      z.object({
        source: Source,
        to: z.string(),
        dialect: ExportDialect,
        dtype: ExportDtype,
        /** Written as they are, besides those that the writer computes (ranks, alphas, hashes). */
        metadata: z.record(z.string(), z.string()),
        overwrite: z.boolean(),
      }),
    )
    .output(
      z.object({
        bytes: z.int(),
        sha256: z.string(),
        modules: z.int(),
        /** Of the matrices, where they were made for this export and not copied from a file. */
        fingerprint: z.string().optional(),
        /** What became of trained embeddings; empty where there are none. */
        embeddings: z.string().optional(),
      }),
    ),
};
export type EngineContract = typeof engineContract;
