/** Spellings of the autoencoder's parameters (formats.md 2.6). */
import { type Naming, splitKind } from "./spelling.ts";

/** As diffusers named the attention's layers before 0.18. */
const older: ReadonlyMap<string, string> = new Map([
  ["to_q", "query"],
  ["to_k", "key"],
  ["to_v", "value"],
  ["to_out.0", "proj_attn"],
]);

const attention = /^(.+\.mid_block\.attentions\.0)\.(to_q|to_k|to_v|to_out\.0)$/;

export const diffusersVae: Naming = (parameter) => {
  const { path, kind } = splitKind(parameter);
  const [, block, layer = ""] = attention.exec(path) ?? [];
  const before = older.get(layer);
  return before === undefined
    ? [{ name: parameter }]
    : [{ name: parameter }, { name: `${block}.${before}.${kind}` }];
};

const inAttention: ReadonlyMap<string, string> = new Map([
  ["group_norm", "norm"],
  ["to_q", "q"],
  ["to_k", "k"],
  ["to_v", "v"],
  ["to_out.0", "proj_out"],
]);

/** ldm counts the decoder's levels from the picture on, so that the number of `levels` is wanted. */
export function ldmVae(levels: number): Naming {
  return (parameter) => {
    const { path, kind } = splitKind(parameter);
    return [{ name: `${ldmPath(path, levels)}.${kind}` }];
  };
}

function ldmPath(path: string, levels: number): string {
  const [side = "", block, ...rest] = path.split(".");
  switch (block) {
    case "down_blocks":
    case "up_blocks": {
      const [index, kind, layer, ...inner] = rest;
      const down = block === "down_blocks";
      const level = down ? Number(index) : levels - 1 - Number(index);
      const place = `${side}.${down ? "down" : "up"}.${level}`;
      if (kind === "resnets") return `${place}.block.${layer}.${resnetName(inner.join("."))}`;
      return `${place}.${down ? "downsample" : "upsample"}.conv`;
    }
    case "mid_block": {
      const [kind, index, ...inner] = rest;
      const name = inner.join(".");
      return kind === "attentions"
        ? `${side}.mid.attn_1.${inAttention.get(name) ?? name}`
        : `${side}.mid.block_${Number(index) + 1}.${resnetName(name)}`;
    }
    case "conv_norm_out":
      return `${side}.norm_out`;
    default:
      return path;
  }
}

function resnetName(name: string): string {
  return name === "conv_shortcut" ? "nin_shortcut" : name;
}
