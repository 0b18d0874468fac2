/** The machine, settings and what a page remembers. */
import { oc } from "@orpc/contract";
import { z } from "zod";
import { ComfyFolder, ExportOptions } from "./exports.ts";
import { Storage } from "./library.ts";

export const Settings = z.object({
  theme: z.enum(["dark", "light", "system"]).default("dark"),
  storage: Storage.default("copy"),
  /** Folders the user chose for exports, besides those found. */
  folders: z.array(z.string()).default([]),
  export: ExportOptions.prefault({}),
  lastExportFolder: z.string().nullable().default(null),
});
export type Settings = z.infer<typeof Settings>;

export const ProviderName = z.enum(["cpu", "cuda", "dml", "webgpu", "coreml"]);
export type ProviderName = z.infer<typeof ProviderName>;

const Computed = z.enum(["F32", "F16"]);

export const Provider = z.object({
  name: ProviderName,
  available: z.boolean(),
  /** Why it is not available, or how it failed when it was last tried. */
  reason: z.string().optional(),
  /** What it computes in, and why. */
  precision: z.object({ inference: Computed, training: Computed, reason: z.string() }),
});

export const Device = z.object({
  name: z.string(),
  provider: ProviderName,
  memoryBytes: z.int().nullable(),
});

/** Graphs that an engine holds ready. */
export const SessionUse = z.object({
  sessions: z.int(),
  /** Since the engine started: a slider that moves opens none. */
  opened: z.int(),
  /** Weights of all of them. */
  bytes: z.int(),
  /** From here on the least recently used ones are closed. */
  budgetBytes: z.int(),
});

const EngineState = z.object({
  role: z.enum(["interactive", "background", "training", "pictures"]),
  running: z.boolean(),
  memoryBytes: z.int(),
  /** Null where it does not run. */
  sessions: SessionUse.nullable(),
});

export const Doctor = z.object({
  facet: z.string(),
  node: z.string(),
  onnxruntime: z.string(),
  sqlite: z.string(),
  platform: z.string(),
  cores: z.int(),
  memoryBytes: z.int(),
  /** This platform's first, the fastest before the others. */
  providers: z.array(Provider),
  devices: z.array(Device),
  library: z.object({ path: z.string(), loras: z.int(), spaces: z.int(), version: z.string() }),
  /** The one behind the sliders. */
  engine: z.object({ running: z.boolean(), memoryBytes: z.int() }),
  engines: z.array(EngineState),
  comfy: z.array(ComfyFolder),
  /** Other tools' files that could not be understood, in words. */
  problems: z.array(z.string()).optional(),
});
export type Doctor = z.infer<typeof Doctor>;

export const system = {
  doctor: oc.output(Doctor),
  /** What the shell around the page can do; the host can neither drag files out nor show folders. */
  capabilities: oc.output(
    z.object({
      shell: z.enum(["electron", "host"]),
      version: z.string(),
      pickFiles: z.boolean(),
      dragOut: z.boolean(),
    }),
  ),
  settings: oc.output(Settings),
  changeSettings: oc.input(Settings.partial()).output(Settings),
  /** What a page wants to find again at its next start; JSON, at most 1 MB each. */
  remember: oc
    .input(z.object({ key: z.string().max(100), value: z.unknown() }))
    .output(z.object({ ok: z.literal(true) })),
  recall: oc.input(z.object({ key: z.string().max(100) })).output(z.object({ value: z.unknown() })),
  /** Opens the file dialog of the shell; empty where there is none or the user gave up. */
  pickFiles: oc
    .input(z.object({ title: z.string(), folders: z.boolean() }))
    .output(z.array(z.string())),
  /** Folders inside a folder of the machine that runs Facet, for the host's own folder picker. */
  listFolder: oc.input(z.object({ path: z.string().nullable() })).output(
    z.object({
      path: z.string(),
      parent: z.string().nullable(),
      folders: z.array(z.object({ name: z.string(), path: z.string() })),
      loras: z.int(),
    }),
  ),
  showInFolder: oc.input(z.object({ path: z.string() })).output(z.object({ shown: z.boolean() })),
};
