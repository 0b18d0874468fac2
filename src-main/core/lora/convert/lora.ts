/** Plain LoRA, Linear or convolution: the two matrices as they are, checked (formats.md 1.3). */
import { columns } from "../lora.ts";
import type { Adapter } from "./adapter.ts";

export const lora: Adapter = {
  kind: "lora",
  matrices: new Set(["down", "up"]),
  check(parts) {
    const { module } = parts;
    const down = parts.need("down");
    const up = parts.need("up");
    const { rows: rank, columns: width } = parts.matrix(down);
    if (width !== columns(module)) {
      const kernel = module.kernel[0] > 1 ? `, ${module.kernel.join(", ")}` : "";
      parts.mismatch(down, `[rank, ${module.in}${kernel}]`);
    }
    const { rows: out, columns: upRank } = parts.matrix(up);
    if (out !== module.out || upRank !== rank) {
      parts.mismatch(up, `[${module.out}, ${rank}] (the rank of ${down.name})`);
    }
    return { rank, dimension: rank };
  },
  convert(parts, read) {
    const down = parts.need("down");
    return { rank: parts.matrix(down).rows, down: read(down), up: read(parts.need("up")), kept: 1 };
  },
};
