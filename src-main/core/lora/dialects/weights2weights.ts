/** weights2weights: raw PEFT of rank 1 over q and v, adapter `identity1`, with alpha 27 outside the file (formats.md 8.3). */
import type { Dialect } from "./dialect.ts";
import { peftRaw } from "./peft-raw.ts";

const adapter = "identity1";
/** q and v of both attentions in SD1.5's 16 transformer blocks. */
const moduleCount = 64;

export const weights2weights: Dialect = {
  id: "weights2weights",
  parse(key, header) {
    const reading = peftRaw.parse(key, header);
    return reading?.adapter === adapter ? reading : undefined;
  },
  claims: (modules) =>
    modules.length === moduleCount &&
    modules.every(({ path, rank }) => rank === 1 && /^unet\..*\.attn[12]\.to_[qv]$/.test(path)),
  alpha: 27,
  triggerWords: ["sks person"],
};
