/** Made-up LoRAs and spaces with plausible numbers, the same at every start. */
import type { z } from "zod";
import type { Details } from "../../src-preload/contract/library.ts";
import type { SpaceDetails } from "../../src-preload/contract/spaces.ts";

/** A library row with its place in the made-up space and whether it lies in the trash. */
export type FakeIdentity = z.output<typeof Details> & { place: number[]; trashed: boolean };

let state = 20261121;
function uniform(): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
}
function normal(): number {
  return Math.sqrt(-2 * Math.log(uniform() || 1e-9)) * Math.cos(2 * Math.PI * uniform());
}
function pick<T>(list: readonly [T, ...T[]]): T {
  return list[Math.floor(uniform() * list.length)] ?? list[0];
}

const names = [
  "Mira",
  "Tomas",
  "Ada Linn",
  "keira_v2",
  "old sailor",
  "Jun",
  "Noor",
  "Bertil",
  "Sol",
  "redhead_e10",
  "Pia",
  "Marek",
  "Ines",
  "grandpa",
  "Yuki",
  "Ola",
  "Lev",
  "Chiara",
  "sks_woman_final",
  "Amadou",
  "Freja",
  "Dario",
  "Nadia",
  "Tuva",
  "boxer_v3",
  "Hana",
  "Elias",
  "Wren",
  "Otis",
  "Zofia",
] as const;
const tags = [
  "woman",
  "man",
  "older",
  "studio",
  "freckles",
  "draft",
  "red hair",
  "glasses",
  "beard",
  "portrait",
] as const;

export const collections = [
  { id: "c1", name: "Miniature" },
  { id: "c2", name: "ComfyUI loras" },
  { id: "c3", name: "Client: Orchard" },
  { id: "c4", name: "Sailors" },
];

const now = 1_794_000_000_000;
const COMPONENTS = 24;

export const identities: FakeIdentity[] = Array.from({ length: 2000 }, (_, i) => {
  const rank = pick([4, 8, 8, 16, 16, 32, 64]);
  const family = uniform() < 0.12 ? ("sd15" as const) : ("sdxl" as const);
  const name = i < names.length ? (names[i] ?? "") : `${pick(names)} ${100 + i}`;
  const trouble =
    i === 11 || i === 40
      ? "12 of 1,444 keys were not understood; the rest is used."
      : i === 77
        ? "The file is gone: /home/ada/loras/lost.safetensors. Put it back or delete the entry."
        : null;
  const total = trouble !== null ? 1444 : family === "sdxl" ? 1444 : 528;
  const dialect = pick(["kohya-sgm", "kohya-sgm", "peft", "kohya-diffusers", "cloneofsimo"]);
  return {
    id: `i${i}`,
    name,
    kind: uniform() < 0.08 || i === 0 ? ("recipe" as const) : ("file" as const),
    family,
    dialect,
    rank: { min: rank, max: rank },
    modules: family === "sdxl" ? 722 : 264,
    matched: trouble?.startsWith("12") === true ? total - 12 : total,
    total,
    favourite: uniform() < 0.05,
    rating: uniform() < 0.3 ? 1 + Math.floor(uniform() * 5) : 0,
    tags: tags.filter(() => uniform() < 0.14),
    bytes: rank * 1_430_000,
    createdAt: now - i * 3_700_000,
    preview: null,
    trouble,
    storage: "copied" as const,
    path: `/home/ada/Facet/blobs/ab/${name.replaceAll(" ", "_")}.safetensors`,
    sha256: "ab".repeat(32),
    notes: i === 3 ? "Overfits on the red scarf; use with “no scarf”." : "",
    triggerWords: [`${name.split(/[ _]/u)[0]?.toLowerCase() ?? "sks"} person`, "sks"].slice(
      0,
      1 + (i % 2),
    ),
    preferredWeight: i % 3 === 0 ? 0.75 : null,
    collections: collections.filter(() => uniform() < 0.2).map((each) => each.id),
    inspection: {
      dialect,
      family,
      widths: null,
      modules: family === "sdxl" ? 722 : 264,
      rank: { min: rank, max: rank },
      parameters: rank * 700_000,
      matched: total,
      total,
      unmatched:
        trouble?.startsWith("12") === true
          ? Array.from(
              { length: 12 },
              (_key, k) => `lora_unet_extra_block_${k}_proj.lora_down.weight`,
            )
          : [],
      metadata: {
        ss_network_dim: String(rank),
        ss_network_alpha: String(rank / 2),
        ss_num_train_images: "24",
        ss_steps: "1800",
        ss_base_model_version: "sdxl_base_v1-0",
        "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
        "modelspec.title": name,
      },
      embeddings: i === 0 ? ["<s1>", "<s2>"] : [],
      dtypes: ["F16"],
      components: family === "sdxl" ? ["unet"] : ["unet", "text_encoder"],
      adapters: ["lora"],
      needsBase: [],
      triggerWords: [],
      bytes: rank * 1_430_000,
    },
    recipe: null,
    place: Array.from({ length: COMPONENTS }, () => Math.max(-3.4, Math.min(3.4, normal()))),
    trashed: i > 1990,
  };
});

