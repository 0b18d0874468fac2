/** One card of the grid: mark or picture, name, rank, rating. */
import { Tooltip } from "@mantine/core";
import { type ReactNode, memo } from "react";
import type { Card } from "../../../src-preload/contract/library.ts";
import { rank } from "../../lib/format.ts";
import { familyName } from "../../lib/words.ts";
import { Picture } from "../../ui/glyph.tsx";
import { IconAlertTriangle, IconHeartFilled } from "../../ui/icons.ts";

interface CardProps {
  readonly card: Card;
  readonly index: number;
  readonly total: number;
  readonly selected: boolean;
  readonly active: boolean;
}

export const LibraryCard = memo(function LibraryCard({
  card,
  index,
  total,
  selected,
  active,
}: CardProps): ReactNode {
  const badge =
    card.kind === "recipe" ? "recipe" : card.family === "sdxl" ? null : familyName(card.family);
  return (
    <div
      id={`card-${card.id}`}
      className="card"
      role="option"
      aria-selected={selected}
      aria-setsize={total}
      aria-posinset={index + 1}
      aria-label={`${card.name}, rank ${rank(card.rank)}${card.trouble === null ? "" : `, needs a look: ${card.trouble}`}`}
      data-index={index}
      data-id={card.id}
      data-active={active || undefined}
      draggable
    >
      <div className="card-picture">
        <Picture id={card.id} preview={card.preview} />
        {badge !== null && <span className="card-badge">{badge}</span>}
        {card.trouble !== null && (
          <Tooltip label={card.trouble} multiline maw={260}>
            <span className="card-trouble">
              <IconAlertTriangle size={14} stroke={1.8} />
            </span>
          </Tooltip>
        )}
      </div>
      <div className="card-name clip" title={card.name}>
        {card.name}
      </div>
      <div className="card-foot">
        <span className="grow clip">rank {rank(card.rank)}</span>
        {card.favourite && <IconHeartFilled size={12} aria-hidden="true" />}
        {card.rating > 0 && (
          <span className="card-stars" aria-label={`${card.rating} of 5`}>
            {"★".repeat(card.rating)}
          </span>
        )}
      </div>
    </div>
  );
});

export function CardSkeleton(): ReactNode {
  return (
    <div className="card card-waiting" aria-hidden="true">
      <div className="card-picture" />
      <div className="card-name" />
      <div className="card-foot" />
    </div>
  );
}
