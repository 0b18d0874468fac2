/** Latents and pixels as numbers between the runs of networks. */
import { assert } from "../errors.ts";

export interface Planes {
  /** [n, channels, height, width] */
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface PlaneSizes {
  readonly n: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

export function sizesOf({ shape, values }: Planes): PlaneSizes {
  const [n = 0, channels = 0, height = 0, width = 0] = shape;
  assert(
    shape.length === 4 && n * channels * height * width === values.length,
    `${values.length} numbers are not [${shape.join(", ")}]`,
  );
  return { n, channels, height, width };
}
