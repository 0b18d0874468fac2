/**
 * A second reader of exported files, written from the format reference alone: it knows the three dialects that are
 * written, multiplies the matrices out, and throws for any key that it cannot place. It imports nothing of the product
 * but types.
 */
import type { TensorFile } from "../../src-main/core/formats/source.ts";
import { allNames, kohyaNameOf } from "./naming.ts";
import type { FamilyName, NamedModule } from "./naming.ts";

export interface Independent {
  /** Delta of each weight at strength 1, `[out, in * kh * kw]`, by component and diffusers path. */
  readonly deltas: ReadonlyMap<string, Float64Array>;
  /** Shapes of the bundled embeddings by key. */
  readonly embeddings: ReadonlyMap<string, readonly number[]>;
}

export function readIndependently(
  file: TensorFile,
  family: FamilyName,
  dialect: "kohya-sgm" | "kohya-diffusers" | "peft",
): Independent {
  const left = new Set(file.tensors.keys());
  const deltas = new Map<string, Float64Array>();
  for (const module of allNames(family)) {
    const [down, up, alpha] = keysOf(module, family, dialect);
    if (!left.has(down)) continue;
    deltas.set(`${module.component}.${module.diffusers}`, delta(file, module, down, up, alpha));
    for (const key of [down, up, ...(alpha === undefined ? [] : [alpha])]) left.delete(key);
  }
  const embeddings = new Map<string, readonly number[]>();
  for (const key of left) {
    if (!key.startsWith("bundle_emb.") || dialect === "peft") continue;
    embeddings.set(key, file.tensors.get(key)?.shape ?? []);
    left.delete(key);
  }
  if (left.size > 0)
    throw new Error(`${left.size} keys are not understood: ${[...left].slice(0, 3).join(", ")}`);
  return { deltas, embeddings };
}

function keysOf(
  module: NamedModule,
  family: FamilyName,
  dialect: string,
): [string, string, string?] {
  if (dialect === "peft") {
    const name = `${module.component}.${module.diffusers}`;
    return [`${name}.lora_A.weight`, `${name}.lora_B.weight`];
  }
  const name = kohyaNameOf(module, family, dialect === "kohya-sgm" ? "sgm" : "diffusers");
  return [`${name}.lora_down.weight`, `${name}.lora_up.weight`, `${name}.alpha`];
}

function delta(
  file: TensorFile,
  module: NamedModule,
  downKey: string,
  upKey: string,
  alphaKey: string | undefined,
): Float64Array {
  const downShape = file.tensors.get(downKey)?.shape ?? [];
  const upShape = file.tensors.get(upKey)?.shape;
  const rank = downShape[0] ?? 0;
  expectShape(
    downKey,
    downShape,
    module.conv ? [rank, module.in, module.kernel, module.kernel] : [rank, module.in],
  );
  expectShape(upKey, upShape ?? [], module.conv ? [module.out, rank, 1, 1] : [module.out, rank]);
  const down = file.readFloat32(downKey);
  const up = file.readFloat32(upKey);
  const width = down.length / rank;
  // An absent alpha means scale 1.
  let scale = 1;
  if (alphaKey !== undefined) {
    expectShape(alphaKey, file.tensors.get(alphaKey)?.shape ?? [-1], []);
    scale = (file.readFloat32(alphaKey)[0] ?? Number.NaN) / rank;
  }
  const result = new Float64Array(module.out * width);
  for (let o = 0; o < module.out; o++) {
    for (let r = 0; r < rank; r++) {
      const weight = scale * (up[o * rank + r] ?? Number.NaN);
      for (let i = 0; i < width; i++) {
        result[o * width + i] =
          (result[o * width + i] ?? 0) + weight * (down[r * width + i] ?? Number.NaN);
      }
    }
  }
  return result;
}

function expectShape(key: string, found: readonly number[], expected: readonly number[]): void {
  if (found.length === expected.length && found.every((size, axis) => size === expected[axis]))
    return;
  throw new Error(`${key} is [${found.join(", ")}] and should be [${expected.join(", ")}]`);
}
