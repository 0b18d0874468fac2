/**
 * Writes test/fixtures/lora: for each dialect the names and shapes of one file, with the module that each tensor
 * belongs to. Names come from naming.ts, never from the product. Run: node test/support/make-lora-fixtures.ts
 */
import { readFileSync, writeFileSync } from "node:fs";
import { argv } from "node:process";
import {
  allNames,
  kohyaNameOf,
  positionalText,
  positionalUnet,
  textNames,
  unetNames,
} from "./naming.ts";
import type { FamilyName, NamedModule } from "./naming.ts";

/** `[module path, ...shape]`; the path is empty for a tensor that belongs to none. */
type Row = [string, ...number[]];

const folder = new URL("../fixtures/lora/", import.meta.url);

function path(module: NamedModule): string {
  return `${module.component}.${module.diffusers}`;
}

function shapes(module: NamedModule, rank: number): { down: number[]; up: number[] } {
  return module.conv
    ? { down: [rank, module.in, module.kernel, module.kernel], up: [module.out, rank, 1, 1] }
    : { down: [rank, module.in], up: [module.out, rank] };
}

function pairs(
  modules: readonly NamedModule[],
  rank: number,
  keys: (module: NamedModule) => { down: string; up: string; alpha?: string },
): Record<string, Row> {
  const tensors: Record<string, Row> = {};
  for (const module of modules) {
    const { down, up, alpha } = keys(module);
    const size = shapes(module, rank);
    if (alpha !== undefined) tensors[alpha] = [path(module)];
    tensors[down] = [path(module), ...size.down];
    tensors[up] = [path(module), ...size.up];
  }
  return tensors;
}

function kohya(family: FamilyName, spelling: "sgm" | "diffusers") {
  return (module: NamedModule) => {
    const name = kohyaNameOf(module, family, spelling);
    return {
      down: `${name}.lora_down.weight`,
      up: `${name}.lora_up.weight`,
      alpha: `${name}.alpha`,
    };
  };
}

function write(
  file: string,
  dialect: string,
  family: FamilyName,
  tensors: Record<string, Row>,
  metadata: Record<string, string> = {},
): void {
  const lines = Object.entries(tensors).map(
    ([key, row]) => `  ${JSON.stringify(key)}: ${JSON.stringify(row)}`,
  );
  const text = `{"dialect": ${JSON.stringify(dialect)}, "family": ${JSON.stringify(family)}, "metadata": ${JSON.stringify(metadata)}, "tensors": {\n${lines.join(",\n")}\n}}\n`;
  writeFileSync(new URL(`${file}.json`, folder), text);
}

const attention = (module: NamedModule): boolean => /\.attn[12]\./.test(module.diffusers);
const queryValue = (module: NamedModule): boolean => /\.attn[12]\.to_[qv]$/.test(module.diffusers);
const textAttention = (module: NamedModule): boolean => module.diffusers.includes(".self_attn.");

write("kohya-sgm-sdxl", "kohya-sgm", "sdxl", pairs(allNames("sdxl"), 4, kohya("sdxl", "sgm")), {
  ss_base_model_version: "sdxl_base_v1-0",
});
write(
  "kohya-diffusers-sdxl",
  "kohya-diffusers",
  "sdxl",
  pairs(
    [...unetNames("sdxl").filter(queryValue), ...textNames("text_encoder_2")],
    8,
    kohya("sdxl", "diffusers"),
  ),
);
write(
  "kohya-diffusers-sd15",
  "kohya-diffusers",
  "sd15",
  pairs(allNames("sd15"), 4, kohya("sd15", "diffusers")),
);
write("kohya-sgm-sd15", "kohya-sgm", "sd15", pairs(unetNames("sd15"), 2, kohya("sd15", "sgm")));

const peftKeys = (module: NamedModule) => ({
  down: `${path(module)}.lora_A.weight`,
  up: `${path(module)}.lora_B.weight`,
});
write(
  "peft-sdxl",
  "peft",
  "sdxl",
  pairs(
    allNames("sdxl").filter((m) => attention(m) || textAttention(m)),
    4,
    peftKeys,
  ),
);
write("peft-sd15", "peft", "sd15", pairs(allNames("sd15"), 4, peftKeys));

