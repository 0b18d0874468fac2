/** One picture that shows whether a model works: a plain prompt, no LoRA. */
import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import type { Model } from "../../../src-preload/contract/models.ts";
import { plural, seconds } from "../../lib/format.ts";
import { fillPrompt } from "../../lib/prompt.ts";
import { shortHash } from "../../lib/short-hash.ts";
import { providerName } from "../../lib/words.ts";
import { madeUrl } from "../../studio/files.ts";
import { Failed } from "../../ui/states.tsx";
import { doingText } from "../picture/caption.tsx";
import { type Wish, slotOf, stop, useLive, wishFor } from "../picture/live.ts";
import { forgetMade, madeOf, useMade } from "../picture/made.ts";
import { usePictureSettings } from "../picture/picture-settings.ts";
import { PictureView } from "../picture/picture-view.tsx";
import { firstPreset } from "../picture/presets.ts";

const SLOT = "models";

/** Enough to tell a face from noise. */
const STEPS = 12;

/** Names a model's pictures without anybody in them. */
function nameOf(model: Model): string {
  return shortHash(`model ${model.id}`);
}

function testWish(model: Model): Wish {
  const { sizes, sampler, schedule, convention } = usePictureSettings.getState();
  const size = model.family === null ? undefined : sizes[model.family];
  const settings = {
    prompt: fillPrompt(firstPreset.prompt, null),
    negative: firstPreset.negative,
    seed: 1,
    steps: STEPS,
    sampler,
    schedule,
    cfg: 6,
    rescale: model.zeroTerminalSnr ? 0.7 : 0,
    clipSkip: null,
    convention,
    width: size?.width ?? null,
    height: size?.height ?? null,
  };
  const key = shortHash(JSON.stringify([model.id, settings]));
  return { key, of: nameOf(model), model: model.id, loras: [], settings };
}

export function makeTestPicture(model: Model): void {
  wishFor(SLOT, testWish(model));
}

export function TestPicture({ model }: { readonly model: Model }): ReactNode {
  const of = nameOf(model);
  const made = useMade((state) => madeOf(state.list, of));
  const live = useLive((state) => slotOf(state, SLOT));
  const mine = useLive((state) => state.asked[SLOT] === of);
  const doing = mine ? live.doing : null;
  const stepping = mine && live.of === of && live.picture === null && live.source !== null;
  const source =
    stepping && doing !== null
      ? live.source
      : made === undefined
        ? null
        : madeUrl(made.picture.sha256);
  if (source === null && doing === null && !(mine && live.failure !== null)) return null;
  return (
    <div className="model-test">
      {(source !== null || doing !== null) && (
        <div className="model-picture">
          <PictureView
            source={source}
            label={`Test picture of ${model.name}`}
            soft={stepping}
            progress={
              doing === null ? null : doing.kind === "step" ? doing.step / doing.steps : Number.NaN
            }
            onGone={() => made !== undefined && forgetMade(made.picture.sha256)}
          >
            {doing === null ? "" : doingText(doing)}
          </PictureView>
        </div>
      )}
      {doing !== null && (
        <div className="row small muted">
          <span className="grow" role="status" aria-live="off">
            {doingText(doing)}
          </span>
          <Button size="compact-sm" onClick={() => stop(SLOT)}>
            Cancel
          </Button>
        </div>
      )}
      {doing === null && made !== undefined && (
        <div className="small muted">
          {seconds(made.picture.seconds)} · {plural(made.picture.steps, "step")} ·{" "}
          {made.picture.width} × {made.picture.height} · {providerName(made.picture.provider)}
          {made.picture.notes.map((note) => ` · ${note}`)}
        </div>
      )}
      {mine && live.failure !== null && (
        <Failed
          doing={`${model.name} made no picture`}
          error={live.failure}
          retry={() => makeTestPicture(model)}
        />
      )}
    </div>
  );
}
