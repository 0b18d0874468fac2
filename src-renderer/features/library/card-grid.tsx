/** The grid: virtual rows over windowed pages, selection by mouse and keyboard, right click, drag onto collections. */
import { useVirtualizer } from "@tanstack/react-virtual";
import {
  type KeyboardEvent,
  type MouseEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import type { Filter } from "../../../src-preload/contract/library.ts";
import { arrowTarget, rangeTo, selectOne, selectRange, toggleOne } from "../../lib/selection.ts";
import { studio } from "../../studio/client.ts";
import { openMenu } from "../../ui/context-menu.tsx";
import { Failed } from "../../ui/states.tsx";
import { toastFailure } from "../../ui/toast.tsx";
import { actionsFor } from "./actions.ts";
import { CardSkeleton, LibraryCard } from "./card.tsx";
import { type Cards, useCards } from "./cards.ts";
import { setDragged } from "./drag.ts";
import { changeMany } from "./edits.ts";
import { select, useLibrary } from "./library-state.ts";

const GAP = 12;
const PADDING = 16;
const MIN_CARD = 146;
const CAPTION = 50;

interface GridProps {
  readonly filter: Filter;
  readonly collection: { id: string; name: string } | null;
  readonly empty: ReactNode;
  onCount(total: number | undefined): void;
}

export function CardGrid({ filter, collection, empty, onCount }: GridProps): ReactNode {
  const scroller = useRef<HTMLDivElement>(null);
  const width = useWidth(scroller);
  const columns = Math.max(1, Math.floor((width - 2 * PADDING + GAP) / (MIN_CARD + GAP)));
  const cardWidth = Math.floor((width - 2 * PADDING - (columns - 1) * GAP) / columns);
  const rowHeight = cardWidth + CAPTION + GAP;
  const selection = useLibrary((state) => state.selection);

  const [range, setRange] = useState({ from: 0, to: 60 });
  const cards = useCards(filter, range.from, range.to);
  const total = cards.total ?? 0;
  useEffect(() => onCount(cards.total), [cards.total, onCount]);

  // Its methods change with every scroll; nothing here memoises by them.
  // oxlint-disable-next-line react/incompatible-library
  const rows = useVirtualizer({
    count: Math.ceil(total / columns),
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 2,
    paddingStart: 4,
    paddingEnd: PADDING,
  });
  useEffect(() => rows.measure(), [rowHeight, rows]);

  const items = rows.getVirtualItems();
  const from = (items[0]?.index ?? 0) * columns;
  const to = ((items.at(-1)?.index ?? 10) + 1) * columns - 1;
  useEffect(
    () => setRange((old) => (old.from === from && old.to === to ? old : { from, to })),
    [from, to],
  );

  // The place of last time can only be gone to once the rows are there.
  const restore = useRef(useLibrary.getState().scroll);
  const drawn = total > 0 && width > 0;
  useLayoutEffect(() => {
    if (!drawn || restore.current === 0) return;
    scroller.current?.scrollTo({ top: restore.current });
    restore.current = 0;
  }, [drawn]);

  const key = JSON.stringify(filter);
  const shown = useRef(key);
  useEffect(() => {
    if (shown.current !== key) scroller.current?.scrollTo({ top: 0 });
    shown.current = key;
  }, [key]);

  const rangeIds = useCallback(
    async (first: number, last: number): Promise<string[]> => {
      const loaded: string[] = [];
      for (let i = first; i <= last; i++) {
        const card = cards.cardAt(i);
        if (card === undefined) return (await studio.library.ids(filter)).slice(first, last + 1);
        loaded.push(card.id);
      }
      return loaded;
    },
    [cards, filter],
  );

  function pick(
    index: number,
    event: { shiftKey: boolean; ctrlKey: boolean; metaKey: boolean },
  ): void {
    const card = cards.cardAt(index);
    if (event.shiftKey) {
      const span = rangeTo(selection, index);
      rangeIds(span.from, span.to)
        .then((ids) => select(selectRange(selection, ids, index)))
        .catch((error: unknown) => toastFailure("The range could not be selected", error));
    } else if (card !== undefined)
      select(
        event.ctrlKey || event.metaKey
          ? toggleOne(selection, card.id, index)
          : selectOne(card.id, index),
      );
  }

  function cardOf(event: { target: EventTarget }): { id: string; index: number } | null {
    const element =
      event.target instanceof Element ? event.target.closest<HTMLElement>(".card[data-id]") : null;
    const id = element?.dataset["id"];
    return element === null || id === undefined
      ? null
      : { id, index: Number(element.dataset["index"]) };
  }

  function menu(event: MouseEvent): void {
    const at = cardOf(event);
    if (at === null) return;
    event.preventDefault();
    const inside = selection.ids.has(at.id);
    if (!inside) select(selectOne(at.id, at.index));
    openMenu(event, "Selection", actionsFor(inside ? [...selection.ids] : [at.id], collection));
  }

  function key_(event: KeyboardEvent<HTMLDivElement>): void {
    if (event.altKey) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? rowHeight) / rowHeight));
    const target =
      event.ctrlKey || event.metaKey
        ? null
        : arrowTarget(selection.active, event.key, columns, total, page);
    const ids = [...selection.ids];
    if (target !== null) {
      event.preventDefault();
      pick(target, { shiftKey: event.shiftKey, ctrlKey: false, metaKey: false });
      rows.scrollToIndex(Math.floor(target / columns));
    } else if (event.key === "Enter" && ids.length > 0) {
      const primary = actionsFor(ids, collection)[0];
      primary?.run();
    } else if (event.key === " " && selection.active !== null) {
      event.preventDefault();
      pick(selection.active, { shiftKey: false, ctrlKey: true, metaKey: false });
    } else if (event.key === "ContextMenu" || (event.shiftKey && event.key === "F10")) {
      event.preventDefault();
      const box = document.getElementById(`card-${ids.at(-1) ?? ""}`)?.getBoundingClientRect();
      if (box !== undefined)
        openMenu(
          { clientX: box.left + 24, clientY: box.top + 24 },
          "Selection",
          actionsFor(ids, collection),
        );
    } else if (!event.ctrlKey && !event.metaKey && /^[0-5]$/u.test(event.key) && ids.length > 0) {
      void changeMany(ids, { rating: Number(event.key) }, "Rate");
    }
  }

  const active = selection.active === null ? undefined : cards.cardAt(selection.active);
  if (cards.error !== null && cards.total === undefined)
    return (
      <Failed
        doing="The library could not be read"
        error={cards.error}
        next="The files are untouched. Settings has a check of the library."
      />
    );
  return (
    <div
      ref={scroller}
      className="grid"
      role="listbox"
      aria-multiselectable="true"
      aria-label="LoRAs"
      aria-activedescendant={active === undefined ? undefined : `card-${active.id}`}
      aria-busy={cards.total === undefined}
      tabIndex={0}
      onKeyDown={key_}
      onContextMenu={menu}
      onScroll={(event) => {
        if (restore.current === 0) useLibrary.setState({ scroll: event.currentTarget.scrollTop });
      }}
      onClick={(event) => {
        const at = cardOf(event);
        if (at !== null) pick(at.index, event);
        else if (!event.shiftKey && !event.ctrlKey && !event.metaKey)
          select({ ids: new Set(), anchor: null, active: null });
      }}
      onDoubleClick={(event) => {
        const at = cardOf(event);
        if (at !== null) actionsFor([at.id], collection)[0]?.run();
      }}
      onDragStart={(event) => {
        const at = cardOf(event);
        if (at === null) return;
        const inside = selection.ids.has(at.id);
        if (!inside) select(selectOne(at.id, at.index));
        setDragged(event.dataTransfer, inside ? [...selection.ids] : [at.id]);
      }}
    >
      {cards.total === 0 ? (
        empty
      ) : (
        <div
          style={{
            height: cards.total === undefined ? "100%" : rows.getTotalSize(),
            position: "relative",
          }}
        >
          {cards.total === undefined && width > 0
            ? [0, 1, 2, 3].map((row) => (
                <Row key={row} top={4 + row * rowHeight} columns={columns} width={cardWidth}>
                  {Array.from({ length: columns }, (_, i) => (
                    <CardSkeleton key={i} />
                  ))}
                </Row>
              ))
            : items.map((row) => (
                <Row key={row.key} top={row.start} columns={columns} width={cardWidth}>
                  {cells(cards, row.index * columns, columns, total, selection)}
                </Row>
              ))}
        </div>
      )}
    </div>
  );
}

