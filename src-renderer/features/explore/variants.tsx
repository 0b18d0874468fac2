/** The strip below Explore: the start, snapshots, and points nearby. */
import type { ReactNode } from "react";
import { NameText } from "../../ui/name-text.tsx";
import { openMenu } from "../../ui/context-menu.tsx";
import { Signature } from "../../ui/glyph.tsx";
import { IconCamera, IconCheck, IconSparkles, IconTrash } from "../../ui/icons.ts";
import { type Made, madeOf, useMade } from "../picture/made.ts";
import { Thumbnail } from "../picture/thumbnail.tsx";
import { nameOf } from "../picture/use-picture.ts";
import { subjectAt } from "./explore-picture.tsx";
import {
  type Point,
  addAround,
  removeVariant,
  renameVariant,
  setCoordinates,
  snapshot,
} from "./explore-state.ts";

export function Variants({
  space,
  point,
}: {
  readonly space: string;
  readonly point: Point;
}): ReactNode {
  const list = useMade((state) => state.list);
  const pictureOf = (coordinates: readonly number[]): Made | undefined =>
    list.length === 0 ? undefined : madeOf(list, nameOf(subjectAt(space, point, coordinates)));
  const same = (coordinates: readonly number[]): boolean =>
    coordinates.every((value, i) => value === point.coordinates[i]);
  return (
    <div className="strip" role="list" aria-label="Variants">
      <div className="strip-item" role="listitem">
        <button
          type="button"
          className="strip-picture"
          aria-label={`Back to the start, ${point.start.name}`}
          aria-pressed={same(point.start.coordinates)}
          onClick={() => setCoordinates(point.start.coordinates)}
        >
          <Thumbnail made={pictureOf(point.start.coordinates)}>
            <Signature coordinates={point.start.coordinates} />
          </Thumbnail>
        </button>
        <span className="strip-name clip">{point.start.name}</span>
      </div>
      {point.variants.map((variant) => (
        <div
          key={variant.id}
          className="strip-item"
          role="listitem"
          onContextMenu={(event) => {
            event.preventDefault();
            openMenu(event, variant.name, [
              {
                id: "apply",
                label: "Go there",
                icon: IconCheck,
                run: () => setCoordinates(variant.coordinates),
              },
              {
                id: "remove",
                label: "Delete",
                icon: IconTrash,
                danger: true,
                section: "delete",
                run: () => removeVariant(variant.id),
              },
            ]);
          }}
        >
          <button
            type="button"
            className="strip-picture"
            aria-label={`Go to ${variant.name}`}
            aria-pressed={same(variant.coordinates)}
            onClick={() => setCoordinates(variant.coordinates)}
            onKeyDown={(event) => {
              if (event.key === "Delete" || event.key === "Backspace") removeVariant(variant.id);
            }}
          >
            <Thumbnail made={pictureOf(variant.coordinates)}>
              <Signature coordinates={variant.coordinates} before={point.start.coordinates} />
            </Thumbnail>
          </button>
          <NameText
            value={variant.name}
            label={`Rename ${variant.name}`}
            className="strip-name"
            onCommit={(name) => renameVariant(variant.id, name)}
          />
        </div>
      ))}
      <div className="strip-tools">
        <button type="button" className="strip-tool" onClick={snapshot}>
          <IconCamera size={16} stroke={1.6} aria-hidden="true" />
          Snapshot
        </button>
        <button type="button" className="strip-tool" onClick={() => void addAround()}>
          <IconSparkles size={16} stroke={1.6} aria-hidden="true" />8 more around
        </button>
      </div>
    </div>
  );
}
