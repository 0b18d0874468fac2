/** Counts, collections and tags of the library. */
import { useQuery } from "@tanstack/react-query";
import type { Overview } from "../../../src-preload/contract/library.ts";
import { queries } from "../../studio/client.ts";

export function useOverview(): Overview | undefined {
  return useQuery(queries.library.overview.queryOptions()).data;
}

export function useCollectionName(id: string | null): string | null {
  return useOverview()?.collections.find((collection) => collection.id === id)?.name ?? null;
}
