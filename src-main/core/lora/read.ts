/** Reads a LoRA file of any dialect and kind into the canonical form, and says what was and was not understood. */
import { FacetError } from "../errors.ts";
import type { TensorEntry, TensorFile } from "../formats/source.ts";
import { configuredAlpha } from "./adapter-config.ts";
import type { Configured } from "./adapter-config.ts";
import { refuseNeedsBase } from "./convert/needs-base.ts";
import { readEmbedding } from "./embeddings.ts";
import type { Family, Lora, LoraModule } from "./lora.ts";
import { scanLora } from "./scan.ts";
import type { Scan, ScannedModule } from "./scan.ts";

export interface ReadOptions {
  /** Parsed `adapter_config.json` from beside a PEFT file. */
  readonly adapterConfig?: unknown;
  /** Rank for what is made into LoRA by SVD; its own dimension otherwise. */
  readonly rank?: number;
}

export interface ConvertedModule {
  readonly path: string;
  readonly adapter: string;
  readonly rank: number;
  /** Share of the squared norm that the rank keeps. */
  readonly kept: number;
}

/** Modules whose alpha was found in the same place. */
export interface AlphaSource {
  readonly source: "tensor" | Configured["source"] | "dialect" | "absent";
  readonly modules: number;
  /** Range of alpha; null where absent (scale 1). */
  readonly range: { readonly min: number; readonly max: number } | null;
}

export interface ReadReport {
  readonly dialect: string;
  readonly family: Family;
  readonly matched: number;
  readonly total: number;
  readonly unmatched: readonly string[];
  readonly adapters: readonly string[];
  /** Kinds that come to more than their matrices only with the base weight: `dora`. */
  readonly needsBase: readonly string[];
  readonly converted: readonly ConvertedModule[];
  readonly alphas: readonly AlphaSource[];
  /** Tokens. */
  readonly embeddings: readonly string[];
}

/** Throws a FacetError that names the tensor and the numbers for whatever cannot be read exactly. */
export function readLora(
  file: TensorFile,
  options: ReadOptions = {},
): { lora: Lora; report: ReadReport } {
  const scan = scanLora(file);
  refuseNeedsBase(file.name, scan.needsBase);
  const rank = checkedRank(options.rank, file.name);
  const alphas = new Alphas(file, scan, options.adapterConfig);
  const converted: ConvertedModule[] = [];
  const read = (entry: TensorEntry): Float32Array => finite(file, entry.name);
  const modules = scan.modules.map((scanned): LoraModule => {
    const { module, adapter, parts } = scanned;
    const result = adapter.convert(parts, read, Math.min(rank ?? scanned.rank, module.out));
    if (adapter.kind !== "lora") {
      converted.push({
        path: module.path,
        adapter: adapter.kind,
        rank: result.rank,
        kept: result.kept,
      });
    }
    const up = scaled(result.up, alphas.scaleOf(scanned));
    const own = { ...module, rank: result.rank, down: result.down, up };
    if (scanned.magnitude === undefined) return own;
    const { entry, axis } = scanned.magnitude;
    return { ...own, magnitude: { axis, values: read(entry) } };
  });
  const embeddings = scan.embeddings.map((entry) => {
    const { name, ...embedding } = entry;
    return readEmbedding(embedding, name, file.readFloat32(name), file.name);
  });
  return {
    lora: { family: scan.family, modules, embeddings },
    report: {
      dialect: scan.dialect.id,
      family: scan.family,
      matched: scan.matched,
      total: scan.total,
      unmatched: scan.unmatched,
      adapters: scan.adapters,
      needsBase: scan.modules.some(({ magnitude }) => magnitude) ? ["dora"] : [],
      converted,
      alphas: alphas.report(),
      embeddings: [...new Set(embeddings.map(({ token }) => token))],
    },
  };
}

function checkedRank(rank: number | undefined, path: string): number | undefined {
  if (rank === undefined || (Number.isInteger(rank) && rank > 0)) return rank;
  throw new FacetError(
    "invalid-argument",
    `The rank must be a whole number from 1 and is ${rank}.`,
    {
      path,
      field: "rank",
    },
  );
}

/** Where each module's scale comes from: the file, else PEFT's configuration, else the dialect, else 1. */
class Alphas {
  readonly #file: TensorFile;
  readonly #scan: Scan;
  readonly #configured: ReturnType<typeof configuredAlpha>;
  readonly #seen = new Map<AlphaSource["source"], number[]>();

  constructor(file: TensorFile, scan: Scan, adapterConfig: unknown) {
    this.#file = file;
    this.#scan = scan;
    this.#configured = configuredAlpha(file, adapterConfig);
  }

  scaleOf({ module, alpha, dimension, peft }: ScannedModule): number {
    if (dimension === undefined) return 1;
    if (alpha) {
      const [value] = finite(this.#file, alpha.name);
      if (value === undefined || alpha.shape.some((size) => size !== 1)) {
        throw new FacetError(
          "shape-mismatch",
          `${alpha.name} should be one number and is [${alpha.shape.join(", ")}].`,
          { path: this.#file.name, field: alpha.name },
        );
      }
      return this.#note("tensor", value, value / dimension);
    }
    const configured = peft ? this.#configured(module.path, dimension) : undefined;
    if (configured) return this.#note(configured.source, configured.alpha, configured.scale);
    const own = this.#scan.dialect.alpha;
    if (peft && own !== undefined) return this.#note("dialect", own, own / dimension);
    return this.#note("absent", Number.NaN, 1);
  }

  #note(source: AlphaSource["source"], alpha: number, factor: number): number {
    const alphas = this.#seen.get(source) ?? [];
    alphas.push(alpha);
    this.#seen.set(source, alphas);
    return factor;
  }

  report(): AlphaSource[] {
    return [...this.#seen].map(([source, alphas]) => ({
      source,
      modules: alphas.length,
      range: source === "absent" ? null : { min: Math.min(...alphas), max: Math.max(...alphas) },
    }));
  }
}

/** A new array: a file's values may be a view of memory that the file keeps. */
function scaled(values: Float32Array, factor: number): Float32Array {
  if (factor === 1) return values;
  const result = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = (values[i] as number) * factor;
  return result;
}

/** Values of a tensor, or `not-finite` with the first place that is not a number. */
function finite(file: TensorFile, name: string): Float32Array {
  const values = file.readFloat32(name);
  // A finite number minus itself is zero, anything else is NaN: one sum tells without a branch per number.
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    sum += value - value;
  }
  if (sum === 0) return values;
  const index = values.findIndex((value) => !Number.isFinite(value));
  throw new FacetError(
    "not-finite",
    `${name} holds ${values[index]} at index ${index} of ${values.length}: the training or the conversion that made it diverged.`,
    { path: file.name, field: name },
  );
}
