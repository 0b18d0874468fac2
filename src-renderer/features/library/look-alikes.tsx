/** Groups of LoRAs whose products nearly coincide, with a threshold to loosen or tighten. */
import { Slider } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { plural } from "../../lib/format.ts";
import { selectOne, toggleOne } from "../../lib/selection.ts";
import { queries } from "../../studio/client.ts";
import { openMenu } from "../../ui/context-menu.tsx";
import { Empty, Failed } from "../../ui/states.tsx";
import { actionsFor } from "./actions.ts";
import { LibraryCard } from "./card.tsx";
import { removeIdentities } from "./edits.ts";
import { select, useLibrary } from "./library-state.ts";

/** Drawing thousands of groups at once helps nobody. */
const SHOWN = 60;

export function LookAlikes(): ReactNode {
  const [threshold, setThreshold] = useState(0.98);
  const [asked, setAsked] = useState(threshold);
  const selection = useLibrary((state) => state.selection);
  const { data, error } = useQuery(
    queries.library.duplicates.queryOptions({
      input: { threshold: asked },
      placeholderData: keepPreviousData,
    }),
  );

  return (
    <div className="alike">
      <div className="alike-head">
        <span className="muted small grow">
          {data === undefined
            ? "Comparing products…"
            : data.length === 0
              ? "No two LoRAs are that close"
              : `${plural(data.length, "group")} of look-alikes, by the cosine of their products`}
        </span>
        <span className="muted small" id="alike-threshold">
          At least <strong>{threshold.toFixed(2)}</strong>
        </span>
        <Slider
          className="alike-slider"
          size="xs"
          min={0.8}
          max={1}
          step={0.01}
          label={null}
          value={threshold}
          onChange={setThreshold}
          onChangeEnd={setAsked}
          thumbProps={{ "aria-labelledby": "alike-threshold" }}
        />
      </div>
      {error !== null && <Failed doing="Look-alikes could not be found" error={error} />}
      {data?.length === 0 && (
        <Empty
          title="No look-alikes"
          text="LoRAs are compared by what they do to the model, so renamed, resized and re-saved copies are found as well. Loosen the threshold to see near relatives."
        />
      )}
      <div className="alike-groups">
        {data?.slice(0, SHOWN).map((group) => {
          const ids = group.map((each) => each.card.id);
          const keep = [...group].sort(
            (a, b) =>
              b.card.rating - a.card.rating ||
              Number(b.card.favourite) - Number(a.card.favourite) ||
              a.card.createdAt - b.card.createdAt,
          )[0]?.card;
          return (
            <section
              key={ids.join()}
              className="alike-group"
              aria-label={`Look-alikes of ${group[0]?.card.name ?? ""}`}
            >
              <header className="row">
                <span className="strong grow clip">{group[0]?.card.name}</span>
                <button
                  type="button"
                  className="plain small muted"
                  onClick={() => void removeIdentities(ids.filter((id) => id !== keep?.id))}
                >
                  Keep {keep?.name}, delete {group.length - 1}
                </button>
              </header>
              <div
                className="alike-cards"
                role="listbox"
                aria-multiselectable="true"
                aria-label="Look-alikes"
                onContextMenu={(event) => {
                  const id =
                    event.target instanceof Element
                      ? event.target.closest<HTMLElement>(".card[data-id]")?.dataset["id"]
                      : undefined;
                  if (id === undefined) return;
                  event.preventDefault();
                  const chosen = selection.ids.has(id) ? [...selection.ids] : [id];
                  openMenu(event, "Selection", actionsFor(chosen, null));
                }}
              >
                {group.map(({ card, similarity }, i) => (
                  <button
                    key={card.id}
                    type="button"
                    className="plain alike-one"
                    onClick={(event) =>
                      select(
                        event.ctrlKey || event.metaKey || event.shiftKey
                          ? toggleOne(selection, card.id, i)
                          : selectOne(card.id, i),
                      )
                    }
                  >
                    <LibraryCard
                      card={card}
                      index={i}
                      total={group.length}
                      selected={selection.ids.has(card.id)}
                      active={false}
                    />
                    <span className="tiny faint">
                      {i === 0 ? "reference" : similarity.toFixed(3)}
                    </span>
                  </button>
                ))}
              </div>
            </section>
          );
        })}
        {data !== undefined && data.length > SHOWN && (
          <p className="muted small">
            The {SHOWN} closest groups are shown. Deal with these, and the next come up.
          </p>
        )}
      </div>
    </div>
  );
}
