/** The sentences in which checkpoints are refused. */
import { FacetError } from "../errors.ts";

export function refuse(path: string, message: string, field?: string): never {
  throw new FacetError("unsupported", `"${path}" ${message}`, { path, field });
}

/** `others`: how many more are missing. */
export function refuseMissing(
  path: string,
  tensor: string,
  shape: readonly number[] | undefined,
  others: number,
): never {
  const expected = shape === undefined ? "" : ` (expected [${shape.join(", ")}], found nothing)`;
  const more = others === 0 ? "" : ` and ${others} more of its tensors`;
  throw new FacetError(
    "malformed",
    `"${path}" lacks the tensor "${tensor}"${expected}${more}. ` +
      "The model is damaged or was saved without them: copy or download it again.",
    { path, field: tensor },
  );
}

export function refuseMisshapen(
  path: string,
  tensor: string,
  expected: readonly number[],
  found: readonly number[],
): never {
  throw new FacetError(
    "shape-mismatch",
    `"${path}": the tensor "${tensor}" has the shape [${found.join(", ")}], expected ` +
      `[${expected.join(", ")}] by the shapes of the others. The model is damaged or of a kind that Facet does not ` +
      "know: copy or download it again, or choose another.",
    { path, field: tensor },
  );
}
