/** An autoencoder's configuration from the shapes of its tensors. */
import type { Family } from "../../diffusion/unet-config.ts";
import { type VaeConfig, vaeConfigs } from "../../diffusion/vae-config.ts";
import { lookIn, nameInFile, type Place } from "../place.ts";
import { refuse, refuseMissing } from "../problems.ts";
import { valuesOf } from "./json.ts";
import { count, mostFrequent, vote, weightsAndBiases } from "./votes.ts";

export function detectVae(place: Place, family: Family): VaeConfig {
  const look = lookIn(place);
  const { path } = place.part;
  const resnets = (level: number) =>
    weightsAndBiases(
      [0, 1].flatMap((layer) =>
        ["conv1", "conv2", "norm2"].map(
          (part) => `encoder.down_blocks.${level}.resnets.${layer}.${part}`,
        ),
      ),
    );
  const levels = count(look, resnets);
  const channels = Array.from({ length: levels }, (_, level) => vote(look, resnets(level), 0) ?? 0);
  if (levels === 0) {
    const first = "encoder.down_blocks.0.resnets.0.conv1.weight";
    refuseMissing(path, nameInFile(place, first), undefined, 0);
  }
  const latent = mostFrequent([
    look("post_quant_conv.bias")?.[0],
    look("post_quant_conv.weight")?.[0],
    look("decoder.conv_in.weight")?.[1],
  ]);
  const { latentChannels } = vaeConfigs[family];
  if (latent !== undefined && latent !== latentChannels) {
    refuse(
      path,
      `has an autoencoder of ${latent} latent channels, which belongs to another kind of model; SDXL and SD1.5 have ` +
        `${latentChannels}.`,
      nameInFile(place, "decoder.conv_in.weight"),
    );
  }
  const said = valuesOf(place.part.config)["scaling_factor"];
  const scale = typeof said === "number" && said > 0 ? said : vaeConfigs[family].scale;
  return { channels, latentChannels, scale };
}
