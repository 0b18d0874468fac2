/** Makes matrices of anything that main names: a file, a point of a space, a mix, another rank. */
import type { Source } from "../../../src-preload/contract/engine.ts";
import { FacetError } from "../../core/errors.ts";
import type { Lora } from "../../core/lora/lora.ts";
import { mergeDelta } from "../../core/lora/merge.ts";
import { resizeLora } from "../../core/lora/resize.ts";
import { openLora } from "../../files/lora-file.ts";
import type { OpenSpaces } from "./spaces.ts";

export interface Materialised {
  readonly lora: Lora;
  /** Share of the energy that the last cut to a rank kept; 1 where nothing was cut. */
  readonly kept: number;
}

/** A recipe's parents are recipes again; a chain this long is a loop. */
const depthLimit = 32;

export async function materialise(
  source: Source,
  spaces: OpenSpaces,
  depth = 0,
): Promise<Materialised> {
  if (depth > depthLimit) {
    throw new FacetError(
      "invalid-argument",
      `This identity's parents go back more than ${String(depthLimit)} steps; one of them seems to be its own parent.`,
    );
  }
  switch (source.kind) {
    case "file":
      return { lora: openLora(source.path), kept: 1 };
    case "point": {
      const space = spaces.get(source.space);
      const decoded = await space.decode(source.coordinates);
      if (space.record.rank === source.rank) return decoded;
      const resized = resizeLora(decoded.lora, source.rank);
      return { lora: resized.lora, kept: decoded.kept * resized.kept };
    }
    case "delta-blend": {
      const loras: Lora[] = [];
      for (const parent of source.parents) {
        loras.push((await materialise(parent.source, spaces, depth + 1)).lora);
      }
      return mergeDelta(
        loras,
        source.parents.map((parent) => parent.weight),
        source.rank,
      );
    }
    case "resize":
      return resizeLora((await materialise(source.parent, spaces, depth + 1)).lora, source.rank);
  }
}
