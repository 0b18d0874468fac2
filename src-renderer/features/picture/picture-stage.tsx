/** The picture in the middle of a page, live: previews of its steps, the picture itself, what went wrong. */
import { type ReactNode, useCallback, useRef } from "react";
import type { Model } from "../../../src-preload/contract/models.ts";
import { madeUrl } from "../../studio/files.ts";
import { Failed } from "../../ui/states.tsx";
import { Caption, doingText } from "./caption.tsx";
import { type Wish, slotOf, useLive, wishFor } from "./live.ts";
import { forgetMade } from "./made.ts";
import "./picture-stage.css";
import { PictureView } from "./picture-view.tsx";
import { useFollowing } from "./use-picture.ts";

interface PictureStageProps {
  readonly slot: string;
  readonly model: Model;
  readonly wish: Wish | null;
  /** What it is compared with; null without. */
  readonly before: Wish | null;
  readonly beforeName: string;
  /** Of the identity in it. */
  readonly name: string;
}

export function PictureStage({
  slot,
  model,
  wish,
  before,
  beforeName,
  name,
}: PictureStageProps): ReactNode {
  const { beforeMade } = useFollowing({
    slot,
    wish,
    before: before === null || before.key === wish?.key ? null : before,
  });
  const { doing, source, picture, failure } = useLive((state) => slotOf(state, slot));
  // The file of a picture that was made long ago may have been swept away.
  const gone = useCallback(
    (url: string) => {
      const sha256 = /^\/picture\/([0-9a-f]+)\.png$/u.exec(url)?.[1];
      if (sha256 === undefined) return;
      forgetMade(sha256);
      if (wish !== null && picture?.sha256 === sha256) wishFor(slot, wish);
    },
    [wish, picture, slot],
  );
  const stage = useRef<HTMLDivElement>(null);
  const settings = wish?.settings;
  const aspect =
    settings?.width == null || settings.height == null ? 1 : settings.width / settings.height;
  return (
    <>
      <div className="picture-stage" ref={stage}>
        <PictureView
          source={source}
          label={`Picture of ${name}`}
          before={beforeMade === null ? null : madeUrl(beforeMade.picture.sha256)}
          beforeName={beforeName}
          aspect={aspect}
          soft={picture === null}
          progress={
            doing === null ? null : doing.kind === "step" ? doing.step / doing.steps : Number.NaN
          }
          onGone={gone}
        >
          {doing === null ? "No picture of this yet" : doingText(doing)}
        </PictureView>
      </div>
      {failure !== null && (
        <Failed
          doing="The picture was not made"
          error={failure}
          {...(wish === null ? {} : { retry: () => wishFor(slot, wish) })}
        />
      )}
      <Caption
        slot={slot}
        wish={wish}
        model={model}
        name={name}
        enlarge={() => void stage.current?.requestFullscreen()}
      />
    </>
  );
}
