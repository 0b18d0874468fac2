/** The right panel of the Library: one identity in full, or what can be done with several. */
import { Button, Menu, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useRef } from "react";
import type { Details } from "../../../src-preload/contract/library.ts";
import { count, plural } from "../../lib/format.ts";
import { queries, studio } from "../../studio/client.ts";
import { MenuItems } from "../../ui/context-menu.tsx";
import { Picture } from "../../ui/glyph.tsx";
import { IconButton } from "../../ui/icon-button.tsx";
import {
  IconAlertTriangle,
  IconDots,
  IconHeart,
  IconHeartFilled,
  IconPackageExport,
} from "../../ui/icons.ts";
import { NameText } from "../../ui/name-text.tsx";
import { Stars } from "../../ui/stars.tsx";
import { Failed } from "../../ui/states.tsx";
import { toast, toastFailure } from "../../ui/toast.tsx";
import { actionsFor } from "./actions.ts";
import { knownCard } from "./cards.ts";
import { changeMany, changeOne } from "./edits.ts";
import { Facts } from "./facts.tsx";
import { IdentityPicture } from "./identity-picture.tsx";
import { Collections, Neighbours, Notes, Provenance, Tags, Triggers } from "./inspector-parts.tsx";
import { useLibrary } from "./library-state.ts";

interface InspectorProps {
  readonly ids: readonly string[];
  readonly collection: { id: string; name: string } | null;
}

export function Inspector({ ids, collection }: InspectorProps): ReactNode {
  const [first] = ids;
  if (first === undefined)
    return (
      <div className="inspector-none">
        <p className="muted">Select a LoRA to see what Facet understood of it.</p>
        <p className="small faint">
          Shift and Ctrl select several, Ctrl A all. Right click shows what can be done.
        </p>
      </div>
    );
  return ids.length === 1 ? (
    <One id={first} collection={collection} key={first} />
  ) : (
    <Several ids={ids} collection={collection} />
  );
}

function One({
  id,
  collection,
}: {
  readonly id: string;
  readonly collection: InspectorProps["collection"];
}): ReactNode {
  const { data, error, refetch } = useQuery(queries.library.get.queryOptions({ input: { id } }));
  const trash = useLibrary((state) => state.view === "trash");
  if (error !== null)
    return (
      <Failed doing="This LoRA could not be shown" error={error} retry={() => void refetch()} />
    );
  const known = data ?? knownCard(id);
  const actions = actionsFor([id], collection);
  const primary = actions[0];

  return (
    <div className="workspace-scroll inspector" data-testid="inspector">
      <IdentityPicture id={id} known={known} data={data} />
      <div className="row inspector-name">
        {known === undefined ? (
          <Skeleton height={20} width="60%" />
        ) : (
          <NameText
            value={known.name}
            label="Rename"
            className="inspector-title"
            onCommit={(name) => changeOne(id, { name }, { name: known.name }, "Rename")}
          />
        )}
        <span className="faint grow clip">{known === undefined ? "" : endingOf(data)}</span>
        {known !== undefined && (
          <IconButton
            icon={known.favourite ? IconHeartFilled : IconHeart}
            label={known.favourite ? "Take out of favourites" : "Add to favourites"}
            size={24}
            pressed={known.favourite}
            onClick={() => void changeMany([id], { favourite: !known.favourite }, "Favourite")}
          />
        )}
      </div>
      <div className="row inspector-actions">
        <Button variant="filled" className="grow" onClick={() => primary?.run()}>
          {primary?.label}
        </Button>
        {!trash && (
          <Button
            leftSection={<IconPackageExport size={16} stroke={1.6} />}
            onClick={() => actions.find((action) => action.id === "export")?.run()}
          >
            Export
          </Button>
        )}
        <More id={id} data={data} collection={collection} />
      </div>
      {known !== undefined && known.trouble !== null && (
        <div className="trouble" role="note">
          <IconAlertTriangle size={16} stroke={1.6} aria-hidden="true" />
          <span data-selectable>{known.trouble}</span>
        </div>
      )}
      {data === undefined ? <Waiting /> : <Known data={data} />}
    </div>
  );
}

function Known({ data }: { readonly data: Details }): ReactNode {
  return (
    <>
      <div className="row inspector-rating">
        <Stars
          value={data.rating}
          label={`Rating of ${data.name}`}
          onChange={(rating) => void changeMany([data.id], { rating }, "Rate")}
        />
      </div>
      <Facts data={data} />
      <Triggers data={data} />
      <Tags ids={[data.id]} tags={data.tags} />
      <Collections data={data} />
      <Neighbours id={data.id} />
      <Notes data={data} />
      <Provenance data={data} />
    </>
  );
}

