/** The four networks that references and benchmarks are made of. */
import { autoencoder } from "./autoencoder.ts";
import { mlp } from "./mlp.ts";
import type { Network, Size } from "./network.ts";
import { transformer } from "./transformer.ts";
import { unet } from "./unet.ts";

export const networks: Readonly<Record<string, (size: Size) => Network>> = {
  mlp,
  autoencoder,
  unet,
  transformer,
};
