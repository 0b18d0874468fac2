/** The LoRA of the reference pictures, the same here and in test/fixtures/pictures: small beside the tiny models' weights. */
import { writeLoraFile } from "../../../src-main/export/writer.ts";
import type { Lora } from "../../../src-main/core/lora/lora.ts";
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
