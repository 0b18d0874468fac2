/** How pictures are made on every page: prompt, seed, steps, size, model; and which stage each page shows. */
import { z } from "zod";
import { create } from "zustand";
import { Family } from "../../../src-preload/contract/common.ts";
import { Convention, Sampler, Schedule } from "../../../src-preload/contract/previews.ts";
import { randomId } from "../../lib/random-id.ts";
import { remember } from "../../studio/remember.ts";
import { type Preset, firstPreset } from "./presets.ts";

const Size = z.object({
  width: z.int().min(64).max(4096),
  height: z.int().min(64).max(4096),
});
export type Size = z.infer<typeof Size>;

const StoredPreset = z.object({
  id: z.string(),
  name: z.string(),
  prompt: z.string(),
  negative: z.string(),
});

const Stored = z.object({
  prompt: z.string().max(20_000),
  negative: z.string().max(20_000),
  seed: z.int().min(0),
  seedLocked: z.boolean(),
  steps: z.int().min(1).max(150),
  sampler: Sampler,
  schedule: Schedule,
  cfg: z.number().min(0).max(30),
  rescale: z.number().min(0).max(1),
  clipSkip: z.int().min(1).max(12).nullable(),
  convention: Convention,
  /** Of the LoRA in the picture. */
  strength: z.number().min(-10).max(10),
  /** Whether a picture is made whenever a slider moves. */
  follow: z.boolean(),
  /** The model chosen for each family; the first usable one where none is. */
  models: z.partialRecord(Family, z.string()),
  /** Absent: the model's own size. */
  sizes: z.partialRecord(Family, Size),
  presets: z.array(StoredPreset),
  /** False: the page shows its drawing instead. */
  pictured: z.object({ explore: z.boolean(), blend: z.boolean() }),
});
type PictureState = Readonly<z.infer<typeof Stored>>;

export const usePictureSettings = create<PictureState>(() => ({
  prompt: firstPreset.prompt,
  negative: firstPreset.negative,
  seed: 4182,
  seedLocked: true,
  steps: 20,
  sampler: "euler",
  schedule: "normal",
  cfg: 6,
  rescale: 0,
  clipSkip: null,
  convention: "comfy",
  strength: 1,
  follow: true,
  models: {},
  sizes: {},
  presets: [],
  pictured: { explore: true, blend: true },
}));

remember(
  "picture",
  usePictureSettings,
  (state) => state,
  (value) => Stored.safeParse(value).data ?? null,
);

export function setPicture(change: Partial<PictureState>): void {
  usePictureSettings.setState(change);
}

/** Seeds that can be typed again from a picture's caption. */
const LARGEST_SEED = 2 ** 32;

export function rollSeed(): void {
  const [drawn = 0] = crypto.getRandomValues(new Uint32Array(1));
  setPicture({ seed: drawn % LARGEST_SEED });
}

export function chooseModel(family: Family, id: string): void {
  usePictureSettings.setState(({ models }) => ({ models: { ...models, [family]: id } }));
}

export function chooseSize(family: Family, size: Size | null): void {
  usePictureSettings.setState(({ sizes }) => {
    const { [family]: _old, ...others } = sizes;
    return { sizes: size === null ? others : { ...others, [family]: size } };
  });
}

export function showPicture(page: keyof PictureState["pictured"], shown: boolean): void {
  usePictureSettings.setState(({ pictured }) => ({ pictured: { ...pictured, [page]: shown } }));
}

export function savePreset(name: string): void {
  usePictureSettings.setState(({ presets, prompt, negative }) => ({
    presets: [...presets, { id: randomId(), name, prompt, negative }],
  }));
}

/** Answers what brings it back. */
export function removePreset(preset: Preset): () => void {
  const { presets } = usePictureSettings.getState();
  setPicture({ presets: presets.filter((each) => each.id !== preset.id) });
  return () => setPicture({ presets });
}
