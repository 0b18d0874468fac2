/** Trained text embeddings inside a LoRA file: how they are told, where they can be written, and what becomes of them. */
import { FacetError } from "../errors.ts";
import type { PlannedTensor } from "../formats/safetensors/write.ts";
import type { TensorEntry } from "../formats/source.ts";
import type { Header } from "./dialects/dialect.ts";
import type { Embedding, Family, Lora } from "./lora.ts";

export interface EmbeddingEntry {
  readonly token: string;
  readonly shape: readonly [number, number];
  readonly component: Embedding["component"];
}

/** cloneofsimo's value in the metadata that says a tensor is an embedding (formats.md 1.11). */
const mark = "<embed>";
const bundle = "bundle_emb.";
/** Behind a bundled embedding's name: any encoder, SDXL's first, SDXL's second. */
const bundled = [".string_to_param.*", ".clip_l", ".clip_g"] as const;

/** Which encoder has tokens of a width. */
export type TokenWidths = ReadonlyMap<number, Embedding["component"]>;

/** formats.md 5.5. */
const publishedWidths: TokenWidths = new Map([
  [768, "text_encoder"],
  [1280, "text_encoder_2"],
]);

/** What embedding a tensor is, or undefined where it is none that fits an encoder. */
export function embeddingOf(
  entry: TensorEntry,
  header: Header,
  components = publishedWidths,
): EmbeddingEntry | undefined {
  const token = tokenOf(entry.name, header);
  if (token === undefined || entry.shape.length < 1 || entry.shape.length > 2) return undefined;
  const width = entry.shape.at(-1) ?? 0;
  const vectors = entry.shape.length === 2 ? (entry.shape[0] ?? 0) : 1;
  const component = components.get(width);
  return component && vectors > 0 ? { token, shape: [vectors, width], component } : undefined;
}

function tokenOf(name: string, header: Header): string | undefined {
  if (name.startsWith(bundle)) {
    const ending = bundled.find((suffix) => name.endsWith(suffix));
    const token = ending && name.slice(bundle.length, -ending.length);
    return token || undefined;
  }
  const angled = name.startsWith("<") && name.endsWith(">") && name.length > 2;
  return angled || header.metadata.get(name) === mark ? name : undefined;
}

/** Tensors of the embeddings in kohya's files. SDXL's pairs only: A1111 takes one with both encoders or none. */
export function bundledEmbeddings(
  lora: Lora,
  plan: (name: string, shape: readonly number[], values: () => Float32Array) => PlannedTensor,
): PlannedTensor[] {
  return writable(lora).map((embedding) =>
    plan(
      `${bundle}${embedding.token}${suffixFor(lora.family, embedding)}`,
      embedding.shape,
      () => embedding.values,
    ),
  );
}

function suffixFor(family: Family, embedding: Embedding): string {
  if (family === "sd15") return ".string_to_param.*";
  return embedding.component === "text_encoder" ? ".clip_l" : ".clip_g";
}

function writable(lora: Lora): readonly Embedding[] {
  if (lora.family === "sd15") {
    return lora.embeddings.filter((embedding) => embedding.component === "text_encoder");
  }
  return lora.embeddings.filter((embedding) =>
    lora.embeddings.some(
      (other) => other.token === embedding.token && other.component !== embedding.component,
    ),
  );
}

/** A sentence on what becomes of a LoRA's embeddings in a dialect; empty where it has none. */
export function embeddingsFate(lora: Lora, dialect: "kohya" | "kohya-diffusers" | "peft"): string {
  const tokens = [...new Set(lora.embeddings.map((embedding) => embedding.token))];
  if (tokens.length === 0) return "";
  const [names, them] = [listed(tokens), tokens.length === 1 ? "it" : "them"];
  const trained = `The trained word${tokens.length === 1 ? "" : "s"} ${names}`;
  if (dialect === "peft") {
    return `${trained} ${be(tokens)} left out: a PEFT file has no place for ${them}. Choose kohya to keep ${them}.`;
  }
  const kept = [...new Set(writable(lora).map((embedding) => embedding.token))];
  const lost = tokens.filter((token) => !kept.includes(token));
  const sentences: string[] = [];
  if (kept.length > 0) {
    sentences.push(
      `The trained word${kept.length === 1 ? "" : "s"} ${listed(kept)} ${be(kept)} written into the file as ${kept.length === 1 ? "a bundled embedding" : "bundled embeddings"}: A1111 and Forge use ${kept.length === 1 ? "it" : "them"}, ComfyUI and InvokeAI pass over ${kept.length === 1 ? "it" : "them"}, and diffusers refuses such a file (choose PEFT there).`,
    );
  }
  if (lost.length > 0) {
    sentences.push(
      `The trained word${lost.length === 1 ? "" : "s"} ${listed(lost)} ${be(lost)} left out: SDXL needs a word in both text encoders, and the file has one.`,
    );
  }
  return sentences.join(" ");
}

function be(tokens: readonly string[]): string {
  return tokens.length === 1 ? "is" : "are";
}

function listed(tokens: readonly string[]): string {
  const last = tokens.at(-1) ?? "";
  return tokens.length < 2 ? last : `${tokens.slice(0, -1).join(", ")} and ${last}`;
}

/** Values of one embedding, checked. */
export function readEmbedding(
  entry: EmbeddingEntry,
  name: string,
  values: Float32Array,
  path: string,
): Embedding {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new FacetError(
      "not-finite",
      `${name} holds ${values[bad]} at index ${bad}: the embedding is broken.`,
      {
        path,
        field: name,
      },
    );
  }
  return { ...entry, values };
}
