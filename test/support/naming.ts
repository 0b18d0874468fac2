/**
 * The modules of SDXL and SD1.5 with both their names, written out a second time: a plain transcription of the tables
 * of the format reference, which shares no line with the product's own tables. Fixtures and the independent reader
 * are made from it.
 */

export interface NamedModule {
  readonly component: "unet" | "text_encoder" | "text_encoder_2";
  readonly diffusers: string;
  readonly ldm: string;
  readonly out: number;
  readonly in: number;
  /** 1 or 3. */
  readonly kernel: number;
  readonly conv: boolean;
}

/** ldm path, diffusers path, what stands there: resnet in out | attention channels depth | conv in out | linear in out. */
const sdxlTable = `
time_embed.0       time_embedding.linear_1          linear 320 1280
time_embed.2       time_embedding.linear_2          linear 1280 1280
label_emb.0.0      add_embedding.linear_1           linear 2816 1280
label_emb.0.2      add_embedding.linear_2           linear 1280 1280
input_blocks.0.0   conv_in                          conv 4 320
input_blocks.1.0   down_blocks.0.resnets.0          resnet 320 320
input_blocks.2.0   down_blocks.0.resnets.1          resnet 320 320
input_blocks.3.0.op down_blocks.0.downsamplers.0.conv conv 320 320
input_blocks.4.0   down_blocks.1.resnets.0          resnet 320 640
input_blocks.4.1   down_blocks.1.attentions.0       attention 640 2
input_blocks.5.0   down_blocks.1.resnets.1          resnet 640 640
input_blocks.5.1   down_blocks.1.attentions.1       attention 640 2
input_blocks.6.0.op down_blocks.1.downsamplers.0.conv conv 640 640
input_blocks.7.0   down_blocks.2.resnets.0          resnet 640 1280
input_blocks.7.1   down_blocks.2.attentions.0       attention 1280 10
input_blocks.8.0   down_blocks.2.resnets.1          resnet 1280 1280
input_blocks.8.1   down_blocks.2.attentions.1       attention 1280 10
middle_block.0     mid_block.resnets.0              resnet 1280 1280
middle_block.1     mid_block.attentions.0           attention 1280 10
middle_block.2     mid_block.resnets.1              resnet 1280 1280
output_blocks.0.0  up_blocks.0.resnets.0            resnet 2560 1280
output_blocks.0.1  up_blocks.0.attentions.0         attention 1280 10
output_blocks.1.0  up_blocks.0.resnets.1            resnet 2560 1280
output_blocks.1.1  up_blocks.0.attentions.1         attention 1280 10
output_blocks.2.0  up_blocks.0.resnets.2            resnet 1920 1280
output_blocks.2.1  up_blocks.0.attentions.2         attention 1280 10
output_blocks.2.2.conv up_blocks.0.upsamplers.0.conv conv 1280 1280
output_blocks.3.0  up_blocks.1.resnets.0            resnet 1920 640
output_blocks.3.1  up_blocks.1.attentions.0         attention 640 2
output_blocks.4.0  up_blocks.1.resnets.1            resnet 1280 640
output_blocks.4.1  up_blocks.1.attentions.1         attention 640 2
output_blocks.5.0  up_blocks.1.resnets.2            resnet 960 640
output_blocks.5.1  up_blocks.1.attentions.2         attention 640 2
output_blocks.5.2.conv up_blocks.1.upsamplers.0.conv conv 640 640
output_blocks.6.0  up_blocks.2.resnets.0            resnet 960 320
output_blocks.7.0  up_blocks.2.resnets.1            resnet 640 320
output_blocks.8.0  up_blocks.2.resnets.2            resnet 640 320
out.2              conv_out                         conv 320 4
`;

