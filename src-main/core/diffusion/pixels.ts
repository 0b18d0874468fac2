/** What a decoder gives, judged and made into bytes. */
import { type Planes, sizesOf } from "./planes.ts";

/** A picture whose channels span less than this is one colour: half a step of a byte, of the 2 from -1 to 1. */
const visible = 1 / 255;

/**
 * Whether pixels [n, channels, height, width] are what an overflow leaves behind: NaN or infinity, or after infinities
 * were cut away one colour, black most often. Then the picture is decoded again in F32. (A picture that was meant to be
 * one colour is decoded twice, and is the same.)
 */
export function isSpoilt(pixels: Planes): "not-finite" | "one-colour" | false {
  const { n, channels, height, width } = sizesOf(pixels);
  const { values } = pixels;
  if (!values.every(Number.isFinite)) return "not-finite";
  const plane = height * width;
  const image = channels * plane;
  if (plane < 2) return false;
  const flat = (start: number) => {
    const first = cut(values[start] ?? 0);
    for (let at = start + 1; at < start + plane; at++)
      if (Math.abs(cut(values[at] ?? 0) - first) > visible) return false;
    return true;
  };
  for (let start = 0; start < n * image; start += image) {
    const starts = Array.from({ length: channels }, (_, channel) => start + channel * plane);
    if (starts.every(flat)) return "one-colour";
  }
  return false;
}

/** ComfyUI's SaveImage cuts fractions of a byte off (`astype(np.uint8)`), diffusers' numpy_to_pil rounds to even. */
export type Rounding = "down" | "even";

/** Pixels [1, 3, height, width] of -1..1 as bytes, red, green and blue of one place beside each other. */
export function pixelBytes(pixels: Planes, rounding: Rounding): Uint8Array {
  const { channels, height, width } = sizesOf(pixels);
  const plane = height * width;
  const bytes = new Uint8Array(channels * plane);
  for (let channel = 0; channel < channels; channel++) {
    for (let at = 0; at < plane; at++) {
      const value = ((cut(pixels.values[channel * plane + at] ?? 0) + 1) / 2) * 255;
      bytes[at * channels + channel] = rounding === "down" ? value : toEven(value);
    }
  }
  return bytes;
}

function cut(value: number): number {
  return Math.min(1, Math.max(-1, value));
}

function toEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
