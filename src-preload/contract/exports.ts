/** Writing LoRA files for other tools. */
import { oc } from "@orpc/contract";
import { z } from "zod";
import { JobId, LoraId } from "./common.ts";

export const ExportDialect = z.enum(["kohya", "kohya-diffusers", "peft"]);
export type ExportDialect = z.infer<typeof ExportDialect>;
export const ExportDtype = z.enum(["f16", "bf16", "f32"]);
export type ExportDtype = z.infer<typeof ExportDtype>;

export const ExportOptions = z.object({
  dialect: ExportDialect.default("kohya"),
  dtype: ExportDtype.default("f16"),
  /** File name without ending: `{name} {id} {rank} {family} {date} {index} {dialect} {dtype}`. */
  template: z.string().min(1).max(200).default("{name}"),
  /** What to do when a file of that name is there. */
  existing: z.enum(["refuse", "number", "overwrite"]).default("number"),
  /** Pictures and JSON beside the file, for the tools that read them. */
  sidecars: z.boolean().default(false),
});
export type ExportOptions = z.input<typeof ExportOptions>;

export const ExportedFile = z.object({
  id: LoraId,
  path: z.string(),
  bytes: z.int(),
  sha256: z.string(),
  modules: z.int(),
  /** Sentences that its user should know: numbers unlike those that were kept, the fate of trained words. */
  notes: z.array(z.string()),
});
export const ExportResult = z.object({
  files: z.array(ExportedFile),
  failed: z.array(z.object({ id: LoraId, name: z.string(), code: z.string(), reason: z.string() })),
});
export type ExportResult = z.infer<typeof ExportResult>;

export const ComfyFolder = z.object({
  path: z.string(),
  /** Where it was found, in words: `extra_model_paths.yaml`, `ComfyUI desktop`, `usual place`, `chosen`. */
  source: z.string(),
  /** The tool the folder belongs to, e.g. `ComfyUI`, `A1111`. */
  tool: z.string(),
  exists: z.boolean(),
  writable: z.boolean(),
});
export type ComfyFolder = z.infer<typeof ComfyFolder>;

export const exports = {
  start: oc
    .input(
      z.object({
        ids: z.array(LoraId).min(1).max(100_000),
        to: z.string().min(1),
        options: ExportOptions,
      }),
    )
    .output(z.object({ job: JobId })),
  /** Names that a template gives, before anything is written. */
  preview: oc
    .input(
      z.object({
        ids: z.array(LoraId).min(1).max(100),
        template: z.string(),
        dialect: ExportDialect,
        dtype: ExportDtype,
      }),
    )
    .output(z.array(z.string())),
  /** One file made ready for a drag out of the window or a download: an absolute path, and a name for the download route. */
  stage: oc
    .input(z.object({ id: LoraId, options: ExportOptions }))
    .output(z.object({ path: z.string(), download: z.string(), name: z.string() })),
  folders: oc.output(z.array(ComfyFolder)),
};
