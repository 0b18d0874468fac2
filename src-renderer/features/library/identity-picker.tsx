/** Finding one identity of the library: a search field over a short list, in a popover. */
import { Popover, TextInput } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type ReactElement, type ReactNode, useState } from "react";
import type { Family } from "../../../src-preload/contract/common.ts";
import type { Card } from "../../../src-preload/contract/library.ts";
import { rank } from "../../lib/format.ts";
import { queries } from "../../studio/client.ts";
import { Picture } from "../../ui/glyph.tsx";
import { IconSearch } from "../../ui/icons.ts";
import "./identity-picker.css";

interface PickerProps {
  readonly label: string;
  readonly family?: Family | undefined;
  /** A first row above the found ones, e.g. the mean. */
  readonly extra?: { readonly label: string; readonly about: string; pick(): void };
  readonly without?: ReadonlySet<string>;
  /** Stays open after a pick, for adding several. */
  readonly several?: boolean;
  onPick(card: Card): void;
  /** The button that opens it. */
  children(open: () => void, opened: boolean): ReactElement;
}

const SHOWN = 40;

export function IdentityPicker({
  label,
  family,
  extra,
  without,
  several = false,
  onPick,
  children,
}: PickerProps): ReactNode {
  const [opened, setOpened] = useState(false);
  return (
    <Popover
      opened={opened}
      onChange={setOpened}
      width={300}
      position="bottom-start"
      trapFocus
      returnFocus
    >
      <Popover.Target>{children(() => setOpened(!opened), opened)}</Popover.Target>
      <Popover.Dropdown p={0} aria-label={label}>
        {opened && (
          <List
            label={label}
            family={family}
            extra={
              extra === undefined
                ? undefined
                : {
                    ...extra,
                    pick: () => {
                      extra.pick();
                      setOpened(false);
                    },
                  }
            }
            without={without}
            onPick={(card) => {
              onPick(card);
              if (!several) setOpened(false);
            }}
          />
        )}
      </Popover.Dropdown>
    </Popover>
  );
}

function List({
  label,
  family,
  extra,
  without,
  onPick,
}: {
  readonly label: string;
  readonly family: Family | undefined;
  readonly extra: PickerProps["extra"] | undefined;
  readonly without: ReadonlySet<string> | undefined;
  onPick(card: Card): void;
}): ReactNode {
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const query = [text, family === undefined ? "" : `family:${family}`].join(" ").trim();
  const { data, isPlaceholderData, refetch } = useQuery(
    queries.library.list.queryOptions({
      input: { query, limit: SHOWN, sort: text === "" ? "newest" : "name" },
      placeholderData: keepPreviousData,
    }),
  );
  const offered = (list: readonly Card[]): Card[] =>
    list.filter((card) => without?.has(card.id) !== true);
  const cards = offered(data?.cards ?? []);
  const first = extra !== undefined && text === "" ? 1 : 0;

  /** Who types faster than the answer comes means what is asked for, not what is still shown. */
  async function takeFirst(): Promise<void> {
    const [card] = offered((await refetch({ cancelRefetch: false })).data?.cards ?? []);
    if (card !== undefined) onPick(card);
  }

  function take(at: number): void {
    if (first === 1 && at === 0) extra?.pick();
    else {
      const card = cards[at - first];
      if (card !== undefined) onPick(card);
    }
  }

  return (
    <div className="picker">
      <TextInput
        data-autofocus
        aria-label={label}
        placeholder="Search the library"
        leftSection={<IconSearch size={16} stroke={1.6} />}
        value={text}
        spellCheck={false}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setActive(0);
        }}
        onKeyDown={(event) => {
          const last = cards.length + first - 1;
          if (event.key === "ArrowDown") setActive(Math.min(last, active + 1));
          else if (event.key === "ArrowUp") setActive(Math.max(0, active - 1));
          else if (event.key === "Enter")
            if (isPlaceholderData) void takeFirst();
            else take(active);
          else return;
          event.preventDefault();
        }}
      />
      <div className="picker-list" role="listbox" aria-label={label}>
        {first === 1 && (
          <button
            type="button"
            tabIndex={-1}
            role="option"
            aria-selected={active === 0}
            className="picker-one"
            onClick={() => take(0)}
            onPointerMove={() => setActive(0)}
          >
            <span className="thumb picker-mean" />
            <span className="grow clip">{extra?.label}</span>
            <span className="small faint">{extra?.about}</span>
          </button>
        )}
        {cards.map((card, i) => (
          <button
            key={card.id}
            type="button"
            tabIndex={-1}
            role="option"
            aria-selected={active === i + first}
            className="picker-one"
            ref={(element) => {
              if (active === i + first) element?.scrollIntoView({ block: "nearest" });
            }}
            onClick={() => take(i + first)}
            onPointerMove={() => setActive(i + first)}
          >
            <span className="thumb">
              <Picture id={card.id} preview={card.preview} detail="small" />
            </span>
            <span className="grow clip">{card.name}</span>
            <span className="small faint">rank {rank(card.rank)}</span>
          </button>
        ))}
        {data !== undefined && cards.length === 0 && (
          <p className="muted small picker-none">Nothing matches.</p>
        )}
      </div>
      {data !== undefined && data.total > SHOWN && (
        <p className="tiny faint picker-more">
          {SHOWN} of {data.total.toLocaleString("en-US")} shown. Type to narrow down.
        </p>
      )}
    </div>
  );
}
