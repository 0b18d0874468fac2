/** Opened spaces by path: read once, used by every slider move. */
import { z } from "zod";
import { Family, Form } from "../../../src-preload/contract/common.ts";
import { FacetError } from "../../core/errors.ts";
import { openTensorFile } from "../../core/formats/open.ts";
import type { Products } from "../../core/linalg/products.ts";
import { openSpaceFile } from "../../core/spaces/space-file.ts";
import type { LatentSpace, SpaceRecord } from "../../core/spaces/space.ts";
import { openFileSource } from "../../files/source.ts";

const Record = z.object({
  version: z.literal(1),
  kind: z.literal("pca"),
  form: Form,
  family: Family,
  rank: z.int().min(1),
  layout: z.object({
    version: z.literal(1),
    family: Family,
    rank: z.int().min(1),
    dimension: z.int().min(1),
    modules: z.array(
      z.object({
        path: z.string(),
        out: z.int().min(1),
        in: z.int().min(1),
        kernel: z.tuple([z.int().min(1), z.int().min(1)]),
        conv: z.boolean(),
        offset: z.int().min(0),
      }),
    ),
  }),
  dimension: z.int(),
  components: z.int().min(0),
  members: z.array(z.string()),
  explained: z.array(z.number()),
  sigma: z.array(z.number()),
  retained: z.number(),
  componentsKept: z.array(z.number()),
  standardised: z.boolean(),
  suitability: z.array(z.object({ form: Form, kept: z.number() })),
});

/** Spaces kept open: the one under the sliders, and one that a blend or a comparison uses meanwhile. */
const kept = 2;

export class OpenSpaces {
  readonly #open = new Map<string, { space: LatentSpace; close: () => void }>();
  readonly #products: Products;

  constructor(products: Products) {
    this.#products = products;
  }

  get(path: string): LatentSpace {
    const known = this.#open.get(path);
    if (known !== undefined) {
      // Last used stands last.
      this.#open.delete(path);
      this.#open.set(path, known);
      return known.space;
    }
    const source = openFileSource(path);
    try {
      const parse = (json: unknown): SpaceRecord => parseRecord(json, path);
      const space = openSpaceFile(openTensorFile(source), parse, this.#products);
      this.#open.set(path, { space, close: () => source[Symbol.dispose]() });
      for (const [oldest, entry] of this.#open) {
        if (this.#open.size <= kept) break;
        entry.close();
        this.#open.delete(oldest);
      }
      return space;
    } catch (error) {
      source[Symbol.dispose]();
      throw error;
    }
  }
}

function parseRecord(json: unknown, path: string): SpaceRecord {
  const version = z.object({ version: z.number() }).safeParse(json);
  if (version.success && version.data.version > 1) {
    throw new FacetError(
      "newer-version",
      `${path} was made by a newer Facet (space version ${String(version.data.version)}; this one reads 1). Update Facet to use it.`,
      { path, field: "version" },
    );
  }
  const record = Record.safeParse(json);
  if (record.success) return record.data;
  throw new FacetError(
    "malformed",
    `${path} is no readable space: ${z.prettifyError(record.error)}`,
    {
      path,
      cause: record.error,
    },
  );
}
