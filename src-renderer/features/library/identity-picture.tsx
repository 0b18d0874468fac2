/** The picture of one identity in the details: its preview, or one made on the spot with the settings of the other pages. */
import { Button } from "@mantine/core";
import { type ReactNode, useMemo } from "react";
import type { Card, Details } from "../../../src-preload/contract/library.ts";
import { seconds } from "../../lib/format.ts";
import { studio } from "../../studio/client.ts";
import { madeUrl } from "../../studio/files.ts";
import { Picture } from "../../ui/glyph.tsx";
import { IconButton } from "../../ui/icon-button.tsx";
import { IconDownload, IconPhoto, IconPhotoSpark } from "../../ui/icons.ts";
import { Failed } from "../../ui/states.tsx";
import { toast, toastFailure } from "../../ui/toast.tsx";
import { AddModel } from "../picture/add-model.tsx";
import { doingText, savePicture } from "../picture/caption.tsx";
import { clear, slotOf, stop, useLive, wishFor } from "../picture/live.ts";
import { forgetMade, madeOf, useMade } from "../picture/made.ts";
import { HowItIsMade, Prompt } from "../picture/picture-bar.tsx";
import { rollSeed } from "../picture/picture-settings.ts";
import { PictureView } from "../picture/picture-view.tsx";
import { usePictureModel } from "../picture/use-models.ts";
import { type Subject, nameOf, useWish, wishNow } from "../picture/use-picture.ts";

/** Slots of the inspector: one, since one identity is looked at. */
const SLOT = "library";

export function IdentityPicture({
  id,
  known,
  data,
}: {
  readonly id: string;
  readonly known: Card | undefined;
  readonly data: Details | undefined;
}): ReactNode {
  const { model, usable } = usePictureModel(known?.family ?? null);
  const trigger = data?.triggerWords[0] ?? null;
  const subject = useMemo<Subject>(
    () => ({ lora: { kind: "library", id }, trigger }),
    [id, trigger],
  );
  const wish = useWish(model ?? null, data === undefined ? null : subject);
  const of = nameOf(subject);
  const made = useMade((state) => madeOf(state.list, of));
  const live = useLive((state) => slotOf(state, SLOT));
  const mine = useLive((state) => state.asked[SLOT] === of);
  const doing = mine ? live.doing : null;
  const source =
    mine && live.source !== null && live.of === of
      ? live.source
      : made === undefined
        ? null
        : madeUrl(made.picture.sha256);
  const soft = mine && live.of === of && live.picture === null && live.source !== null;

  // The same settings would give the same picture.
  const same = made !== undefined && made.key === wish?.key;
  return (
    <>
      <div className="inspector-picture">
        {source === null && doing === null ? (
          <Picture id={id} preview={known?.preview} detail="huge" />
        ) : (
          <PictureView
            key={id}
            source={source}
            label={`Picture of ${known?.name ?? "this LoRA"}`}
            soft={soft}
            progress={
              doing === null ? null : doing.kind === "step" ? doing.step / doing.steps : Number.NaN
            }
            onGone={() => {
              if (made !== undefined) forgetMade(made.picture.sha256);
              clear(SLOT);
            }}
          >
            {doing === null ? "" : doingText(doing)}
          </PictureView>
        )}
      </div>
      {model !== undefined && model !== null && (
        <div className="inspector-make">
          <div className="row">
            <Prompt trigger={trigger} />
            <HowItIsMade model={model} models={usable} />
          </div>
          <div className="row">
            {doing === null ? (
              <Button
                leftSection={<IconPhotoSpark size={16} stroke={1.6} />}
                disabled={wish === null}
                onClick={() => {
                  if (same) rollSeed();
                  wishFor(SLOT, wishNow(model, subject));
                }}
              >
                {same ? "Another seed" : "Make a picture"}
              </Button>
            ) : (
              <Button onClick={() => stop(SLOT)}>Cancel</Button>
            )}
            <span className="grow small muted clip" role="status" aria-live="off">
              {doing !== null
                ? doingText(doing)
                : made !== undefined && `${seconds(made.picture.seconds)}, ${model.name}`}
            </span>
            {made !== undefined && doing === null && (
              <>
                <IconButton
                  icon={IconPhoto}
                  label="Show it on the card"
                  onClick={() => void takeAsPreview(id, made.picture.sha256)}
                />
                <IconButton
                  icon={IconDownload}
                  label="Save the picture"
                  onClick={() =>
                    savePicture(made.picture, known?.name ?? "picture", wish?.settings.seed ?? 0)
                  }
                />
              </>
            )}
          </div>
        </div>
      )}
      {mine && live.failure !== null && (
        <div className="inspector-failed">
          <Failed doing="The picture was not made" error={live.failure} />
        </div>
      )}
      {model === null && known !== undefined && <AddModel family={known.family} />}
    </>
  );
}

/** The card shows what main keeps, so the picture goes there. */
async function takeAsPreview(id: string, sha256: string): Promise<void> {
  try {
    const answer = await fetch(madeUrl(sha256));
    if (!answer.ok) throw new Error("The picture is not kept any more; make it again.");
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const parts: string[] = [];
    // A call takes a limited number of arguments.
    for (let at = 0; at < bytes.length; at += 8192)
      parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
    await studio.library.setPreview({ id, picture: btoa(parts.join("")) });
    toast({ text: "The card shows this picture now" });
  } catch (error) {
    toastFailure("The card was not changed", error);
  }
}