function More({
  id,
  data,
  collection,
}: {
  readonly id: string;
  readonly data: Details | undefined;
  readonly collection: InspectorProps["collection"];
}): ReactNode {
  const input = useRef<HTMLInputElement>(null);
  const rest = actionsFor([id], collection).slice(2);

  function setPicture(file: File | null): void {
    const picture = file === null ? Promise.resolve(null) : toBase64(file);
    picture
      .then((bytes) => studio.library.setPreview({ id, picture: bytes }))
      .catch((error: unknown) =>
        toastFailure(
          file === null ? "The picture was not removed" : `${file.name} was not taken as a picture`,
          error,
        ),
      );
  }

  return (
    <>
      <Menu position="bottom-end" width={230}>
        <Menu.Target>
          <Button className="inspector-more" aria-label="More actions">
            <IconDots size={16} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => input.current?.click()}>Set a picture…</Menu.Item>
          {data?.preview !== null && data?.preview !== undefined && (
            <Menu.Item onClick={() => setPicture(null)}>Remove the picture</Menu.Item>
          )}
          {data?.kind === "recipe" && (
            <Menu.Item onClick={() => verify(id)}>Make again and compare</Menu.Item>
          )}
          <Menu.Divider />
          <MenuItems actions={rest} />
        </Menu.Dropdown>
      </Menu>
      <input
        ref={input}
        type="file"
        hidden
        accept="image/png,image/jpeg,image/webp"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          event.currentTarget.value = "";
          if (file !== undefined) setPicture(file);
        }}
      />
    </>
  );
}

function verify(id: string): void {
  studio.identities
    .verify({ id })
    .then(({ same }) =>
      toast({
        text: same
          ? "Made again: the same bytes as before."
          : "Made again: the numbers differ from those that were kept. Another version or machine made them.",
      }),
    )
    .catch((error: unknown) => toastFailure("It could not be made again", error));
}

async function toBase64(file: File): Promise<string> {
  const url = await new Promise<string>((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () =>
      resolve(typeof reader.result === "string" ? reader.result : ""),
    );
    reader.addEventListener("error", () => reject(new Error(`${file.name} could not be read`)));
    reader.readAsDataURL(file);
  });
  return url.slice(url.indexOf(",") + 1);
}

function endingOf(data: Details | undefined): string {
  if (data === undefined) return "";
  if (data.kind === "recipe") return "recipe";
  const ending = /\.[a-z]+$/iu.exec(data.path ?? "")?.[0];
  return ending ?? "";
}

function Waiting(): ReactNode {
  return (
    <div className="column" aria-hidden="true">
      {[80, 60, 70, 50, 65, 75].map((width, i) => (
        <Skeleton key={i} height={14} width={`${width}%`} my={2} />
      ))}
    </div>
  );
}

function Several({ ids, collection }: InspectorProps): ReactNode {
  const actions = actionsFor(ids, collection);
  const shown = ids.slice(0, 9);
  const known = ids.map((id) => knownCard(id));
  const shared = known.every((card) => card !== undefined)
    ? (known[0]?.tags.filter((tag) => known.every((card) => card?.tags.includes(tag))) ?? [])
    : [];
  const rating = known.every((card) => card !== undefined && card.rating === known[0]?.rating)
    ? (known[0]?.rating ?? 0)
    : 0;
  return (
    <div className="workspace-scroll inspector">
      <div className="several" aria-hidden="true">
        {shown.map((id) => (
          <span key={id}>
            <Picture id={id} preview={knownCard(id)?.preview} />
          </span>
        ))}
      </div>
      <h2 className="inspector-title">{plural(ids.length, "LoRA")} selected</h2>
      <div className="column several-actions">
        {actions
          .filter((action) => action.danger !== true)
          .map((action, i) => (
            <Button
              key={action.id}
              variant={i === 0 ? "filled" : "default"}
              leftSection={<action.icon size={16} stroke={1.6} />}
              justify="flex-start"
              onClick={() => action.run()}
            >
              {action.label}
            </Button>
          ))}
        {actions
          .filter((action) => action.danger === true)
          .map((action) => (
            <Button
              key={action.id}
              leftSection={<action.icon size={16} stroke={1.6} />}
              justify="flex-start"
              c="var(--danger)"
              onClick={() => action.run()}
            >
              {action.label}
            </Button>
          ))}
      </div>
      <div className="row inspector-rating">
        <span className="muted grow">Rate all</span>
        <Stars
          value={rating}
          label={`Rating of ${count(ids.length)} LoRAs`}
          onChange={(value) => void changeMany(ids, { rating: value }, "Rate")}
        />
      </div>
      <Tags ids={ids} tags={shared} />
    </div>
  );
}
