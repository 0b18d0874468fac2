/** The mix that is being edited: its parents, their weights, how they are mixed, and the way back. */
import { z } from "zod";
import { create } from "zustand";
import type { Draft, Measure } from "../../../src-preload/contract/identities.ts";
import { type Undo, record, redo, settle, undo, undoable } from "../../lib/undo-stack.ts";
import { type Weight, applyWeights, rebalance, setWeight } from "../../lib/weights.ts";
import { studio } from "../../studio/client.ts";
import { remember } from "../../studio/remember.ts";
import { toast, toastFailure } from "../../ui/toast.tsx";

const Parent = z.object({
  id: z.string(),
  name: z.string(),
  preview: z.string().nullable(),
  value: z.number(),
  locked: z.boolean(),
});
export type Parent = z.infer<typeof Parent>;

export const Mode = z.enum(["latent", "slerp", "delta"]);
export type Mode = z.infer<typeof Mode>;

const Mix = z.object({
  parents: z.array(Parent),
  mode: Mode,
  /** Null: the parents' largest. */
  rank: z.number().nullable(),
  /** Null: the newest space that fits. */
  space: z.string().nullable(),
});
export type Mix = z.infer<typeof Mix>;

interface BlendState {
  readonly history: Undo<Mix>;
  readonly steps: number;
  /** Whether the picture is compared with the first parent's. */
  readonly compare: boolean;
  readonly measure: Measure | null;
  readonly failure: unknown;
  readonly measuring: boolean;
}

const LIMIT = 64;

export const useBlend = create<BlendState>(() => ({
  history: undoable<Mix>({ parents: [], mode: "delta", rank: null, space: null }),
  steps: 7,
  compare: false,
  measure: null,
  failure: null,
  measuring: false,
}));

const Stored = z.object({
  past: z.array(Mix),
  present: Mix,
  future: z.array(Mix),
  steps: z.number().int().min(3).max(64),
  compare: z.boolean().default(false),
});
const STEPS_KEPT = 30;

remember(
  "blend",
  useBlend,
  ({ history, steps, compare }) => ({
    past: history.past.slice(-STEPS_KEPT),
    present: history.present,
    future: history.future.slice(0, STEPS_KEPT),
    steps,
    compare,
  }),
  (value) => {
    const stored = Stored.safeParse(value).data;
    if (stored === undefined) return null;
    const { steps, compare, ...stack } = stored;
    return { steps, compare, history: { ...stack, merge: null } };
  },
);

export function mixOf(state: BlendState): Mix {
  return state.history.present;
}

export function draftOf(
  mix: Mix,
  weights: readonly number[] = mix.parents.map((parent) => parent.value),
): Draft | null {
  if (mix.parents.length === 0) return null;
  return {
    kind: "blend",
    mode: mix.mode,
    parents: mix.parents.map((parent, i) => ({ id: parent.id, weight: weights[i] ?? 0 })),
    ...(mix.mode !== "delta" && mix.space !== null ? { space: mix.space } : {}),
    ...(mix.mode === "delta" && mix.rank !== null ? { rank: mix.rank } : {}),
  };
}

function change(make: (mix: Mix) => Mix, merge: string | null = null): void {
  useBlend.setState((state) => ({
    history: record(state.history, make(state.history.present), merge),
  }));
}

export function undoMix(): void {
  useBlend.setState((state) => ({ history: undo(state.history) }));
}
export function redoMix(): void {
  useBlend.setState((state) => ({ history: redo(state.history) }));
}
export function settleMix(): void {
  useBlend.setState((state) => ({ history: settle(state.history) }));
}

export function toggleCompare(): void {
  useBlend.setState((state) => ({ compare: !state.compare }));
}

function withWeights(mix: Mix, weights: readonly Weight[]): Mix {
  return {
    ...mix,
    parents: mix.parents.map((parent, i) => ({
      ...parent,
      value: weights[i]?.value ?? 0,
      locked: weights[i]?.locked ?? false,
    })),
  };
}

export function setParentWeight(index: number, value: number, gesture: string | null): void {
  change((mix) => withWeights(mix, setWeight(mix.parents, index, value)), gesture);
}

export function setAllWeights(wished: readonly number[], gesture: string | null): void {
  change((mix) => withWeights(mix, applyWeights(mix.parents, wished)), gesture);
}

/** Goes to a step of the strip whatever is locked: it was asked for by name. */
export function goToWeights(weights: readonly number[]): void {
  change((mix) => ({
    ...mix,
    parents: mix.parents.map((parent, i) => ({ ...parent, value: weights[i] ?? 0, locked: false })),
  }));
}

export function toggleParentLock(index: number): void {
  change((mix) => ({
    ...mix,
    parents: mix.parents.map((parent, i) =>
      i === index ? { ...parent, locked: !parent.locked } : parent,
    ),
  }));
}

export function removeParent(index: number): void {
  change((mix) => {
    const parents = mix.parents.filter((_, i) => i !== index);
    return withWeights({ ...mix, parents }, rebalance(parents));
  });
}

export function moveToFront(index: number): void {
  change((mix) => {
    const parent = mix.parents[index];
    return parent === undefined
      ? mix
      : { ...mix, parents: [parent, ...mix.parents.filter((_, i) => i !== index)] };
  });
}

export function clearMix(): void {
  change((mix) => ({ ...mix, parents: [] }));
}

export function setOptions(options: Partial<Pick<Mix, "mode" | "rank" | "space">>): void {
  change((mix) => ({ ...mix, ...options }));
}

type Named = Pick<Parent, "id" | "name" | "preview">;

export function addParents(list: readonly Named[]): void {
  const present = mixOf(useBlend.getState()).parents;
  const fresh = list.filter((each) => !present.some((parent) => parent.id === each.id));
  const room = LIMIT - present.length;
  if (fresh.length > room)
    toast({
      text: `A blend takes at most ${LIMIT} parents; ${fresh.length - room} were left out.`,
    });
  const added = fresh.slice(0, room);
  if (added.length === 0) return;
  change((mix) => {
    const parents = [
      ...mix.parents,
      ...added.map(({ id, name, preview }) => ({ id, name, preview, value: 0, locked: false })),
    ];
    return withWeights({ ...mix, parents }, rebalance([...mix.parents, ...added.map(() => null)]));
  });
}

export async function addIds(ids: readonly string[]): Promise<void> {
  try {
    addParents(await Promise.all(ids.slice(0, LIMIT).map((id) => studio.library.get({ id }))));
  } catch (error) {
    toastFailure("Not added to the blend", error);
  }
}

/** Starts a new blend of a selection; undo brings the old one back. */
export async function blendThese(ids: readonly string[]): Promise<void> {
  try {
    const list = await Promise.all(ids.slice(0, LIMIT).map((id) => studio.library.get({ id })));
    change((mix) => {
      const parents = list.map(({ id, name, preview }) => ({
        id,
        name,
        preview,
        value: 0,
        locked: false,
      }));
      return withWeights({ ...mix, parents }, rebalance(parents.map(() => null)));
    });
  } catch (error) {
    toastFailure("These could not be blended", error);
  }
}
