/**
 * The files that a graph's weights lie in, as the runtime wants them: by names below one folder. Links are followed
 * first, since the runtime refuses those that lead out of the folder (a cache of downloads consists of such links).
 */
import { realpath, stat } from "node:fs/promises";
import { dirname, relative, sep } from "node:path";
import { FacetError } from "../core/errors.ts";
import type { Graph } from "../core/graph/node.ts";
import { inOrder } from "../core/graph/order.ts";

export interface WeightFiles {
  /** Undefined where no weight lies in a file. */
  readonly folder: string | undefined;
  /** The name below the folder of a path in the graph. */
  locate(path: string): string;
}

/** Throws `not-found` or `truncated` with the file and the weight. */
export async function weightFiles({ outputs }: Graph): Promise<WeightFiles> {
  const real = new Map<string, { path: string; size: number }>();
  for (const node of inOrder(outputs.values())) {
    if (node.operator !== "weight" || node.parameters.source.kind !== "file") continue;
    const { name, source } = node.parameters;
    let file = real.get(source.path);
    if (file === undefined) {
      file = await opened(source.path, name);
      real.set(source.path, file);
    }
    const end = source.offset + source.length;
    if (end > file.size) {
      throw new FacetError(
        "truncated",
        `${name} ends at byte ${end} of ${source.path}, which has ${file.size}.`,
        { path: source.path, field: name },
      );
    }
  }
  const folder = commonFolder(Array.from(real.values(), ({ path }) => dirname(path)));
  return {
    folder,
    locate: (path) =>
      relative(folder ?? "", real.get(path)?.path ?? path)
        .split(sep)
        .join("/"),
  };
}

async function opened(path: string, weight: string): Promise<{ path: string; size: number }> {
  try {
    const found = await realpath(path);
    return { path: found, size: (await stat(found)).size };
  } catch (cause) {
    throw new FacetError("not-found", `${path}, which holds ${weight}, cannot be read.`, {
      path,
      field: weight,
      cause,
    });
  }
}

function commonFolder(folders: readonly string[]): string | undefined {
  return folders.reduce<string | undefined>(
    (common, folder) => (common === undefined ? folder : shared(common, folder)),
    undefined,
  );
}

function shared(folder: string, other: string): string {
  let common = folder;
  while (!`${other}${sep}`.startsWith(common.endsWith(sep) ? common : `${common}${sep}`)) {
    const above = dirname(common);
    if (above === common) {
      throw new FacetError(
        "unsupported",
        `Weights lie in ${folder} and in ${other}: a session reads files of one drive. Move one of them.`,
        { path: other },
      );
    }
    common = above;
  }
  return common;
}
