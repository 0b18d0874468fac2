/** The parameters that the networks of a model ask for, with their shapes: what a checkpoint must hold. */
import { clipInputs, clipTextModel } from "../diffusion/clip.ts";
import type { ClipConfig } from "../diffusion/clip-config.ts";
import { unet } from "../diffusion/unet.ts";
import { latentChannels, type UnetConfig } from "../diffusion/unet-config.ts";
import { vaeDecoder, vaeEncoder } from "../diffusion/vae.ts";
import { latentFactor, type VaeConfig } from "../diffusion/vae-config.ts";
import { input } from "../graph/build/index.ts";
import type { Parameters } from "../graph/layers/index.ts";
import { pooledWidth } from "./detect/unet.ts";

export type Required = ReadonlyMap<string, readonly number[]>;

/** By configuration: many files have the same, and building a whole UNet takes a while. */
const known = new Map<string, Required>();

function once(kind: string, config: unknown, make: () => Required): Required {
  const key = `${kind} ${JSON.stringify(config)}`;
  let required = known.get(key);
  if (required === undefined) {
    required = make();
    known.set(key, required);
  }
  return required;
}

/** Asks a network for its parameters by building it. */
function asked(build: (parameters: Parameters) => void): Required {
  const shapes = new Map<string, readonly number[]>();
  build((name, shape) => {
    shapes.set(name, shape);
    return input(name, shape);
  });
  return shapes;
}

export function unetRequired(config: UnetConfig): Required {
  return once("unet", config, () =>
    asked((parameters) => {
      const side = 2 ** config.channels.length;
      const pooled = config.addition === undefined ? undefined : pooledWidth(config);
      unet(config, parameters, {
        latent: input("latent", [1, latentChannels, side, side]),
        times: input("times", [1]),
        context: input("context", [1, 77, config.context]),
        ...(pooled === undefined
          ? {}
          : { addition: { pooled: input("pooled", [1, pooled]), sizes: input("sizes", [1, 6]) } }),
      });
    }),
  );
}

export function vaeRequired(config: VaeConfig): Required {
  return once("vae", config, () =>
    asked((parameters) => {
      const side = latentFactor(config);
      vaeEncoder(config, parameters, input("pixels", [1, 3, side, side]));
      vaeDecoder(config, parameters, input("latents", [1, config.latentChannels, 1, 1]));
    }),
  );
}

/** Every layer's, also of those behind the one that a prompt is taken from. */
export function clipRequired(config: ClipConfig): Required {
  return once("clip", config, () =>
    asked((parameters) => void clipTextModel(config, parameters, clipInputs(config))),
  );
}
