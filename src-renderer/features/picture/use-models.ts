/** Which models can make pictures, and which one does for a family. */
import { useQuery } from "@tanstack/react-query";
import type { Family } from "../../../src-preload/contract/common.ts";
import type { Model } from "../../../src-preload/contract/models.ts";
import { queries } from "../../studio/client.ts";
import { usePictureSettings } from "./picture-settings.ts";

export function isUsable(model: Model): boolean {
  return model.family !== null && model.problem === null && model.needs.length === 0;
}

export interface PictureModel {
  /** Null where no model of the family is usable; undefined while that is not known yet. */
  readonly model: Model | null | undefined;
  readonly usable: readonly Model[];
}

export function usePictureModel(family: Family | null): PictureModel {
  const { data, error } = useQuery(queries.models.list.queryOptions());
  const chosen = usePictureSettings((state) =>
    family === null ? undefined : state.models[family],
  );
  if (data === undefined) return { model: error === null ? undefined : null, usable: [] };
  const usable = data.models.filter((model) => isUsable(model) && model.family === family);
  return { model: usable.find((model) => model.id === chosen) ?? usable[0] ?? null, usable };
}