const [mira, , , keira] = identities;
if (mira !== undefined) {
  mira.recipe = {
    version: 1,
    facet: "0.1.0",
    name: "Mira",
    family: "sdxl",
    fingerprint: "5f0c".repeat(16),
    recipe: {
      kind: "point",
      space: { id: "s1", name: "Orchard people", fingerprint: "00", form: "aligned" },
      coordinates: mira.place.map((value) => Math.round(value * 100) / 100),
      rank: 16,
      origin: { kind: "move", from: { id: "i3", name: "keira_v2" } },
    },
  };
  mira.inspection = null;
  mira.path = null;
}
// Two pairs of near copies, for the look-alike view.
for (const [copy, original] of [
  [20, 3],
  [31, 5],
] as const) {
  const from = identities[original];
  const to = identities[copy];
  if (from !== undefined && to !== undefined) {
    to.place = from.place.map((value) => value + normal() * 0.04);
    to.name = `${from.name} copy`;
  }
}
if (keira !== undefined) keira.rating = 2;

const named = [
  "Age",
  "Face width",
  "Skin tone",
  "Hair colour",
  "Eye size",
  "Brows: stern to mild",
  "Nose length",
  "Jaw: narrow to square",
];

function histogram(component: number): number[] {
  const bins = Array.from({ length: 64 }, () => 0);
  for (const each of identities) {
    const bin = Math.floor((((each.place[component] ?? 0) + 4) / 8) * 64);
    bins[Math.min(63, Math.max(0, bin))] = (bins[Math.min(63, Math.max(0, bin))] ?? 0) + 1;
  }
  return bins;
}
function end(component: number, sign: number): string {
  return identities.reduce((best, each) =>
    (each.place[component] ?? 0) * sign > (best.place[component] ?? 0) * sign ? each : best,
  ).id;
}

function space(
  id: string,
  name: string,
  components: number,
  members: number,
): z.output<typeof SpaceDetails> {
  return {
    id,
    name,
    kind: "pca",
    form: "aligned",
    family: "sdxl",
    modules: 722,
    members,
    dimension: 23_224_320,
    components,
    rank: 16,
    createdAt: now - (id === "s1" ? 0 : 1e9),
    bytes: 220_000_000,
    fingerprint: "ab",
    available: true,
    standardised: false,
    suitability: [
      { form: "standard", kept: 0.71 },
      { form: "aligned", kept: 0.93 },
      { form: "delta", kept: 0.92 },
    ],
    componentList: Array.from({ length: components }, (_, index) => ({
      index,
      name: index < named.length ? (named[index] ?? "") : "",
      starred: index === 0 || index === 4,
      explained: 0.16 * 0.86 ** index,
      histogram: histogram(index),
      low: end(index, -1),
      high: end(index, 1),
    })),
  };
}

export const spaces = [
  space("s1", "Orchard people", COMPONENTS, 1200),
  space("s2", "Sailors", 8, 12),
];
