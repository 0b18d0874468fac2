/** A full-size difference (`.diff`): the best LoRA of the rank asked for. */
import { columns } from "../lora.ts";
import { unsizedRank } from "./adapter.ts";
import type { Adapter } from "./adapter.ts";
import { truncate } from "./truncate.ts";

export const full: Adapter = {
  kind: "full",
  matrices: new Set(["diff"]),
  check(parts) {
    const { module } = parts;
    const diff = parts.need("diff");
    const { rows, columns: width } = parts.matrix(diff);
    if (rows !== module.out || width !== columns(module)) {
      parts.mismatch(
        diff,
        `[${[module.out, module.in, ...(module.conv ? module.kernel : [])].join(", ")}]`,
      );
    }
    return { rank: Math.min(unsizedRank, rows, width), dimension: undefined };
  },
  convert(parts, read, rank) {
    const values = read(parts.need("diff"));
    return truncate({ kind: "dense", values }, parts.module.out, columns(parts.module), rank);
  },
};
