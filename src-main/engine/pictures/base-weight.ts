/** A weight of a model as numbers, read from its file: what DoRA measures itself by. */
import type { Checkpoint } from "../../core/checkpoint/checkpoint.ts";
import { assert } from "../../core/errors.ts";
import { componentOf } from "../../core/lora/architecture/names.ts";
import { toFloat32 } from "../../core/tensor/convert.ts";
import { openFileSource } from "../../files/source.ts";

/** `path` of a LoRA's module; [out, in * kh * kw]. */
export function readWeight({ components, path: file }: Checkpoint, path: string): Float32Array {
  const { component, path: module } = componentOf(path);
  const stored = components.get(component)?.get(`${module}.weight`);
  assert(stored, `${file} has no ${path}`);
  using source = openFileSource(stored.path);
  const values = toFloat32(source.read(stored.offset, stored.length), stored.dtype);
  return stored.transposed ? transposed(values, stored.shape) : values;
}

/** From [in, out], as it lies there, to [out, in]. */
function transposed(values: Float32Array, [out = 0, inputs = 0]: readonly number[]): Float32Array {
  const result = new Float32Array(values.length);
  for (let row = 0; row < inputs; row++)
    for (let column = 0; column < out; column++)
      result[column * inputs + row] = values[row * out + column] ?? 0;
  return result;
}
