/** What leaves the library with a file: its description for the header, its card, its pictures. */
import { describeIdentity, type Metadata } from "../core/lora/metadata.ts";
import type { Details } from "../../src-preload/contract/library.ts";
import type { Recipe } from "../../src-preload/contract/recipe.ts";
import type { CardFacts } from "./sidecars.ts";

/** ModelSpec advises 256 x 256; at this quality that is about 15 kB of a header of at most 1 MiB. */
const thumbnailEdge = 256;
const thumbnailQuality = 80;

export function identityMetadata(
  details: Details,
  facetVersion: string,
  thumbnail: string | null,
): Metadata {
  const metadata = describeIdentity({
    name: details.name,
    createdAt: details.createdAt,
    facetVersion,
    triggerWords: details.triggerWords,
    tags: details.tags,
    notes: details.notes,
    preferredWeight: details.preferredWeight,
    mergedFrom: details.recipe === null ? [] : parentNames(details.recipe.recipe),
    ...(details.recipe === null ? {} : { recipe: JSON.stringify(details.recipe) }),
    ...(details.inspection === null ? {} : { original: details.inspection.metadata }),
  });
  if (thumbnail !== null) metadata["modelspec.thumbnail"] = thumbnail;
  return metadata;
}

export function cardFacts(details: Details): CardFacts {
  return {
    family: details.family,
    description: details.name,
    triggerWords: details.triggerWords,
    preferredWeight: details.preferredWeight,
    notes: details.notes,
  };
}

/** The preview as ModelSpec's data URL, and as PNG where a sidecar is wanted. Null where the picture is gone. */
export async function pictures(
  preview: string,
  sidecar: boolean,
): Promise<{ thumbnail: string | null; png: Uint8Array | null }> {
  const { default: sharp } = await import("sharp");
  try {
    const jpeg = await sharp(preview)
      .resize(thumbnailEdge, thumbnailEdge, { fit: "cover" })
      .flatten({ background: "white" })
      .jpeg({ quality: thumbnailQuality })
      .toBuffer();
    const png = sidecar ? await sharp(preview).png().toBuffer() : null;
    return { thumbnail: `data:image/jpeg;base64,${jpeg.toString("base64")}`, png };
  } catch {
    // Previews are disposable: a missing one must not stop an export.
    return { thumbnail: null, png: null };
  }
}

function parentNames(recipe: Recipe): string[] {
  switch (recipe.kind) {
    case "delta-blend":
      return recipe.parents.map(({ parent }) => parent.name);
    case "resize":
      return [recipe.parent.name];
    case "point": {
      const { origin } = recipe;
      if (origin.kind === "blend") return origin.parents.map(({ parent }) => parent.name);
      return "from" in origin && origin.from !== undefined ? [origin.from.name] : [];
    }
  }
}
