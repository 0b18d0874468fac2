/** What other tools leave beside a LoRA: a picture, notes, trigger words. Formats: see `readers` below. */
import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { stemOf } from "./names.ts";

/** Larger text files are not notes. */
const longestText = 1 << 20;
const mostWords = 100;
const longestNotes = 20_000;

/** What tools look for, in the order they prefer: A1111, ComfyUI, InvokeAI, Lora-Manager, SwarmUI. */
const pictureEndings = [
  ".png",
  ".jpg",
  ".jpeg",
  ".webp",
  ".preview.png",
  ".preview.jpg",
  ".preview.jpeg",
  ".preview.webp",
  ".thumb.png",
  ".thumb.jpg",
  ".example.0.jpeg",
  ".gif",
];

/** The picture beside a file, if there is one. */
export function pictureBeside(path: string, siblings: ReadonlySet<string>): string | null {
  const stem = stemOf(path);
  for (const ending of pictureEndings) {
    for (const name of [stem + ending, stem + ending.toUpperCase()]) {
      if (siblings.has(name)) return join(dirname(path), name);
    }
  }
  return null;
}

export interface SidecarText {
  readonly notes: string;
  readonly triggerWords: readonly string[];
  readonly preferredWeight: number | null;
  readonly tags: readonly string[];
  readonly favourite: boolean;
}

type Part = Partial<SidecarText>;

// Tolerant: one odd field costs that field, not the file.
const words = z
  .unknown()
  .transform((value): string[] => {
    const list: unknown = typeof value === "string" ? value.split(",") : value;
    return Array.isArray(list) ? list.filter((word) => typeof word === "string") : [];
  })
  .catch([]);
const line = z.string().catch("");
const weight = z.coerce.number().min(-10).max(10).nullable().catch(null);

/** A1111, Forge and InvokeAI: `<stem>.json`. */
const Webui = z.object({
  description: line,
  notes: line,
  "activation text": words,
  "preferred weight": weight,
});
/** Civitai Helper: `<stem>.civitai.info`, the model version as the site tells it. */
const Civitai = z.object({
  description: line,
  trainedWords: words,
  model: z.object({ tags: words }).catch({ tags: [] }),
});
/** Stability Matrix: `<stem>.cm-info.json`. */
const Matrix = z.object({ ModelDescription: line, TrainedWords: words, Tags: words });
/** ComfyUI-Lora-Manager: `<stem>.metadata.json`; usage tips are JSON inside a string. */
const Manager = z.object({
  notes: line,
  modelDescription: line,
  tags: words,
  favorite: z.boolean().catch(false),
  trainedWords: words,
  civitai: z.object({ trainedWords: words }).catch({ trainedWords: [] }),
  usage_tips: z.string().catch("{}"),
});
/** SwarmUI: `<stem>.swarm.json`. */
const Swarm = z.object({
  "modelspec.description": line,
  "modelspec.trigger_phrase": words,
  "modelspec.usage_hint": line,
});

/** Text files by ending, the user's own words before what a site says. */
const readers: readonly (readonly [string, (text: string) => Part])[] = [
  [
    ".json",
    json(Webui, (found) => ({
      notes: paragraphs(found.description, found.notes),
      triggerWords: found["activation text"],
      // 0 is what A1111 stores for "none chosen".
      preferredWeight: found["preferred weight"] === 0 ? null : found["preferred weight"],
    })),
  ],
  [
    ".metadata.json",
    json(Manager, (found) => ({
      notes: paragraphs(found.notes, plain(found.modelDescription)),
      triggerWords: [...found.trainedWords, ...found.civitai.trainedWords],
      preferredWeight: tipStrength(found.usage_tips),
      tags: found.tags,
      favourite: found.favorite,
    })),
  ],
  [
    ".swarm.json",
    json(Swarm, (found) => ({
      notes: paragraphs(found["modelspec.description"], found["modelspec.usage_hint"]),
      triggerWords: found["modelspec.trigger_phrase"],
    })),
  ],
  [".description.txt", (text) => ({ notes: text })],
  [".txt", (text) => ({ notes: text })],
  [
    ".civitai.info",
    json(Civitai, (found) => ({
      notes: plain(found.description),
      triggerWords: found.trainedWords,
      tags: found.model.tags,
    })),
  ],
  [
    ".cm-info.json",
    json(Matrix, (found) => ({
      notes: plain(found.ModelDescription),
      triggerWords: found.TrainedWords,
      tags: found.Tags,
    })),
  ],
];

/** Reads all text sidecars of a file; what cannot be read counts as not there. */
export async function textBeside(
  path: string,
  siblings: ReadonlySet<string>,
): Promise<SidecarText | null> {
  const stem = stemOf(path);
  const parts: Part[] = [];
  for (const [ending, read] of readers) {
    if (!siblings.has(stem + ending)) continue;
    const file = join(dirname(path), stem + ending);
    try {
      if ((await stat(file)).size > longestText) continue;
      parts.push(read(await readFile(file, "utf8")));
    } catch {
      // Vanished, unreadable or not what its name says: the LoRA itself is what matters.
    }
  }
  return parts.length === 0 ? null : joined(parts);
}

function joined(parts: readonly Part[]): SidecarText {
  const notes = parts.map((part) => part.notes?.trim() ?? "").find((text) => text !== "") ?? "";
  const triggerWords = parts.map((part) => tidy(part.triggerWords)).find((list) => list.length > 0);
  return {
    notes: notes.slice(0, longestNotes),
    triggerWords: triggerWords ?? [],
    preferredWeight:
      parts.map((part) => part.preferredWeight ?? null).find((w) => w !== null) ?? null,
    tags: tidy(parts.flatMap((part) => part.tags ?? [])).map((tag) => tag.slice(0, 100)),
    favourite: parts.some((part) => part.favourite === true),
  };
}

function json<T>(schema: z.ZodType<T>, toPart: (found: T) => Part): (text: string) => Part {
  return (text) => toPart(schema.parse(JSON.parse(text.replace(/^\uFEFF/, ""))));
}

function tidy(list: readonly string[] = []): string[] {
  const unique = new Set(
    list.map((word) => word.trim().slice(0, 200)).filter((word) => word !== ""),
  );
  return [...unique].slice(0, mostWords);
}

function tipStrength(text: string): number | null {
  try {
    return z.object({ strength: weight }).parse(JSON.parse(text)).strength;
  } catch {
    return null;
  }
}

function paragraphs(...texts: readonly string[]): string {
  return texts
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .join("\n\n");
}

/** Sites describe in HTML; notes are plain text. */
function plain(html: string): string {
  return html
    .replaceAll(/<br\s*\/?>|<\/(?:p|div|li|h\d)>/gi, "\n")
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll("&nbsp;", " ")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim();
}
