/** Completes a model by parts of other files: a VAE, or the text encoders of another checkpoint. */
import { FacetError } from "../errors.ts";
import type { Checkpoint, CheckpointFiles } from "./checkpoint.ts";
import { describeVae } from "./describe.ts";

export function withVae(checkpoint: Checkpoint, files: CheckpointFiles): Checkpoint {
  const { config, weights } = describeVae(files, checkpoint.config.family);
  return {
    ...checkpoint,
    config: { ...checkpoint.config, vae: config },
    components: new Map([...checkpoint.components, ["vae", weights]]),
  };
}

/** Throws `shape-mismatch` where the UNet cannot read what the other's encoders give. */
export function withTextEncoders(checkpoint: Checkpoint, other: Checkpoint): Checkpoint {
  const { textEncoders } = other.config;
  const width = textEncoders.reduce((sum, encoder) => sum + encoder.width, 0);
  const { unet, family } = checkpoint.config;
  if (other.config.family !== family || width !== unet.context) {
    throw new FacetError(
      "shape-mismatch",
      `"${checkpoint.path}" reads text ${unet.context} numbers wide (${family}), and the text encoders of ` +
        `"${other.path}" give ${width} (${other.config.family}). Choose a checkpoint of the same family.`,
      { path: other.path },
    );
  }
  const components = new Map(checkpoint.components);
  for (const { component } of textEncoders) {
    const weights = other.components.get(component);
    if (weights) components.set(component, weights);
  }
  return { ...checkpoint, config: { ...checkpoint.config, textEncoders }, components };
}
