/** The windowed list behind the grid: only the pages on screen are asked for, whatever the library's size. */
import { useQueries } from "@tanstack/react-query";
import { useMemo, useRef } from "react";
import type { Card, Filter } from "../../../src-preload/contract/library.ts";
import { queries, queryClient } from "../../studio/client.ts";

/** About three screens of cards. */
const PAGE = 120;

export interface Cards {
  /** Undefined before the first answer ever. */
  readonly total: number | undefined;
  readonly error: unknown;
  /** Undefined while its page is on the way. */
  cardAt(index: number): Card | undefined;
}

export function useCards(filter: Filter, from: number, to: number): Cards {
  const pages: number[] = [];
  for (
    let page = Math.floor(Math.max(0, from) / PAGE);
    page <= Math.floor(Math.max(0, to) / PAGE);
    page++
  )
    pages.push(page);

  const answers = useQueries({
    queries: pages.map((page) =>
      queries.library.list.queryOptions({
        input: { ...filter, offset: page * PAGE, limit: PAGE },
        gcTime: 60_000,
      }),
    ),
  });

  const key = JSON.stringify(filter);
  const last = useRef<{ key: string; cards: Cards } | null>(null);
  // After a jump none of the pages on screen is there yet, but how many rows there are is still known.
  const known = last.current?.key === key ? last.current.cards.total : undefined;
  const total = answers.find((answer) => answer.data !== undefined)?.data?.total ?? known;
  const error = answers.find((answer) => answer.error !== null)?.error ?? null;

  const cards = useMemo<Cards>(
    () => ({
      total,
      error,
      cardAt: (index) =>
        answers[pages.indexOf(Math.floor(index / PAGE))]?.data?.cards[index % PAGE],
    }),
    // `answers` is new on every render; which data it holds is told by pages and times.
    // oxlint-disable-next-line react/exhaustive-deps
    [key, total, error, pages.join(), answers.map((answer) => answer.dataUpdatedAt).join()],
  );

  // Until a new filter has its first answer the old cards stay: nothing flickers while one types.
  if (total === undefined && error === null && last.current !== null && last.current.key !== key)
    return last.current.cards;
  if (total !== undefined) last.current = { key, cards };
  return cards;
}

/** A card that some page on screen has already loaded. */
export function knownCard(id: string): Card | undefined {
  for (const [, data] of queryClient.getQueriesData<{ cards: Card[] }>({
    queryKey: queries.library.list.key(),
  })) {
    const found = data?.cards.find((card) => card.id === id);
    if (found !== undefined) return found;
  }
  return undefined;
}
