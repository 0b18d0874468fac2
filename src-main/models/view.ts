/** Rows as the contract shows them: models with what they still need, and VAEs. */
import { basename, dirname } from "node:path";
import type { ModelDescription } from "../../src-preload/contract/engine.ts";
import type { Model, Vae } from "../../src-preload/contract/models.ts";
import type { ModelRow } from "../library/model-rows.ts";
import { nameOf } from "../library/names.ts";

export type Need = Model["needs"][number];

/** What is missing before the model can make a picture, after what the user gave. */
export function needsOf(row: ModelRow, other: (id: string) => ModelRow | undefined): Need[] {
  const own = descriptionOf(row)?.needs ?? [];
  const from = row.textFrom === null ? null : descriptionOf(other(row.textFrom));
  return own.filter((need) => {
    if (need === "vae") return row.vae === null && from?.hasVae !== true;
    return from === null || from.needs.includes("text encoders");
  });
}

export function descriptionOf(row: ModelRow | undefined): ModelDescription | null {
  return row?.file?.kind === "model" ? row.file.description : null;
}

export function modelView(
  row: ModelRow,
  missing: boolean,
  other: (id: string) => ModelRow | undefined,
): Model {
  const { id, path, source, bytes, modifiedAt, vae, textFrom, sha256 } = row;
  const known = descriptionOf(row);
  return {
    id,
    name: modelName(path),
    path,
    kind: known?.kind ?? (isFile(path) ? "single-file" : "diffusers"),
    source,
    bytes,
    modifiedAt,
    family: known?.family ?? null,
    problem: problemOf(row, missing),
    missing,
    widths: known?.widths ?? "",
    prediction: known?.prediction ?? "epsilon",
    zeroTerminalSnr: known?.zeroTerminalSnr ?? false,
    dtypes: known?.dtypes ?? [],
    tensors: known?.tensors ?? 0,
    extras: known?.extras ?? [],
    extrasTotal: known?.extrasTotal ?? 0,
    needs: needsOf(row, other),
    vae,
    textFrom,
    licence: row.licence ?? known?.licence ?? null,
    sha256,
    factor: known?.factor ?? 8,
  };
}

function problemOf({ file, path }: ModelRow, missing: boolean): string | null {
  if (missing) {
    return `"${path}" is not there. Connect its disk, or forget it if it was moved or deleted.`;
  }
  return file?.kind === "refused" ? file.failure.message : null;
}

export function vaeView({ path, source }: ModelRow): Vae {
  return { path, name: nameOf(path), source };
}

/** A folder of the Hugging Face cache is named by a commit; the repository's name stands two folders up. */
function modelName(path: string): string {
  if (isFile(path)) return nameOf(path);
  const repository = /^models--(.+)$/.exec(basename(dirname(dirname(path))))?.[1];
  if (repository !== undefined && basename(dirname(path)) === "snapshots") {
    return repository.replaceAll("--", "/");
  }
  return basename(path);
}

/** By its ending, as the search has it: a model may be away when it is asked. Folders' names have dots as well. */
function isFile(path: string): boolean {
  return /\.(safetensors|sft|ckpt)$/i.test(path);
}
