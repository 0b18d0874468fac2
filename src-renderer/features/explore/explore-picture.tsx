/** The point as a picture: it follows the sliders, and is compared with where they started. */
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo } from "react";
import type { Model } from "../../../src-preload/contract/models.ts";
import type { SpaceDetails } from "../../../src-preload/contract/spaces.ts";
import { queries } from "../../studio/client.ts";
import { PictureBar } from "../picture/picture-bar.tsx";
import { PictureStage } from "../picture/picture-stage.tsx";
import { type Subject, useWish } from "../picture/use-picture.ts";
import { type Point, draftOf } from "./explore-state.ts";

interface ExplorePictureProps {
  readonly space: SpaceDetails;
  readonly point: Point;
  readonly model: Model;
  readonly models: readonly Model[];
  readonly compare: boolean;
}

/** What a picture of a place in the space shows; variants name theirs by it too. */
export function subjectAt(
  spaceId: string,
  point: Point,
  coordinates: readonly number[],
): Pick<Subject, "lora"> {
  return {
    lora: { kind: "draft", draft: draftOf(spaceId, { ...point, coordinates: [...coordinates] }) },
  };
}

export function ExplorePicture({
  space,
  point,
  model,
  models,
  compare,
}: ExplorePictureProps): ReactNode {
  const start = point.start;
  const { data } = useQuery(
    queries.library.get.queryOptions({
      input: { id: start.id ?? "" },
      enabled: start.id !== null,
    }),
  );
  const trigger = data?.triggerWords[0] ?? null;
  const now = useMemo<Subject>(
    () => ({ ...subjectAt(space.id, point, point.coordinates), trigger }),
    [space.id, point, trigger],
  );
  const then = useMemo<Subject>(
    () => ({ ...subjectAt(space.id, point, start.coordinates), trigger }),
    [space.id, point, start.coordinates, trigger],
  );
  // Without the trigger word the first picture would be made twice.
  const known = start.id === null || data !== undefined;
  const wish = useWish(model, known ? now : null);
  const before = useWish(model, known && compare ? then : null);
  return (
    <>
      <PictureBar model={model} models={models} trigger={trigger} />
      <PictureStage
        slot="explore"
        model={model}
        wish={wish}
        before={before}
        beforeName={start.name}
        name={start.name}
      />
    </>
  );
}
