/** A text encoder's configuration from the shapes of its tensors. */
import { type ClipConfig, clipConfigs } from "../../diffusion/clip-config.ts";
import type { Family } from "../../diffusion/unet-config.ts";
import { assert } from "../../errors.ts";
import { lookIn, nameInFile, type Place } from "../place.ts";
import { refuseMissing } from "../problems.ts";
import { numbersOf, valuesOf } from "./json.ts";
import { count, vote, weightsAndBiases } from "./votes.ts";

/** CLIP's heads are this wide at every published size. */
const headWidth = 64;

export function detectClip(place: Place, family: Family): ClipConfig {
  const base = clipConfigs[family].find(({ component }) => component === place.component);
  assert(base, `${family} has no ${place.component}`);
  const look = lookIn(place);
  const wanted = (parameter: string, value: number | undefined): number =>
    value ?? refuseMissing(place.part.path, nameInFile(place, parameter), undefined, 0);

  const inLayer = (index: number, ...parts: readonly string[]) =>
    weightsAndBiases(parts.map((part) => `text_model.encoder.layers.${index}.${part}`));
  const layers = count(look, (index) =>
    inLayer(index, "layer_norm1", "layer_norm2", "self_attn.q_proj", "mlp.fc2"),
  );
  const all = Array.from({ length: layers }, (_, index) => index);
  const norm = "text_model.encoder.layers.0.layer_norm1.weight";
  const width = wanted(
    norm,
    vote(
      look,
      all.flatMap((index) => inLayer(index, "layer_norm1", "layer_norm2")),
      0,
    ),
  );
  const hidden = wanted(
    "text_model.encoder.layers.0.mlp.fc1.weight",
    vote(
      look,
      all.flatMap((index) => inLayer(index, "mlp.fc1")),
      0,
    ),
  );
  const table = (name: string) => {
    const parameter = `text_model.embeddings.${name}.weight`;
    return wanted(parameter, look(parameter)?.[0]);
  };
  const config = valuesOf(place.part.config);
  const [heads = Math.max(1, Math.round(width / headWidth))] = numbersOf(
    config["num_attention_heads"],
  );
  const sizes = {
    ...base,
    layers,
    width,
    hidden,
    heads,
    vocabulary: table("token_embedding"),
    positions: table("position_embedding"),
    activation: activationOf(config["hidden_act"]) ?? base.activation,
  };
  if (base.projection === undefined) return sizes;
  const projection = "text_projection.weight";
  return { ...sizes, projection: wanted(projection, look(projection)?.[0]) };
}

function activationOf(said: unknown): ClipConfig["activation"] | undefined {
  if (said === "quick_gelu") return "quick-gelu";
  return said === "gelu" ? "gelu" : undefined;
}
