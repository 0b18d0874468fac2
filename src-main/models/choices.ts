/** What a user may give a model: a VAE, and another model's text encoders. Refused in words where it cannot fit. */
import { FacetError } from "../core/errors.ts";
import type { ModelRow } from "../library/model-rows.ts";
import { describe, type ModelEngine } from "./look.ts";
import type { Candidate } from "./walk.ts";
import { descriptionOf } from "./view.ts";

/** Throws where the file is no VAE. A whole model's VAE comes with its text encoders: no other tool could load it alone. */
export async function checkVae(
  engine: ModelEngine,
  vae: Candidate,
  signal: AbortSignal,
): Promise<void> {
  const file = await describe(engine, vae, signal);
  const place = { path: vae.path, field: "vae" };
  switch (file.kind) {
    case "vae":
      return;
    case "model":
    case "other": {
      const what = file.kind === "model" ? "a whole model" : file.what;
      const message = `"${vae.path}" is ${what}, not a VAE. Choose a VAE file.`;
      throw new FacetError("invalid-argument", message, place);
    }
    case "refused":
      throw new FacetError("invalid-argument", file.failure.message, place);
  }
}

/** Throws where the other model has no text encoders that this one could read. */
export function checkTextFrom(row: ModelRow, other: ModelRow): void {
  const [known, from] = [descriptionOf(row), descriptionOf(other)];
  const place = { path: other.path, field: "textFrom" };
  if (row.id === other.id || from === null || from.needs.includes("text encoders")) {
    const message = `"${other.path}" has no text encoders to use. Choose a whole checkpoint or a diffusers folder.`;
    throw new FacetError("invalid-argument", message, place);
  }
  if (known !== null && known.family !== from.family) {
    throw new FacetError(
      "invalid-argument",
      `"${other.path}" is ${from.family}, the model is ${known.family}: its text encoders do not fit.`,
      place,
    );
  }
}