const sd15Table = `
time_embed.0       time_embedding.linear_1          linear 320 1280
time_embed.2       time_embedding.linear_2          linear 1280 1280
input_blocks.0.0   conv_in                          conv 4 320
input_blocks.1.0   down_blocks.0.resnets.0          resnet 320 320
input_blocks.1.1   down_blocks.0.attentions.0       attention 320 1
input_blocks.2.0   down_blocks.0.resnets.1          resnet 320 320
input_blocks.2.1   down_blocks.0.attentions.1       attention 320 1
input_blocks.3.0.op down_blocks.0.downsamplers.0.conv conv 320 320
input_blocks.4.0   down_blocks.1.resnets.0          resnet 320 640
input_blocks.4.1   down_blocks.1.attentions.0       attention 640 1
input_blocks.5.0   down_blocks.1.resnets.1          resnet 640 640
input_blocks.5.1   down_blocks.1.attentions.1       attention 640 1
input_blocks.6.0.op down_blocks.1.downsamplers.0.conv conv 640 640
input_blocks.7.0   down_blocks.2.resnets.0          resnet 640 1280
input_blocks.7.1   down_blocks.2.attentions.0       attention 1280 1
input_blocks.8.0   down_blocks.2.resnets.1          resnet 1280 1280
input_blocks.8.1   down_blocks.2.attentions.1       attention 1280 1
input_blocks.9.0.op down_blocks.2.downsamplers.0.conv conv 1280 1280
input_blocks.10.0  down_blocks.3.resnets.0          resnet 1280 1280
input_blocks.11.0  down_blocks.3.resnets.1          resnet 1280 1280
middle_block.0     mid_block.resnets.0              resnet 1280 1280
middle_block.1     mid_block.attentions.0           attention 1280 1
middle_block.2     mid_block.resnets.1              resnet 1280 1280
output_blocks.0.0  up_blocks.0.resnets.0            resnet 2560 1280
output_blocks.1.0  up_blocks.0.resnets.1            resnet 2560 1280
output_blocks.2.0  up_blocks.0.resnets.2            resnet 2560 1280
output_blocks.2.1.conv up_blocks.0.upsamplers.0.conv conv 1280 1280
output_blocks.3.0  up_blocks.1.resnets.0            resnet 2560 1280
output_blocks.3.1  up_blocks.1.attentions.0         attention 1280 1
output_blocks.4.0  up_blocks.1.resnets.1            resnet 2560 1280
output_blocks.4.1  up_blocks.1.attentions.1         attention 1280 1
output_blocks.5.0  up_blocks.1.resnets.2            resnet 1920 1280
output_blocks.5.1  up_blocks.1.attentions.2         attention 1280 1
output_blocks.5.2.conv up_blocks.1.upsamplers.0.conv conv 1280 1280
output_blocks.6.0  up_blocks.2.resnets.0            resnet 1920 640
output_blocks.6.1  up_blocks.2.attentions.0         attention 640 1
output_blocks.7.0  up_blocks.2.resnets.1            resnet 1280 640
output_blocks.7.1  up_blocks.2.attentions.1         attention 640 1
output_blocks.8.0  up_blocks.2.resnets.2            resnet 960 640
output_blocks.8.1  up_blocks.2.attentions.2         attention 640 1
output_blocks.8.2.conv up_blocks.2.upsamplers.0.conv conv 640 640
output_blocks.9.0  up_blocks.3.resnets.0            resnet 960 320
output_blocks.9.1  up_blocks.3.attentions.0         attention 320 1
output_blocks.10.0 up_blocks.3.resnets.1            resnet 640 320
output_blocks.10.1 up_blocks.3.attentions.1         attention 320 1
output_blocks.11.0 up_blocks.3.resnets.2            resnet 640 320
output_blocks.11.1 up_blocks.3.attentions.2         attention 320 1
out.2              conv_out                         conv 320 4
`;

export type FamilyName = "sdxl" | "sd15";

export function unetNames(family: FamilyName): NamedModule[] {
  const table = family === "sdxl" ? sdxlTable : sd15Table;
  const context = family === "sdxl" ? 2048 : 768;
  const modules: NamedModule[] = [];
  const add = (
    ldm: string,
    diffusers: string,
    input: number,
    out: number,
    kernel: number,
    conv: boolean,
  ) => modules.push({ component: "unet", ldm, diffusers, in: input, out, kernel, conv });
  for (const line of table.trim().split("\n")) {
    const [ldm = "", diffusers = "", kind, first, second] = line.trim().split(/\s+/);
    const [a, b] = [Number(first), Number(second)];
    if (kind === "linear") add(ldm, diffusers, a, b, 1, false);
    if (kind === "conv") add(ldm, diffusers, a, b, 3, true);
    if (kind === "resnet") {
      add(`${ldm}.in_layers.2`, `${diffusers}.conv1`, a, b, 3, true);
      add(`${ldm}.emb_layers.1`, `${diffusers}.time_emb_proj`, 1280, b, 1, false);
      add(`${ldm}.out_layers.3`, `${diffusers}.conv2`, b, b, 3, true);
      if (a !== b) add(`${ldm}.skip_connection`, `${diffusers}.conv_shortcut`, a, b, 1, true);
    }
    if (kind === "attention") {
      const both = (name: string, input: number, out: number, conv = false) =>
        add(`${ldm}.${name}`, `${diffusers}.${name}`, input, out, 1, conv);
      both("proj_in", a, a, family === "sd15");
      for (let t = 0; t < b; t++) {
        const block = `transformer_blocks.${t}`;
        both(`${block}.attn1.to_q`, a, a);
        both(`${block}.attn1.to_k`, a, a);
        both(`${block}.attn1.to_v`, a, a);
        both(`${block}.attn1.to_out.0`, a, a);
        both(`${block}.attn2.to_q`, a, a);
        both(`${block}.attn2.to_k`, context, a);
        both(`${block}.attn2.to_v`, context, a);
        both(`${block}.attn2.to_out.0`, a, a);
        both(`${block}.ff.net.0.proj`, a, a * 8);
        both(`${block}.ff.net.2`, a * 4, a);
      }
      both("proj_out", a, a, family === "sd15");
    }
  }
  return modules;
}

