/** Parameters as byte ranges: each is found, checked and located before anything runs. */
import { isFloatDType } from "../tensor/convert.ts";
import type { StoredWeight, StoredWeights } from "./checkpoint.ts";
import { fileShape, find, type Found, nameInFile, type Place, seenShape } from "./place.ts";
import { refuse, refuseMisshapen, refuseMissing } from "./problems.ts";
import type { Required } from "./required.ts";

/** Adds the names of the tensors that are read to `used`. */
export function collect(place: Place, required: Required, used: Set<string>): StoredWeights {
  const weights = new Map<string, StoredWeight>();
  const missing: string[] = [];
  for (const [parameter, shape] of required) {
    const found = find(place, parameter);
    if (found === undefined) {
      missing.push(parameter);
      continue;
    }
    used.add(found.tensor.name);
    weights.set(parameter, stored(found, shape));
  }
  const [first, ...others] = missing;
  if (first !== undefined) {
    const shape = required.get(first) ?? [];
    const [spelling] = place.naming(first);
    refuseMissing(
      place.part.path,
      nameInFile(place, first),
      spelling ? fileShape(spelling, shape) : shape,
      others.length,
    );
  }
  return weights;
}

function stored(found: Found, shape: readonly number[]): StoredWeight {
  const { tensor, spelling } = found;
  const { path, name, dtype } = tensor;
  if (withoutOnes(seenShape(found)) !== withoutOnes(shape))
    refuseMisshapen(path, name, fileShape(spelling, shape), tensor.shape);
  if (!isFloatDType(dtype)) refuseDType(path, name, dtype);
  const length = spelling.third === undefined ? tensor.length : tensor.length / 3;
  return {
    path,
    tensor: name,
    dtype,
    shape,
    offset: tensor.offset + (spelling.third ?? 0) * length,
    length,
    transposed: spelling.transposed ?? false,
  };
}

/** A Linear and a 1x1 convolution hold the same numbers: [c, c] and [c, c, 1, 1]. */
function withoutOnes(shape: readonly number[]): string {
  const end = shape.findLastIndex((size) => size !== 1);
  return shape.slice(0, end + 1).join();
}

function refuseDType(path: string, tensor: string, dtype: string): never {
  const float8 = dtype.startsWith("F8");
  const what = float8 ? "8-bit floats" : dtype === "F64" ? "64-bit floats" : "integers (quantised)";
  refuse(
    path,
    `stores its weights as ${what}: "${tensor}" is ${dtype}, and Facet runs models in F16, BF16 and F32. ` +
      (float8 || dtype === "F64"
        ? "Choose the fp16 file of this model, or load this one in ComfyUI and save it as fp16."
        : "Choose the fp16 file of this model."),
    tensor,
  );
}