write(
  "peft-raw-sd15",
  "peft-raw",
  "sd15",
  pairs(unetNames("sd15").filter(attention), 4, (module) => ({
    down: `base_model.model.${module.diffusers}.lora_A.default.weight`,
    up: `base_model.model.${module.diffusers}.lora_B.default.weight`,
  })),
);
write(
  "weights2weights",
  "weights2weights",
  "sd15",
  pairs(unetNames("sd15").filter(queryValue), 1, (module) => ({
    down: `base_model.model.${module.diffusers}.lora_A.identity1.weight`,
    up: `base_model.model.${module.diffusers}.lora_B.identity1.weight`,
  })),
);

write("diffusers-legacy-sdxl", "diffusers-legacy", "sdxl", {
  ...pairs(unetNames("sdxl").filter(queryValue), 4, (module) => ({
    down: `unet.${module.diffusers}.lora.down.weight`,
    up: `unet.${module.diffusers}.lora.up.weight`,
  })),
  ...pairs(
    [...textNames("text_encoder"), ...textNames("text_encoder_2")].filter(textAttention),
    4,
    (module) => ({
      down: `${path(module)}.lora_linear_layer.down.weight`,
      up: `${path(module)}.lora_linear_layer.up.weight`,
    }),
  ),
});
write(
  "diffusers-processor-sd15",
  "diffusers-processor",
  "sd15",
  pairs(unetNames("sd15").filter(attention), 4, (module) => {
    const [block = "", matrix = ""] = module.diffusers
      .replace(".to_out.0", ".to_out")
      .split(/\.(?=to_)/);
    return {
      down: `unet.${block}.processor.${matrix}_lora.down.weight`,
      up: `unet.${block}.processor.${matrix}_lora.up.weight`,
    };
  }),
);

write("comfy-sdxl", "comfy", "sdxl", {
  ...pairs(unetNames("sdxl").filter(queryValue), 4, (module) => ({
    down: `diffusion_model.${module.ldm}.lora_A.weight`,
    up: `diffusion_model.${module.ldm}.lora_B.weight`,
  })),
  ...pairs(textNames("text_encoder").filter(textAttention), 4, (module) => ({
    down: `text_encoders.clip_l.transformer.${module.diffusers}.lora_A.weight`,
    up: `text_encoders.clip_l.transformer.${module.diffusers}.lora_B.weight`,
  })),
});

const lokr: Record<string, Row> = {};
for (const module of unetNames("sd15").filter(attention)) {
  const name = `lycoris_${module.diffusers.split(".").join("_")}`;
  lokr[`${name}.alpha`] = [path(module)];
  lokr[`${name}.lokr_w1`] = [path(module), 8, 8];
  lokr[`${name}.lokr_w2`] = [path(module), module.out / 8, module.in / 8];
}
write("lycoris-lokr-sd15", "lycoris", "sd15", lokr);

const loha: Record<string, Row> = {};
for (const module of unetNames("sd15").filter(attention)) {
  const name = kohyaNameOf(module, "sd15", "diffusers");
  loha[`${name}.alpha`] = [path(module)];
  for (const side of ["w1", "w2"]) {
    loha[`${name}.hada_${side}_a`] = [path(module), module.out, 4];
    loha[`${name}.hada_${side}_b`] = [path(module), 4, module.in];
  }
}
write("kohya-loha-sd15", "kohya-diffusers", "sd15", loha);

const [, , sample] = argv;
if (sample !== undefined) writeCloneofsimo(sample);

/** Names, shapes and metadata of a real file, e.g. `lora_disney.safetensors`; modules by the positional rules. */
function writeCloneofsimo(file: string): void {
  const bytes = readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8")) as Record<
    string,
    Record<string, string> & { shape: number[] }
  >;
  const unet = positionalUnet();
  const text = positionalText();
  const tensors: Record<string, Row> = {};
  let metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(header)) {
    if (key === "__metadata__") {
      metadata = value;
      continue;
    }
    const [part, index] = key.split(":");
    const module =
      part === "unet"
        ? `unet.${unet[Number(index)]?.diffusers}`
        : part === "text_encoder"
          ? `text_encoder.${text[Number(index)]}`
          : "";
    tensors[key] = [module, ...value.shape];
  }
  write("cloneofsimo", "cloneofsimo", "sd15", tensors, metadata);
}
