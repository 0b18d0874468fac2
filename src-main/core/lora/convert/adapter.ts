/** What a kind of adapter is: which tensors it needs of which shape, and how it becomes a LoRA's two matrices. */
import { FacetError } from "../../errors.ts";
import type { TensorEntry } from "../../formats/source.ts";
import type { Role } from "../dialects/dialect.ts";
import type { ModuleShape } from "../lora.ts";

export type AdapterKind = "lora" | "tucker" | "loha" | "lokr" | "full";

/** Rank of what is made from an adapter that has none of its own. */
export const unsizedRank = 32;

export interface Checked {
  /** Rank of the LoRA that it is, or is made into unless another is asked for. */
  readonly rank: number;
  /** Alpha is divided by this; undefined where the kind takes no alpha. */
  readonly dimension: number | undefined;
}

/** Before alpha. */
export interface Converted {
  readonly rank: number;
  /** `[out, rank]`. */
  readonly up: Float32Array;
  /** `[rank, in * kh * kw]`. */
  readonly down: Float32Array;
  /** Share of the squared Frobenius norm that is left; 1 where nothing was cut. */
  readonly kept: number;
}

export interface Adapter {
  readonly kind: AdapterKind;
  readonly matrices: ReadonlySet<Role>;
  /** Throws `malformed` for a missing tensor and `shape-mismatch` for one that does not fit. */
  check(parts: Parts): Checked;
  convert(parts: Parts, read: (entry: TensorEntry) => Float32Array, rank: number): Converted;
}

/** The tensors of one module of one file. */
export class Parts {
  readonly file: string;
  readonly module: ModuleShape;
  readonly #entries: ReadonlyMap<Role, TensorEntry>;

  constructor(file: string, module: ModuleShape, entries: ReadonlyMap<Role, TensorEntry>) {
    this.file = file;
    this.module = module;
    this.#entries = entries;
  }

  find(role: Role): TensorEntry | undefined {
    return this.#entries.get(role);
  }

  need(role: Role): TensorEntry {
    const entry = this.#entries.get(role);
    if (entry) return entry;
    const present = [...this.#entries.values()].map((other) => other.name);
    throw new FacetError(
      "malformed",
      `${this.module.path} has ${present.join(", ")} but no ${role} matrix. The file is incomplete: fetch or export it again.`,
      { path: this.file, field: present[0] },
    );
  }

  /** Two-dimensional size of a tensor, its trailing dimensions taken together. */
  matrix(entry: TensorEntry): { rows: number; columns: number } {
    const { shape } = entry;
    const rows = shape[0];
    let columns = 1;
    for (let axis = 1; axis < shape.length; axis++) columns *= shape[axis] as number;
    if (rows === undefined || shape.length < 2 || rows === 0 || columns === 0) {
      this.mismatch(entry, "a matrix");
    }
    return { rows, columns };
  }

  mismatch(entry: TensorEntry, expected: string): never {
    throw new FacetError(
      "shape-mismatch",
      `${entry.name} should be ${expected} for ${this.module.path} and is [${entry.shape.join(", ")}].`,
      { path: this.file, field: entry.name },
    );
  }
}