function cells(
  cards: Cards,
  first: number,
  columns: number,
  total: number,
  selection: { ids: ReadonlySet<string>; active: number | null },
): ReactNode[] {
  return Array.from({ length: Math.min(columns, total - first) }, (_, i) => {
    const index = first + i;
    const card = cards.cardAt(index);
    return card === undefined ? (
      <CardSkeleton key={index} />
    ) : (
      <LibraryCard
        key={card.id}
        card={card}
        index={index}
        total={total}
        selected={selection.ids.has(card.id)}
        active={selection.active === index}
      />
    );
  });
}

function Row({
  top,
  columns,
  width,
  children,
}: {
  readonly top: number;
  readonly columns: number;
  readonly width: number;
  readonly children: ReactNode;
}): ReactNode {
  const style = useMemo(
    () => ({
      transform: `translateY(${top}px)`,
      gridTemplateColumns: `repeat(${columns}, ${width}px)`,
      gap: GAP,
      left: PADDING,
      ["--card" as string]: `${width}px`,
    }),
    [top, columns, width],
  );
  return (
    <div className="grid-row" role="presentation" style={style}>
      {children}
    </div>
  );
}

function useWidth(element: React.RefObject<HTMLDivElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const target = element.current;
    if (target === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(target.clientWidth));
    observer.observe(target);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
