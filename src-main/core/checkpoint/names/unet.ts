/** Spellings of the UNet's parameters. */
import type { Family } from "../../diffusion/unet-config.ts";
import { ldmPath } from "../../lora/architecture/names.ts";
import { type Naming, splitKind } from "./spelling.ts";

export const diffusersUnet: Naming = (parameter) => [{ name: parameter }];

/** The family decides where a block's upsampler stands; see `ldmPath`. */
export function ldmUnet(family: Family): Naming {
  return (parameter) => {
    const { path, kind } = splitKind(parameter);
    return [{ name: `${ldmPath(path, family)}.${kind}` }];
  };
}
