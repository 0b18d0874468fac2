/** LoCon with a middle tensor (`lora_mid`): a LoRA of the same rank once the middle is multiplied into `down`. */
import type { Adapter } from "./adapter.ts";

/**
 * `delta[o, i, k, l] = sum over p, q of up[o, p] mid[p, q, k, l] down[q, i]` (formats.md 1.3), so with
 * `down'[p, (i, k, l)] = sum over q of mid[p, q, k, l] down[q, i]` nothing is lost.
 */
export const tucker: Adapter = {
  kind: "tucker",
  matrices: new Set(["down", "up", "mid"]),
  check(parts) {
    const { module } = parts;
    const [kh, kw] = module.kernel;
    const down = parts.need("down");
    const up = parts.need("up");
    const mid = parts.need("mid");
    const { rows: inner, columns: width } = parts.matrix(down);
    if (width !== module.in) parts.mismatch(down, `[rank, ${module.in}, 1, 1]`);
    const { rows: rank, columns: rest } = parts.matrix(mid);
    if (mid.shape[1] !== inner || rest !== inner * kh * kw) {
      parts.mismatch(mid, `[rank, ${inner}, ${kh}, ${kw}]`);
    }
    const { rows: out, columns: upRank } = parts.matrix(up);
    if (out !== module.out || upRank !== rank) parts.mismatch(up, `[${module.out}, ${rank}, 1, 1]`);
    return { rank, dimension: inner };
  },
  convert(parts, read) {
    const { module } = parts;
    const down = parts.need("down");
    const mid = parts.need("mid");
    const inner = parts.matrix(down).rows;
    const rank = parts.matrix(mid).rows;
    const size = module.kernel[0] * module.kernel[1];
    return {
      rank,
      down: contractMiddle(read(mid), read(down), { rank, inner, width: module.in, size }),
      up: read(parts.need("up")),
      kept: 1,
    };
  },
};

/** `[rank, inner, size]` and `[inner, width]` to `[rank, width * size]`. */
export function contractMiddle(
  mid: Float32Array,
  down: Float32Array,
  shape: { rank: number; inner: number; width: number; size: number },
): Float32Array {
  const { rank, inner, width, size } = shape;
  const result = new Float32Array(rank * width * size);
  for (let p = 0; p < rank; p++) {
    for (let q = 0; q < inner; q++) {
      for (let k = 0; k < size; k++) {
        const weight = mid[(p * inner + q) * size + k] as number;
        for (let i = 0; i < width; i++) {
          const at = (p * width + i) * size + k;
          result[at] = (result[at] as number) + weight * (down[q * width + i] as number);
        }
      }
    }
  }
  return result;
}
