/** Below a picture: how far it is while it is made, what it took and what to know of it afterwards, and what can be done with it. */
import { Button, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Model } from "../../../src-preload/contract/models.ts";
import type { Picture, PictureSettings } from "../../../src-preload/contract/previews.ts";
import { count, milliseconds, plural, seconds } from "../../lib/format.ts";
import { parametersOf } from "../../lib/parameters.ts";
import { providerName } from "../../lib/words.ts";
import { queries, studio } from "../../studio/client.ts";
import { download, madeUrl } from "../../studio/files.ts";
import { copyText } from "../../ui/copy.ts";
import { IconButton } from "../../ui/icon-button.tsx";
import { IconArrowsMaximize, IconCopy, IconDownload, IconFolderOpen } from "../../ui/icons.ts";
import { toast, toastFailure } from "../../ui/toast.tsx";
import { type Wish, slotOf, stop, useLive, wishFor } from "./live.ts";

interface CaptionProps {
  readonly slot: string;
  readonly wish: Wish | null;
  readonly model: Model;
  /** What the file is called. */
  readonly name: string;
  /** Gives the picture the whole screen. */
  enlarge(): void;
}

export function Caption({ slot, wish, model, name, enlarge }: CaptionProps): ReactNode {
  const { doing, picture, key, failure } = useLive((state) => slotOf(state, slot));
  const comparing = useLive((state) => slotOf(state, `${slot}.before`).doing !== null);
  // What failed says itself how to try again.
  const stale = wish !== null && doing === null && failure === null && key !== wish.key;
  return (
    <div className="picture-caption small">
      <span className="picture-notes clip muted" title={picture?.notes.join("\n")}>
        {picture !== null && <Told picture={picture} />}
      </span>
      <span className="row picture-state" role="status" aria-label="The picture" aria-live="off">
        {doing !== null && (
          <>
            <span className="muted">{doingText(doing)}</span>
            <Button size="compact-sm" onClick={() => stop(slot)}>
              Cancel
            </Button>
          </>
        )}
        {stale && (
          <Button size="compact-sm" variant="filled" onClick={() => wishFor(slot, wish)}>
            Make the picture
          </Button>
        )}
        {doing === null && !stale && failure === null && picture !== null && (
          <>
            <span className="muted">
              <Tooltip label={beforeText(picture)} multiline maw={300}>
                <strong>{seconds(picture.seconds)}</strong>
              </Tooltip>{" "}
              · {plural(picture.steps, "step")} · {picture.width} × {picture.height} ·{" "}
              {providerName(picture.provider)}
            </span>
            {comparing && <span className="faint">making the one before</span>}
          </>
        )}
      </span>
      <span className="row picture-tools">
        {picture !== null && wish !== null && (
          <PictureTools picture={picture} settings={wish.settings} model={model} name={name} />
        )}
        {picture !== null && (
          <IconButton
            icon={IconArrowsMaximize}
            label="Fill the screen with the picture"
            size={24}
            onClick={enlarge}
          />
        )}
      </span>
    </div>
  );
}

function beforeText({ before }: Picture): string {
  const parts = [
    ["matrices", before.decode],
    ["inputs", before.change],
    ["text", before.text],
    ["sessions", before.sessions],
  ] as const;
  return `Before the first step: ${parts.map(([name, time]) => `${name} ${milliseconds(time)}`).join(", ")}`;
}

export function doingText(
  doing:
    | { readonly kind: "preparing"; readonly doing: string }
    | {
        readonly kind: "step";
        readonly step: number;
        readonly steps: number;
        readonly secondsPerStep: number;
      },
): string {
  if (doing.kind === "preparing") return doing.doing === "" ? "Preparing" : doing.doing;
  const pace = doing.secondsPerStep > 0 ? ` · ${seconds(doing.secondsPerStep)} a step` : "";
  return `step ${doing.step} of ${doing.steps}${pace}`;
}

/** How much of each LoRA found its place, where it was not all, and the notes. */
function Told({ picture }: { readonly picture: Picture }): ReactNode {
  const partly = picture.loras.filter((lora) => lora.applied < lora.total);
  const total = picture.loras.reduce((sum, lora) => sum + lora.total, 0);
  return (
    <>
      {partly.map((lora, i) => (
        <span key={i} className="caution">
          {count(lora.applied)} of {plural(lora.total, "module")} applied.{" "}
        </span>
      ))}
      {partly.length === 0 && total > 0 && <>{plural(total, "module")} applied. </>}
      {picture.notes.join(" ")}
    </>
  );
}

interface ToolsProps {
  readonly picture: Picture;
  readonly settings: PictureSettings;
  readonly model: Model;
  readonly name: string;
}

function PictureTools({ picture, settings, model, name }: ToolsProps): ReactNode {
  const shell = useQuery(queries.system.capabilities.queryOptions()).data?.shell;
  return (
    <>
      <IconButton
        icon={IconCopy}
        label="Copy the settings"
        size={24}
        onClick={() => {
          copyText(parametersOf(picture, settings, model.name));
          toast({ text: "Settings copied" });
        }}
      />
      {shell === "electron" && (
        <IconButton
          icon={IconFolderOpen}
          label="Show the file in its folder"
          size={24}
          onClick={() => {
            studio.system
              .showInFolder({ path: picture.path })
              .catch((error: unknown) => toastFailure("The folder was not opened", error));
          }}
        />
      )}
      <IconButton
        icon={IconDownload}
        label="Save the picture"
        size={24}
        onClick={() => savePicture(picture, name, settings.seed)}
      />
    </>
  );
}

export function savePicture(picture: Picture, name: string, seed: number): void {
  download(madeUrl(picture.sha256), `${fileName(name)} ${seed}.png`);
}

/** Characters that no file system takes are left out. */
function fileName(name: string): string {
  return name.replaceAll(/[\\/:*?"<>|]+/gu, " ").trim() || "picture";
}
