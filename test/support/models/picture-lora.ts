/** The LoRA of the reference pictures, the same here and in test/fixtures/pictures: small beside the tiny models' weights. */
import { writeLoraFile } from "../../../src-main/export/writer.ts";
import type { Lora } from "../../../src-main/core/lora/lora.ts";
import { seededRandom } from "../../../src-main/core/tensor/random.ts";
import { readTensorFile, writeTensorFile } from "../safetensors.ts";
import { tinyLora } from "../random-lora.ts";

const share = 0.1;

function pictureLora(family: "sdxl" | "sd15"): Lora {
  const lora = tinyLora(family, 20_261_121, {
    where: ({ path }) => /attn|ff\.|resnets\.\d\.conv|proj_in|text_model/.test(path),
  });
  const modules = lora.modules.map((module) => ({
    ...module,
    up: module.up.map((value) => value * share),
  }));
  return { ...lora, modules };
}

export function writePictureLora(path: string, family: "sdxl" | "sd15", dialect: "kohya" | "peft") {
  const file = { dtype: "f32", metadata: {}, overwrite: true } as const;
  writeLoraFile({ ...file, lora: pictureLora(family), to: path, dialect });
}

/** The same as a DoRA: kohya's names with a magnitude for each row, about that of the tiny models' rows. */
export function writePictureDora(path: string, family: "sdxl" | "sd15"): void {
  writePictureLora(path, family, "kohya");
  const { tensors, metadata } = readTensorFile(path);
  const random = seededRandom(1);
  const all = new Map<string, { shape: readonly number[]; values: Float32Array }>(tensors);
  for (const [name, { shape }] of tensors) {
    if (!name.endsWith(".lora_up.weight")) continue;
    const [out = 0, , ...kernel] = shape;
    all.set(name.replace("lora_up.weight", "dora_scale"), {
      shape: [out, 1, ...kernel],
      values: Float32Array.from({ length: out }, () => 1 + 0.1 * random.normal()),
    });
  }
  writeTensorFile(path, Object.fromEntries(all), metadata);
}
