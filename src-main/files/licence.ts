/** What may be done with a model: as a diffusers folder's README or licence file says in its first words. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { openFileSource } from "./source.ts";

/** The front matter of a model card and the title of a licence stand at the beginning. */
const readBytes = 64 * 1024;
const longest = 200;

/** Null where nothing says. Never throws: a model without a readable README is a model. */
export function licenceIn(folder: string): string | null {
  try {
    const names = readdirSync(folder).toSorted();
    const card = names.find((name) => /^readme\.md$/i.test(name));
    const said = card === undefined ? null : fromCard(beginningOf(join(folder, card)));
    if (said !== null) return said;
    const file = names.find((name) => /^licen[cs]e(\.|$|[-_])/i.test(name));
    return file === undefined ? null : titleOf(beginningOf(join(folder, file)));
  } catch {
    return null;
  }
}

/** As `modelspec.license` or `license` of a file's metadata has it. */
export function licenceOf(metadata: ReadonlyMap<string, string>): string | null {
  return trimmed(metadata.get("modelspec.license") ?? metadata.get("license") ?? "");
}

/**
 * `license` of the YAML between two lines of dashes; where it is only `other`, the name beside it.
 * https://huggingface.co/docs/hub/model-cards#model-card-metadata
 */
function fromCard(text: string): string | null {
  const matter = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---/.exec(text)?.[1] ?? "";
  const value = (key: string) => {
    const line = new RegExp(`^${key}:[ \\t]*(.+)$`, "m").exec(matter)?.[1] ?? "";
    return trimmed(line.replace(/^(["'])(.*)\1\s*$/, "$2"));
  };
  const license = value("license");
  return license === "other" ? (value("license_name") ?? license) : license;
}

/** The first line with words on it. */
function titleOf(text: string): string | null {
  for (const line of text.split("\n")) {
    const words = trimmed(line.replace(/^[\s\uFEFF#*=-]+/, "").replace(/[\s#*=-]+$/, ""));
    if (words !== null) return words;
  }
  return null;
}

function trimmed(text: string): string | null {
  const words = text
    .replaceAll(/\p{Cc}+/gu, " ")
    .trim()
    .slice(0, longest);
  return words === "" ? null : words;
}

function beginningOf(path: string): string {
  using source = openFileSource(path);
  return Buffer.from(source.read(0, Math.min(source.size, readBytes))).toString("utf8");
}
