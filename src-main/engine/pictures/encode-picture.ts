/** Pixels as files: the PNG with its texts, and small previews of latents. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import sharp from "sharp";
import { latentPreview, type PreviewFactors } from "../../core/diffusion/latent-preview.ts";
import { type PictureRecord, pictureTexts } from "../../core/diffusion/record/picture-record.ts";
import { pixelBytes } from "../../core/diffusion/pixels.ts";
import type { Planes } from "../../core/diffusion/planes.ts";
import { withPngText } from "../../core/formats/png/text.ts";
import { writeAtomically } from "../../files/atomic-write.ts";

/** Writes the picture into a folder under the hash of its bytes. */
export async function writePicture(
  pixels: Planes,
  record: PictureRecord,
  folder: string,
): Promise<{ path: string; sha256: string }> {
  const [, , height = 0, width = 0] = pixels.shape;
  const rounding = record.settings.convention === "comfy" ? "down" : "even";
  const bare = await sharp(pixelBytes(pixels, rounding), { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  const bytes = withPngText(bare, pictureTexts(record));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const path = join(folder, `${sha256}.png`);
  writeAtomically(path, [bytes], { overwrite: true });
  return { path, sha256 };
}

/** A WebP of one pixel for each latent pixel, base64. */
export async function stepPreview(latents: Planes, factors: PreviewFactors): Promise<string> {
  const { width, height, bytes } = latentPreview(latents, factors);
  const webp = await sharp(bytes, { raw: { width, height, channels: 3 } })
    .webp({ quality: 80, effort: 0 })
    .toBuffer();
  return webp.toString("base64");
}
