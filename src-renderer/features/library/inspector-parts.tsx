/** Sections of the inspector that can be edited, and those that lead elsewhere. */
import { copyText } from "../../ui/copy.ts";
import { Button, Menu, Skeleton, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { Details } from "../../../src-preload/contract/library.ts";
import type { Recipe } from "../../../src-preload/contract/recipe.ts";
import { plural } from "../../lib/format.ts";
import { formName } from "../../lib/words.ts";
import { queries } from "../../studio/client.ts";
import { Copy, Fold } from "../../ui/fold.tsx";
import { Picture } from "../../ui/glyph.tsx";
import { IconButton } from "../../ui/icon-button.tsx";
import { IconCopy, IconPlus, IconX } from "../../ui/icons.ts";
import "../../ui/tags.css";
import {
  addToCollection,
  changeMany,
  changeOne,
  createCollection,
  takeFromCollection,
} from "./edits.ts";
import { revealIdentity, searchLibrary } from "./library-state.ts";
import { tagTerm } from "../../lib/query.ts";
import { useOverview } from "./overview.ts";

function Section({
  title,
  children,
  tool,
}: {
  readonly title: string;
  readonly children: ReactNode;
  readonly tool?: ReactNode;
}): ReactNode {
  return (
    <section className="inspector-section">
      <div className="row inspector-section-head">
        <h3 className="section-title grow">{title}</h3>
        {tool}
      </div>
      {children}
    </section>
  );
}

/** A one-line field that shows up behind a plus. */
function Adding({
  label,
  placeholder,
  onAdd,
}: {
  readonly label: string;
  readonly placeholder: string;
  onAdd(text: string): void;
}): ReactNode {
  const [text, setText] = useState<string | null>(null);
  if (text === null)
    return (
      <button type="button" className="tag tag-add" aria-label={label} onClick={() => setText("")}>
        <IconPlus size={12} aria-hidden="true" />
      </button>
    );
  return (
    <TextInput
      className="adding"
      size="xs"
      aria-label={label}
      placeholder={placeholder}
      autoFocus
      value={text}
      maxLength={100}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={() => setText(null)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape") setText(null);
        if (event.key !== "Enter") return;
        if (text.trim() === "") setText(null);
        else {
          onAdd(text.trim());
          setText("");
        }
      }}
    />
  );
}

export function Triggers({ data }: { readonly data: Details }): ReactNode {
  const words = data.triggerWords;
  function set(triggerWords: string[]): void {
    changeOne(data.id, { triggerWords }, { triggerWords: words }, "Trigger words");
  }
  return (
    <Section
      title="Trigger words"
      tool={words.length > 0 && <Copy text={words.join(", ")} label="Copy all trigger words" />}
    >
      <div className="tags">
        {words.map((word) => (
          <span key={word} className="tag tag-split">
            <button
              type="button"
              className="plain clip"
              title="Copy"
              aria-label={`Copy ${word}`}
              onClick={() => copyText(word)}
            >
              {word} <IconCopy size={11} aria-hidden="true" />
            </button>
            <button
              type="button"
              className="plain"
              aria-label={`Remove trigger word ${word}`}
              onClick={() => set(words.filter((each) => each !== word))}
            >
              <IconX size={12} aria-hidden="true" />
            </button>
          </span>
        ))}
        <Adding
          label="Add a trigger word"
          placeholder="sks person"
          onAdd={(word) => set([...words.filter((each) => each !== word), word])}
        />
      </div>
    </Section>
  );
}

export function Tags({
  ids,
  tags,
}: {
  readonly ids: readonly string[];
  readonly tags: readonly string[];
}): ReactNode {
  return (
    <Section title={ids.length > 1 ? "Tags they share" : "Tags"}>
      <div className="tags">
        {tags.map((tag) => (
          <span key={tag} className="tag tag-split">
            <button
              type="button"
              className="plain clip"
              aria-label={`Search for the tag ${tag}`}
              onClick={() => searchLibrary(tagTerm(tag))}
            >
              {tag}
            </button>
            <button
              type="button"
              className="plain"
              aria-label={`Remove tag ${tag}`}
              onClick={() => void changeMany(ids, { removeTags: [tag] }, `Remove tag ${tag}`)}
            >
              <IconX size={12} aria-hidden="true" />
            </button>
          </span>
        ))}
        <Adding
          label="Add a tag"
          placeholder="tag"
          onAdd={(tag) => void changeMany(ids, { addTags: [tag] }, `Add tag ${tag}`)}
        />
      </div>
    </Section>
  );
}

export function Collections({ data }: { readonly data: Details }): ReactNode {
  const all = useOverview()?.collections ?? [];
  const mine = all.filter((each) => data.collections.includes(each.id));
  const others = all.filter((each) => !data.collections.includes(each.id));
  return (
    <Section
      title="Collections"
      tool={
        <Menu position="bottom-end">
          <Menu.Target>
            <span>
              <IconButton icon={IconPlus} label="Add to a collection" size={20} />
            </span>
          </Menu.Target>
          <Menu.Dropdown>
            {others.map((each) => (
              <Menu.Item
                key={each.id}
                onClick={() => void addToCollection(each.id, each.name, [data.id])}
              >
                {each.name}
              </Menu.Item>
            ))}
            {others.length > 0 && <Menu.Divider />}
            <Menu.Item
              leftSection={<IconPlus size={14} />}
              onClick={() => {
                const name = `Collection ${all.length + 1}`;
                void createCollection(name).then((id) =>
                  id === null ? undefined : addToCollection(id, name, [data.id]),
                );
              }}
            >
              New collection
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      }
    >
      <div className="tags">
        {mine.map((each) => (
          <span key={each.id} className="tag tag-split">
            <span className="clip">{each.name}</span>
            <button
              type="button"
              className="plain"
              aria-label={`Take out of ${each.name}`}
              onClick={() => void takeFromCollection(each.id, each.name, [data.id])}
            >
              <IconX size={12} aria-hidden="true" />
            </button>
          </span>
        ))}
        {mine.length === 0 && <span className="small faint">In none</span>}
      </div>
    </Section>
  );
}

