/** Pictures on their way, one a slot: the newest wish is made next, what lies between is forgotten, nothing queues up. */
import { create } from "zustand";
import type {
  Picture,
  PictureEvent,
  PictureLora,
  PictureSettings,
} from "../../../src-preload/contract/previews.ts";
import { type Latest, latestWins } from "../../lib/latest.ts";
import { studio } from "../../studio/client.ts";
import { useConnection } from "../../studio/connection.ts";
import { madeUrl } from "../../studio/files.ts";
import { addMade } from "./made.ts";

/** A picture as a page wants it. */
export interface Wish {
  readonly key: string;
  /** Name of the identity in it, for thumbnails. */
  readonly of: string;
  readonly model: string;
  readonly loras: readonly PictureLora[];
  readonly settings: PictureSettings;
}

type Doing = Extract<PictureEvent, { kind: "preparing" } | { kind: "step" }>;

interface Slot {
  /** What is being done; null at rest. */
  readonly doing: Doing | null;
  /** The newest image: a step preview, or the picture itself. It stays until the next one's first. */
  readonly source: string | null;
  /** The wish that `source` belongs to. */
  readonly of: string | null;
  /** The finished picture that is shown; null while a step preview is. */
  readonly picture: Picture | null;
  readonly key: string | null;
  readonly failure: unknown;
}

const nothing: Slot = {
  doing: null,
  source: null,
  of: null,
  picture: null,
  key: null,
  failure: null,
};

interface LiveState {
  readonly slots: Readonly<Record<string, Slot>>;
  /** Whose picture each slot was asked for last. */
  readonly asked: Readonly<Record<string, string>>;
}

export const useLive = create<LiveState>(() => ({ slots: {}, asked: {} }));

export function slotOf(state: LiveState, name: string): Slot {
  return state.slots[name] ?? nothing;
}

function change(name: string, part: Partial<Slot>): void {
  useLive.setState((state) => ({
    slots: { ...state.slots, [name]: { ...slotOf(state, name), ...part } },
  }));
}

/**
 * How long a moving slider waits for the first step of what it asked for: without it a new wish every frame
 * would end each picture before anything of it could be seen. A slow model is not waited for any longer.
 */
const HOLD_MS = 1200;

interface Pump {
  readonly pump: Latest<Wish>;
  /** Counts runs; events of older ones say nothing any more. */
  run: number;
}
const pumps = new Map<string, Pump>();

function pumpOf(name: string): Pump {
  const found = pumps.get(name);
  if (found !== undefined) return found;
  const made: Pump = {
    run: 0,
    pump: latestWins<Wish, void>((wish) => begin(name, made, wish), {
      result() {},
      failure: (failure) => change(name, { failure, doing: null }),
    }),
  };
  pumps.set(name, made);
  return made;
}

/** Asks for a picture; the previous one stays until something of the new one can be seen. */
export function wishFor(name: string, wish: Wish): void {
  useLive.setState(({ asked }) => ({ asked: { ...asked, [name]: wish.of } }));
  pumpOf(name).pump.push(wish);
}

/** Shows what was made before, instead of what is being made. */
export function showMade(name: string, key: string, of: string, picture: Picture): void {
  stop(name);
  change(name, { source: madeUrl(picture.sha256), of, picture, key, failure: null });
}

export function stop(name: string): void {
  const held = pumpOf(name);
  held.pump.cancel();
  held.run++;
  if (slotOf(useLive.getState(), name).doing === null) return;
  change(name, { doing: null });
  studio.previews.cancel({ slot: name }).catch(() => {
    // Without a connection nothing is made for this page either.
  });
}

/** Takes the image away, where another thing is looked at now. */
export function clear(name: string): void {
  stop(name);
  change(name, nothing);
}

/** Resolves once the next wish may follow: with the first image, the end, or after a while. */
async function begin(name: string, held: Pump, wish: Wish): Promise<void> {
  const run = ++held.run;
  change(name, { doing: { kind: "preparing", doing: "" }, failure: null });
  const { key, of, model, loras, settings } = wish;
  const events = await studio.previews.make({ slot: name, model, loras: [...loras], settings });
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, HOLD_MS);
    function seen(): void {
      clearTimeout(timer);
      resolve();
    }
    void follow(name, () => run === held.run, { key, of }, events, seen).finally(seen);
  });
}

async function follow(
  name: string,
  current: () => boolean,
  { key, of }: { readonly key: string; readonly of: string },
  events: AsyncIterable<PictureEvent>,
  seen: () => void,
): Promise<void> {
  let ended = false;
  try {
    for await (const event of events) {
      if (event.kind === "done") addMade({ key, of, picture: event.picture });
      if (event.kind === "done" || event.kind === "superseded") ended = true;
      // Leaving the loop tells main that nobody listens, also where it had not begun when it was cancelled.
      if (!current()) return;
      switch (event.kind) {
        case "preparing":
          change(name, { doing: event });
          break;
        case "step":
          change(name, {
            doing: event,
            ...(event.image === null
              ? {}
              : { source: `data:image/webp;base64,${event.image}`, of, picture: null, key: null }),
          });
          if (event.image !== null) seen();
          break;
        case "done":
          change(name, {
            doing: null,
            source: madeUrl(event.picture.sha256),
            of,
            picture: event.picture,
            key,
          });
          break;
        case "superseded":
          change(name, { doing: null });
          break;
      }
    }
    if (!ended && current())
      change(name, {
        doing: null,
        failure: new Error("The picture ended before it was finished. Try again."),
      });
  } catch (failure) {
    // A lost connection is told by the banner, and the page asks again once it is back.
    const lost = useConnection.getState().state !== "open";
    if (current()) change(name, { doing: null, failure: lost ? null : failure });
  }
}
