/** Sizes to choose from, by family: those that the models were trained on, and a quick one. */
import type { Family } from "../../../src-preload/contract/common.ts";
import type { Size } from "./picture-settings.ts";

interface NamedSize extends Size {
  readonly name: string;
}

export const sizesOf: Record<Family, readonly NamedSize[]> = {
  sdxl: [
    { name: "Square", width: 1024, height: 1024 },
    { name: "Portrait", width: 896, height: 1152 },
    { name: "Tall", width: 832, height: 1216 },
    { name: "Wide", width: 1216, height: 832 },
    { name: "Quick", width: 512, height: 512 },
  ],
  sd15: [
    { name: "Square", width: 512, height: 512 },
    { name: "Portrait", width: 512, height: 640 },
    { name: "Tall", width: 512, height: 768 },
    { name: "Wide", width: 768, height: 512 },
    { name: "Quick", width: 256, height: 256 },
  ],
};

export function sizeId({ width, height }: Size): string {
  return `${width}x${height}`;
}