export function Neighbours({ id }: { readonly id: string }): ReactNode {
  const { data, isPending } = useQuery(
    queries.library.similar.queryOptions({ input: { id, limit: 8 } }),
  );
  if (data?.length === 0) return null;
  return (
    <Section title="Look alike">
      <div className="neighbours">
        {isPending &&
          [0, 1, 2, 3, 4, 5, 6, 7].map((i) => <Skeleton key={i} className="neighbour-waiting" />)}
        {data?.map(({ card, similarity }) => (
          <button
            key={card.id}
            type="button"
            className="plain neighbour"
            title={`${card.name}, ${similarity.toFixed(2)}`}
            aria-label={`${card.name}, similarity ${similarity.toFixed(2)}`}
            onClick={() => revealIdentity(card.id)}
          >
            <span className="neighbour-picture">
              <Picture id={card.id} preview={card.preview} detail="small" />
            </span>
            <span className="tiny muted">{similarity.toFixed(2)}</span>
          </button>
        ))}
      </div>
    </Section>
  );
}

export function Notes({ data }: { readonly data: Details }): ReactNode {
  const [draft, setDraft] = useState<string | null>(null);
  return (
    <Section title="Notes">
      <Textarea
        aria-label="Notes"
        placeholder="What it is good for, what to watch out for"
        autosize
        minRows={2}
        maxRows={12}
        value={draft ?? data.notes}
        maxLength={20_000}
        onChange={(event) => setDraft(event.currentTarget.value)}
        onBlur={() => {
          if (draft !== null && draft !== data.notes)
            changeOne(data.id, { notes: draft }, { notes: data.notes }, "Notes");
          // The draft stands until main's own text comes back the same.
          else setDraft(null);
        }}
      />
    </Section>
  );
}

export function Provenance({ data }: { readonly data: Details }): ReactNode {
  if (data.recipe === null) return null;
  const { recipe, facet, fingerprint } = data.recipe;
  return (
    <Section title="Made by Facet">
      <p className="provenance" data-selectable>
        {sentence(recipe)}
      </p>
      <Fold title="Recipe" copy={JSON.stringify(data.recipe, null, 2)}>
        <pre className="recipe mono" data-selectable>
          {`facet ${facet}\nfingerprint ${fingerprint}\n\n${JSON.stringify(recipe, null, 1)}`}
        </pre>
      </Fold>
      {parentsOf(recipe).length > 0 && (
        <div className="row provenance-parents">
          {parentsOf(recipe).map((parent) => (
            <Button
              key={parent.id}
              size="compact-sm"
              leftSection={
                <span className="thumb provenance-thumb">
                  <Picture id={parent.id} detail="small" />
                </span>
              }
              onClick={() => revealIdentity(parent.id)}
            >
              {parent.name}
            </Button>
          ))}
        </div>
      )}
    </Section>
  );
}

function parentsOf(recipe: Recipe): { id: string; name: string }[] {
  if (recipe.kind === "resize") return [recipe.parent];
  if (recipe.kind === "delta-blend") return recipe.parents.map((each) => each.parent);
  const origin = recipe.origin;
  if (origin.kind === "blend") return origin.parents.map((each) => each.parent);
  if (origin.kind === "project") return [origin.from];
  return origin.kind === "move" && origin.from !== undefined ? [origin.from] : [];
}

function sentence(recipe: Recipe): string {
  const mix = (parents: readonly { parent: { name: string }; weight: number }[]): string =>
    parents.map((each) => `${each.parent.name} ${each.weight.toFixed(2)}`).join(", ");
  if (recipe.kind === "resize") return `${recipe.parent.name}, cut to rank ${recipe.rank}.`;
  if (recipe.kind === "delta-blend")
    return `Exact mix of the products of ${mix(recipe.parents)}, cut to rank ${recipe.rank}.`;
  const moved = recipe.coordinates.filter((value) => Math.abs(value) > 0.005).length;
  const place = `in ${recipe.space.name} (${formName(recipe.space.form).toLowerCase()}, ${plural(recipe.coordinates.length, "component")})`;
  const origin = recipe.origin;
  switch (origin.kind) {
    case "mean":
      return `The mean, moved along ${plural(moved, "component")} ${place}.`;
    case "move":
      return `${origin.from === undefined ? "The mean" : origin.from.name}, moved ${place}.`;
    case "blend":
      return `${origin.mode === "slerp" ? "Spherical" : "Latent"} blend of ${mix(origin.parents)} ${place}.`;
    case "sample":
      return `Sample ${origin.index} of seed ${origin.seed}, spread ${origin.spread}, ${place}.`;
    case "project":
      return `${origin.from.name}, projected ${place}.`;
  }
}
