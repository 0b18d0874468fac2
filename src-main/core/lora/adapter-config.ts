/** Alpha from outside the tensors: PEFT's `adapter_config.json`, or the same values in a safetensors header. */
import { FacetError } from "../errors.ts";
import { componentOf } from "./architecture/names.ts";
import type { Component } from "./architecture/clip.ts";
import type { Header } from "./dialects/dialect.ts";

export interface Configured {
  readonly source: "metadata" | "adapter-config";
  readonly alpha: number;
  /** What up · down is multiplied by. */
  readonly scale: number;
}

interface Config {
  readonly source: Configured["source"];
  readonly alpha: number;
  readonly patterns: ReadonlyMap<string, number>;
  /** rsLoRA divides by the square root of the rank. */
  readonly rootOfRank: boolean;
}

/** diffusers keeps every component's configuration here as one JSON text (formats.md 1.6). */
const metadataKey = "lora_adapter_metadata";

/** Looks a module's alpha up; undefined where nothing is said of it. */
export function configuredAlpha(
  header: Header,
  adapterConfig: unknown,
): (path: string, rank: number) => Configured | undefined {
  const inside = fromMetadata(header);
  const beside = isRecord(adapterConfig) ? adapterConfig : undefined;
  const configs = new Map<Component, Config | undefined>();
  function configOf(component: Component): Config | undefined {
    if (!configs.has(component)) {
      configs.set(
        component,
        (inside && parseConfig(inside, `${component}.`, "metadata", header.name)) ??
          (beside &&
            (parseConfig(beside, "", "adapter-config", header.name) ??
              parseConfig(beside, `${component}.`, "adapter-config", header.name))),
      );
    }
    return configs.get(component);
  }
  return (path, rank) => {
    const { component, path: below } = componentOf(path);
    const config = configOf(component);
    if (!config) return undefined;
    const alpha = patternFor(config.patterns, below) ?? config.alpha;
    return {
      source: config.source,
      alpha,
      scale: alpha / (config.rootOfRank ? Math.sqrt(rank) : rank),
    };
  };
}

function fromMetadata(header: Header): Record<string, unknown> | undefined {
  const text = header.metadata.get(metadataKey);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value)) return value;
  } catch (cause) {
    throw malformed(header.name, metadataKey, "is not JSON", cause);
  }
  throw malformed(header.name, metadataKey, "is not an object");
}

function parseConfig(
  values: Record<string, unknown>,
  prefix: string,
  source: Config["source"],
  file: string,
): Config | undefined {
  const field = (name: string): string =>
    `${source === "metadata" ? metadataKey : "adapter_config.json"}: ${name}`;
  // LoHa's and LoKr's configurations call it alpha.
  const name = [`${prefix}lora_alpha`, `${prefix}alpha`].find((key) => values[key] != null);
  if (name === undefined) return undefined;
  const alpha = values[name];
  if (typeof alpha !== "number" || !Number.isFinite(alpha)) {
    throw malformed(file, field(name), `should be a number and is ${JSON.stringify(alpha)}`);
  }
  const patterns = new Map<string, number>();
  const stated = values[`${prefix}alpha_pattern`];
  if (stated != null) {
    const patternField = field(`${prefix}alpha_pattern`);
    if (!isRecord(stated)) throw malformed(file, patternField, "should be an object of numbers");
    for (const [pattern, value] of Object.entries(stated)) {
      if (typeof value !== "number" || !Number.isFinite(value)) {
        throw malformed(
          file,
          patternField,
          `should hold numbers and has ${JSON.stringify(value)} for ${pattern}`,
        );
      }
      // PEFT takes regular expressions. A file's own would run on this machine for as long as it likes.
      if (!/^[\w.]+$/.test(pattern)) {
        throw new FacetError(
          "unsupported",
          `${patternField} names modules by the expression ${pattern}; only plain module names are read. Save the adapter again with one entry per module.`,
          { path: file, field: patternField },
        );
      }
      patterns.set(pattern, value);
    }
  }
  return { source, alpha, patterns, rootOfRank: values[`${prefix}use_rslora`] === true };
}

/** PEFT's rule: the whole name, or its end behind a dot. */
function patternFor(patterns: ReadonlyMap<string, number>, path: string): number | undefined {
  if (patterns.size === 0) return undefined;
  for (let from = 0; from >= 0;) {
    const value = patterns.get(path.slice(from));
    if (value !== undefined) return value;
    const dot = path.indexOf(".", from);
    from = dot < 0 ? -1 : dot + 1;
  }
  return undefined;
}

function malformed(path: string, field: string, what: string, cause?: unknown): FacetError {
  return new FacetError("malformed", `${field} ${what}.`, { path, field, cause });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
