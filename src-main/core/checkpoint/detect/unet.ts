/** The UNet's configuration from the shapes of its tensors; heads, which leave no trace in shapes, by rule or config.json. */
import { type Family, layersPerBlock, type UnetConfig } from "../../diffusion/unet-config.ts";
import { lookIn, nameInFile, type Place } from "../place.ts";
import { refuse, refuseMissing } from "../problems.ts";
import { numbersOf, type Values, valuesOf } from "./json.ts";
import { count, mostFrequent, vote, weightsAndBiases } from "./votes.ts";

/** Width of the sinusoids of SDXL's six sizes; the refiner has five. */
const sizeEmbeddings = { sdxl: 6 * 256, refiner: 5 * 256 };

/** SDXL's heads are this wide; SD1.5 has eight, however wide. */
const headWidth = 64;
const sd15Heads = 8;

export interface DetectedUnet {
  readonly family: Family;
  readonly config: UnetConfig;
}

/** Throws `unsupported` for what is known and not run here, `malformed` where a tensor is wanted that is not there. */
export function detectUnet(place: Place): DetectedUnet {
  const look = lookIn(place);
  const { path } = place.part;
  const wanted = (parameter: string, value: number | undefined): number =>
    value ?? refuseMissing(path, nameInFile(place, parameter), undefined, 0);

  const resnets = (block: string) =>
    weightsAndBiases(
      [0, 1].flatMap((layer) =>
        ["conv1", "conv2", "time_emb_proj", "norm2"].map(
          (part) => `${block}.resnets.${layer}.${part}`,
        ),
      ),
    );
  const levels = count(look, (level) => resnets(`down_blocks.${level}`));
  const widths = Array.from({ length: levels }, (_, level) =>
    wanted(
      `down_blocks.${level}.resnets.0.conv1.weight`,
      vote(look, resnets(`down_blocks.${level}`), 0),
    ),
  );
  if (levels === 0) wanted("down_blocks.0.resnets.0.conv1.weight", undefined);

  const inputs = look("conv_in.weight")?.[1];
  if (inputs !== undefined) refuseInputs(path, inputs, nameInFile(place, "conv_in.weight"));

  const attentions = (level: number) =>
    Array.from({ length: layersPerBlock }, (_, layer) => `down_blocks.${level}.attentions.${layer}`)
      // The way up has one more; which of its blocks is which level follows from their number.
      .concat(
        Array.from(
          { length: layersPerBlock + 1 },
          (_, layer) => `up_blocks.${levels - 1 - level}.attentions.${layer}`,
        ),
      );
  const blocks = (attention: string) =>
    count(look, (index) =>
      ["attn1.to_q", "attn1.to_out.0", "attn2.to_q", "ff.net.2", "norm1", "norm3"].flatMap((part) =>
        weightsAndBiases([`${attention}.transformer_blocks.${index}.${part}`]),
      ),
    );
  const depth = widths.map((_, level) => Math.max(...attentions(level).map(blocks)));
  const middle = "mid_block.attentions.0";
  const middleDepth = blocks(middle);
  if (middleDepth === 0) {
    refuse(
      path,
      "has no attention in its middle: a distilled model (SSD-1B, Segmind Vega, KOALA), which Facet does not run. " +
        "Choose the whole model that it was made from.",
    );
  }

  const everywhere = [
    ...widths.flatMap((_, level) =>
      attentions(level).map((name) => [name, depth[level] ?? 0] as const),
    ),
    [middle, middleDepth] as const,
  ];
  const keys = everywhere.flatMap(([name, blocksThere]) =>
    Array.from({ length: blocksThere }, (_, index) => index).flatMap((index) =>
      ["to_k", "to_v"].map((part) => `${name}.transformer_blocks.${index}.attn2.${part}.weight`),
    ),
  );
  const context = wanted(`${middle}.transformer_blocks.0.attn2.to_k.weight`, vote(look, keys, 1));
  const projections = everywhere.flatMap(([name]) =>
    ["proj_in", "proj_out"].map((part) => look(`${name}.${part}.weight`)?.length),
  );
  const linearProjection = wanted(`${middle}.proj_in.weight`, mostFrequent(projections)) === 2;
  const time = wanted(
    "time_embedding.linear_1.weight",
    vote(look, weightsAndBiases(["time_embedding.linear_1", "time_embedding.linear_2"]), 0),
  );
  const addition = additionOf(place);

  if (addition !== undefined && addition - sizeEmbeddings.refiner === context) {
    refuse(
      path,
      `is the SDXL refiner or made from it (text width ${context}), which only finishes pictures of the base model. ` +
        "Choose the base model.",
    );
  }
  if (addition === undefined && linearProjection) {
    refuse(
      path,
      `is Stable Diffusion 2 (text width ${context}, linear projections), which Facet does not run: choose a model of ` +
        "the families SDXL or SD1.5.",
    );
  }
  const family: Family = addition === undefined ? "sd15" : "sdxl";
  const heads = headsOf(valuesOf(place.part.config), widths, family);
  const sizes = { channels: widths, depth, middleDepth, heads, context, linearProjection, time };
  return { family, config: addition === undefined ? sizes : { ...sizes, addition } };
}

/** Width of what is added to the time embedding; undefined in SD1.5. */
function additionOf(place: Place): number | undefined {
  const look = lookIn(place);
  const [first, ...others] = weightsAndBiases(["add_embedding.linear_1", "add_embedding.linear_2"]);
  const width = look(first ?? "")?.[1];
  if (width !== undefined && width > sizeEmbeddings.refiner) return width;
  if (width !== undefined) {
    refuse(
      place.part.path,
      `reads ${width} numbers of pooled text and sizes where the sizes alone take ${sizeEmbeddings.sdxl} in SDXL: it is ` +
        "damaged or of a kind that Facet does not know.",
      nameInFile(place, first ?? ""),
    );
  }
  if (others.some((name) => look(name) !== undefined))
    refuseMissing(place.part.path, nameInFile(place, first ?? ""), undefined, 0);
  return undefined;
}

function refuseInputs(path: string, inputs: number, tensor: string): void {
  if (inputs === 4) return;
  const what =
    inputs === 9
      ? "an inpainting model (9 input channels)"
      : inputs === 8
        ? "a model that edits pictures, InstructPix2Pix or alike (8 input channels)"
        : `a model with ${inputs} input channels`;
  refuse(
    path,
    `is ${what}, which Facet does not run: choose the model for pictures from text, with 4.`,
    tensor,
  );
}

/** diffusers calls the number of heads `attention_head_dim` in these models. */
function headsOf(config: Values, widths: readonly number[], family: Family): number[] {
  const said = numbersOf(config["num_attention_heads"] ?? config["attention_head_dim"]);
  if (said.length === 1) return widths.map(() => said[0] ?? 1);
  if (said.length === widths.length) return said;
  return widths.map((width) =>
    family === "sdxl" ? Math.max(1, Math.round(width / headWidth)) : sd15Heads,
  );
}

/** Width of the pooled text that the addition has room for. */
export function pooledWidth({ addition = 0 }: UnetConfig): number {
  return addition - sizeEmbeddings.sdxl;
}