export function textNames(component: "text_encoder" | "text_encoder_2"): NamedModule[] {
  const [layers, width] = component === "text_encoder" ? [12, 768] : [32, 1280];
  const modules: NamedModule[] = [];
  const add = (path: string, input: number, out: number) =>
    modules.push({ component, ldm: path, diffusers: path, in: input, out, kernel: 1, conv: false });
  for (let n = 0; n < layers; n++) {
    const layer = `text_model.encoder.layers.${n}`;
    add(`${layer}.self_attn.q_proj`, width, width);
    add(`${layer}.self_attn.k_proj`, width, width);
    add(`${layer}.self_attn.v_proj`, width, width);
    add(`${layer}.self_attn.out_proj`, width, width);
    add(`${layer}.mlp.fc1`, width, width * 4);
    add(`${layer}.mlp.fc2`, width * 4, width);
  }
  if (component === "text_encoder_2") add("text_projection", width, width);
  return modules;
}

export function allNames(family: FamilyName): NamedModule[] {
  return [
    ...unetNames(family),
    ...textNames("text_encoder"),
    ...(family === "sdxl" ? textNames("text_encoder_2") : []),
  ];
}

/** kohya: prefix, underscore, path with every dot an underscore. */
export function kohyaNameOf(
  module: NamedModule,
  family: FamilyName,
  spelling: "sgm" | "diffusers",
): string {
  const path = spelling === "sgm" ? module.ldm : module.diffusers;
  const flat = path.split(".").join("_");
  if (module.component === "unet") return `lora_unet_${flat}`;
  if (module.component === "text_encoder_2") return `lora_te2_${flat}`;
  return family === "sdxl" ? `lora_te1_${flat}` : `lora_te_${flat}`;
}

/** The UNet positions of cloneofsimo's files: down, up, mid; attn1 q k v out, GEGLU, attn2 q k v out. */
export function positionalUnet(): NamedModule[] {
  const attentions = sd15Table
    .split("\n")
    .filter((line) => line.includes(" attention "))
    .map((line) => line.trim().split(/\s+/)[1] ?? "");
  const ordered = ["down_blocks", "up_blocks", "mid_block"].flatMap((part) =>
    attentions.filter((path) => path.startsWith(part)),
  );
  const byPath = new Map(unetNames("sd15").map((module) => [module.diffusers, module]));
  return ordered
    .flatMap((path) =>
      [
        "attn1.to_q",
        "attn1.to_k",
        "attn1.to_v",
        "attn1.to_out.0",
        "ff.net.0.proj",
        "attn2.to_q",
        "attn2.to_k",
        "attn2.to_v",
        "attn2.to_out.0",
      ].map((name) => `${path}.transformer_blocks.0.${name}`),
    )
    .map((path) => {
      const module = byPath.get(path);
      if (!module) throw new Error(`no module ${path}`);
      return module;
    });
}

/** The text positions of cloneofsimo's files: per layer k, v, q, out. */
export function positionalText(): string[] {
  const paths: string[] = [];
  for (let n = 0; n < 12; n++) {
    for (const name of ["k_proj", "v_proj", "q_proj", "out_proj"]) {
      paths.push(`text_model.encoder.layers.${n}.self_attn.${name}`);
    }
  }
  return paths;
}
