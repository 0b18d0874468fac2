/** Keeps a slot's picture true to what a page shows: asks for it, finds one made before, and compares it with another. */
import { useEffect, useMemo } from "react";
import type { Family } from "../../../src-preload/contract/common.ts";
import type { Model } from "../../../src-preload/contract/models.ts";
import type { PictureLora, PictureSettings } from "../../../src-preload/contract/previews.ts";
import { fillPrompt } from "../../lib/prompt.ts";
import { shortHash } from "../../lib/short-hash.ts";
import { useConnection } from "../../studio/connection.ts";
import { type Wish, showMade, slotOf, stop, useLive, wishFor } from "./live.ts";
import { type Made, madeWith, useMade } from "./made.ts";
import { usePictureSettings } from "./picture-settings.ts";

type Plain<T> = T extends { strength?: unknown } ? Omit<T, "strength"> : never;

/** What a picture shows. */
export interface Subject {
  readonly lora: Plain<PictureLora>;
  readonly trigger: string | null;
}

/** Names the identity alone, without prompt and settings. */
export function nameOf(subject: Pick<Subject, "lora">): string {
  return shortHash(JSON.stringify(subject.lora));
}

type Settings = ReturnType<typeof usePictureSettings.getState>;

function settingsOf(
  state: Settings,
  family: Family | null,
  trigger: string | null,
): PictureSettings {
  const { seed, steps, sampler, schedule, cfg, rescale, clipSkip, convention } = state;
  const size = family === null ? undefined : state.sizes[family];
  return {
    prompt: fillPrompt(state.prompt, trigger),
    negative: fillPrompt(state.negative, trigger),
    seed,
    steps,
    sampler,
    schedule,
    cfg,
    rescale,
    clipSkip,
    convention,
    width: size?.width ?? null,
    height: size?.height ?? null,
  };
}

function make(state: Settings, model: Model, subject: Subject): Wish {
  const settings = settingsOf(state, model.family, subject.trigger);
  const loras: PictureLora[] = [{ ...subject.lora, strength: state.strength }];
  const key = shortHash(JSON.stringify([model.id, loras, settings]));
  return { key, of: nameOf(subject), model: model.id, loras, settings };
}

/** The wish for a subject with the settings as they are at this moment. */
export function wishNow(model: Model, subject: Subject): Wish {
  return make(usePictureSettings.getState(), model, subject);
}

export function useWish(model: Model | null, subject: Subject | null): Wish | null {
  const state = usePictureSettings();
  return useMemo(
    () => (model === null || subject === null ? null : make(state, model, subject)),
    [state, model, subject],
  );
}

interface Follow {
  readonly slot: string;
  readonly wish: Wish | null;
  /** What it is compared with; null where it is not. */
  readonly before: Wish | null;
}

/** Asks for the picture of `wish` whenever it changes, and for the one before it once that is done. */
export function useFollowing({ slot, wish, before }: Follow): { readonly beforeMade: Made | null } {
  const follow = usePictureSettings((state) => state.follow);
  const generation = useConnection((state) => state.generation);
  const list = useMade((state) => state.list);
  const rest = useLive((state) => {
    const { doing, failure } = slotOf(state, slot);
    return doing === null && failure === null;
  });
  const shown = useLive((state) => slotOf(state, slot).key);
  const second = `${slot}.before`;

  const key = wish?.key ?? null;
  useEffect(() => {
    if (wish === null) return;
    stop(second);
    const made = madeWith(useMade.getState().list, wish.key);
    if (made !== undefined) showMade(slot, wish.key, wish.of, made.picture);
    else if (follow) wishFor(slot, wish);
    // The key names the wish. A new connection knows nothing of what was asked over the old one.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [key, follow, generation, slot]);

  const done = rest && key !== null && shown === key;
  const beforeKey = before?.key ?? null;
  const beforeMade = beforeKey === null ? null : (madeWith(list, beforeKey) ?? null);
  const missing = before !== null && beforeMade === null;
  useEffect(() => {
    if (done && follow && missing) wishFor(second, before);
    // oxlint-disable-next-line react/exhaustive-deps
  }, [done, follow, missing, beforeKey]);

  useEffect(
    () => () => {
      stop(slot);
      stop(second);
    },
    [slot, second],
  );
  return { beforeMade };
}
