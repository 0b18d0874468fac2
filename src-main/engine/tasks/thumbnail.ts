/** Pictures made small for cards; decoded here, so that a hostile picture can only end this process. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import sharp from "sharp";
import { FacetError } from "../../core/errors.ts";
import { writeAtomically } from "../../files/atomic-write.ts";

export interface Thumbnail {
  readonly path?: string | undefined;
  /** Base64. */
  readonly bytes?: string | undefined;
  /** Folder; the file is named after its own content. */
  readonly to: string;
  readonly edge: number;
}

/** 100 megapixels: no preview is larger, and a decompression bomb is. */
const pixelLimit = 100_000_000;

export async function thumbnail(
  request: Thumbnail,
): Promise<{ sha256: string; width: number; height: number }> {
  const input = request.path ?? Buffer.from(request.bytes ?? "", "base64");
  try {
    const { data, info } = await sharp(input, { limitInputPixels: pixelLimit, animated: false })
      .rotate()
      .resize(request.edge, request.edge, { fit: "inside", withoutEnlargement: true })
      .webp({ quality: 82 })
      .toBuffer({ resolveWithObject: true });
    const sha256 = createHash("sha256").update(data).digest("hex");
    writeAtomically(join(request.to, `${sha256}.webp`), [data], { overwrite: true });
    return { sha256, width: info.width, height: info.height };
  } catch (cause) {
    if (cause instanceof FacetError) throw cause;
    throw new FacetError(
      "malformed",
      `${request.path ?? "The picture"} cannot be read as a picture. Use PNG, JPEG or WebP.`,
      { path: request.path, cause },
    );
  }
}
