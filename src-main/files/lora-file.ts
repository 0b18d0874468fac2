/** Opens LoRA files from disk with the adapter_config.json that PEFT puts beside them. */
import { readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { openTensorFile } from "../core/formats/open.ts";
import { inspectLora, type Inspected } from "../core/lora/inspect.ts";
import type { Lora } from "../core/lora/lora.ts";
import { readLora } from "../core/lora/read.ts";
import { openFileSource } from "./source.ts";

/** Larger ones are not adapter configurations; PEFT's are under a kilobyte. */
const configLimit = 1024 * 1024;

export function inspectFile(path: string): Inspected & { bytes: number } {
  using source = openFileSource(path);
  const file = openTensorFile(source);
  return { ...inspectLora(file), bytes: source.size };
}

export function openLora(path: string, rank?: number): Lora {
  using source = openFileSource(path);
  const options = { ...companion(path), ...(rank === undefined ? {} : { rank }) };
  return readLora(openTensorFile(source), options).lora;
}

/** Only PEFT's own file names have a configuration beside them that means them. */
function companion(path: string): { adapterConfig?: unknown } {
  if (!/^(adapter_model|pytorch_lora_weights)\./.test(basename(path))) return {};
  const config = join(dirname(path), "adapter_config.json");
  try {
    if (statSync(config).size > configLimit) return {};
    return { adapterConfig: JSON.parse(readFileSync(config, "utf8")) as unknown };
  } catch {
    // Absent or broken: alpha then comes from the file itself, as every other tool reads it.
    return {};
  }
}
