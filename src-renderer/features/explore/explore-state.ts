/** The point that is being edited in each space: where it started, where it is, its variants, and the way back. */
import { z } from "zod";
import { create } from "zustand";
import type { Draft, Measure } from "../../../src-preload/contract/identities.ts";
import type { Space } from "../../../src-preload/contract/spaces.ts";
import { randomId } from "../../lib/random-id.ts";
import { snap } from "../../lib/slider.ts";
import { type Undo, record, redo, settle, undo, undoable } from "../../lib/undo-stack.ts";
import { queries, queryClient, studio } from "../../studio/client.ts";
import { remember } from "../../studio/remember.ts";
import { toastFailure } from "../../ui/toast.tsx";

const Start = z.object({
  /** Null for the members' mean. */
  id: z.string().nullable(),
  name: z.string(),
  coordinates: z.array(z.number()),
  /** Share of the identity that the space cannot express; null for the mean. */
  residual: z.number().nullable(),
});
type Start = z.infer<typeof Start>;

const Variant = z.object({ id: z.string(), name: z.string(), coordinates: z.array(z.number()) });
export type Variant = z.infer<typeof Variant>;

const Point = z.object({
  start: Start,
  coordinates: z.array(z.number()),
  locked: z.array(z.number()),
  variants: z.array(Variant),
});
export type Point = z.infer<typeof Point>;

export type Shown = "all" | "changed" | "starred";

interface ExploreState {
  readonly spaceId: string | null;
  readonly points: Readonly<Record<string, Undo<Point>>>;
  readonly shown: Shown;
  readonly compare: boolean;
  readonly drawing: "bars" | "ring";
  readonly selected: number | null;
  readonly seed: number;
  readonly sampled: number;
  readonly measure: Measure | null;
  readonly failure: unknown;
  readonly measuring: boolean;
  /** An identity that somebody wanted to explore while no space fitted it. */
  readonly wanted: { readonly id: string; readonly name: string } | null;
}

export const useExplore = create<ExploreState>(() => ({
  spaceId: null,
  points: {},
  shown: "all",
  compare: true,
  drawing: "bars",
  selected: null,
  seed: 4182,
  sampled: 0,
  measure: null,
  failure: null,
  measuring: false,
  wanted: null,
}));

const StoredUndo = z.object({ past: z.array(Point), present: Point, future: z.array(Point) });
const Stored = z.object({
  spaceId: z.string().nullable(),
  points: z.record(z.string(), StoredUndo),
  compare: z.boolean(),
  drawing: z.enum(["bars", "ring"]).default("bars"),
  seed: z.number(),
  sampled: z.number(),
});

/** Enough steps to take back yesterday's last thoughts, few enough to save often. */
const STEPS_KEPT = 20;

remember(
  "explore",
  useExplore,
  ({ spaceId, points, compare, drawing, seed, sampled }) => ({
    spaceId,
    compare,
    drawing,
    seed,
    sampled,
    points: Object.fromEntries(
      Object.entries(points).map(([id, stack]) => [
        id,
        id === spaceId
          ? {
              past: stack.past.slice(-STEPS_KEPT),
              present: stack.present,
              future: stack.future.slice(0, STEPS_KEPT),
            }
          : { past: [], present: stack.present, future: [] },
      ]),
    ),
  }),
  (value) => {
    const stored = Stored.safeParse(value).data;
    if (stored === undefined) return null;
    const points = Object.fromEntries(
      Object.entries(stored.points).map(([id, stack]) => [
        id,
        { ...stack, merge: null } satisfies Undo<Point>,
      ]),
    );
    return { ...stored, points };
  },
);

export function pointOf(state: ExploreState): Point | null {
  return state.spaceId === null ? null : (state.points[state.spaceId]?.present ?? null);
}

export function draftOf(spaceId: string, point: Point): Draft {
  return {
    kind: "point",
    space: spaceId,
    coordinates: point.coordinates,
    ...(point.start.id === null ? {} : { from: point.start.id }),
  };
}

function change(make: (point: Point) => Point, merge: string | null = null): void {
  useExplore.setState((state) => {
    const stack = state.spaceId === null ? undefined : state.points[state.spaceId];
    if (state.spaceId === null || stack === undefined) return state;
    return {
      points: { ...state.points, [state.spaceId]: record(stack, make(stack.present), merge) },
    };
  });
}

function step(move: (stack: Undo<Point>) => Undo<Point>): void {
  useExplore.setState((state) => {
    const stack = state.spaceId === null ? undefined : state.points[state.spaceId];
    return state.spaceId === null || stack === undefined
      ? state
      : { points: { ...state.points, [state.spaceId]: move(stack) } };
  });
}

export function undoMove(): void {
  step(undo);
}
export function redoMove(): void {
  step(redo);
}
export function settleMove(): void {
  step(settle);
}

export function openSpace(id: string): void {
  if (useExplore.getState().spaceId !== id)
    useExplore.setState({ spaceId: id, selected: null, measure: null, failure: null });
}

/** A space that is opened for the first time starts at its mean; one that was fitted anew may have another length. */
export function ensurePoint(spaceId: string, components: number): void {
  const present = useExplore.getState().points[spaceId]?.present;
  if (present !== undefined && present.coordinates.length === components) return;
  const zeros = Array.from({ length: components }, () => 0);
  const start: Start = { id: null, name: "Mean", coordinates: zeros, residual: null };
  useExplore.setState((state) => ({
    points: {
      ...state.points,
      [spaceId]: undoable<Point>({ start, coordinates: zeros, locked: [], variants: [] }),
    },
  }));
}

export function setCoordinate(index: number, value: number, gesture: string | null): void {
  change(
    (point) => ({
      ...point,
      coordinates: point.coordinates.map((old, i) => (i === index ? value : old)),
    }),
    gesture,
  );
}

/** Locked components stay where they are. */
export function setCoordinates(coordinates: readonly number[]): void {
  change((point) => ({
    ...point,
    coordinates: point.coordinates.map((old, i) =>
      point.locked.includes(i) ? old : snap(coordinates[i] ?? 0),
    ),
  }));
}

export function toggleLock(index: number): void {
  change((point) => ({
    ...point,
    locked: point.locked.includes(index)
      ? point.locked.filter((each) => each !== index)
      : [...point.locked, index],
  }));
}

export function resetAll(): void {
  change((point) => ({
    ...point,
    coordinates: point.coordinates.map((old, i) =>
      point.locked.includes(i) ? old : (point.start.coordinates[i] ?? 0),
    ),
  }));
}

export function startAtMean(): void {
  change((point) => {
    const zeros = point.coordinates.map(() => 0);
    return {
      ...point,
      start: { id: null, name: "Mean", coordinates: zeros, residual: null },
      coordinates: zeros,
    };
  });
}

/** Finds an identity's place in the open space and starts there. */
export async function startAt(
  spaceId: string,
  identity: { readonly id: string; readonly name: string },
): Promise<void> {
  try {
    const place = await studio.identities.locate({ space: spaceId, id: identity.id });
    ensurePoint(spaceId, place.coordinates.length);
    openSpace(spaceId);
    const coordinates = place.coordinates.map(snap);
    change((point) => ({
      ...point,
      start: { id: identity.id, name: identity.name, coordinates, residual: place.residual },
      coordinates,
    }));
  } catch (error) {
    toastFailure(`${identity.name} could not be placed in this space`, error);
  }
}

/** "Explore from here" anywhere: the space it was made in, else the open one, else the newest of its family. */
export async function exploreFrom(id: string): Promise<void> {
  try {
    const [details, all] = await Promise.all([
      studio.library.get({ id }),
      queryClient.fetchQuery({ ...queries.spaces.list.queryOptions(), staleTime: 0 }),
    ]);
    const usable = all.filter((space) => space.available && space.family === details.family);
    const recipe = details.recipe?.recipe;
    const made =
      recipe?.kind === "point" ? usable.find((space) => space.id === recipe.space.id) : undefined;
    const open = usable.find((space) => space.id === useExplore.getState().spaceId);
    const space = made ?? open ?? newest(usable);
    if (space === undefined)
      useExplore.setState({ wanted: { id, name: details.name }, spaceId: null });
    else {
      useExplore.setState({ wanted: null });
      await startAt(space.id, details);
    }
  } catch (error) {
    toastFailure("It could not be opened in Explore", error);
  }
}

export function newest(list: readonly Space[]): Space | undefined {
  return [...list].sort((a, b) => b.createdAt - a.createdAt)[0];
}

function addVariants(list: readonly Omit<Variant, "id">[]): void {
  change((point) => ({
    ...point,
    variants: [...point.variants, ...list.map((each) => ({ ...each, id: randomId() }))],
  }));
}

export function snapshot(): void {
  const point = pointOf(useExplore.getState());
  if (point !== null)
    addVariants([{ name: `Variant ${point.variants.length + 1}`, coordinates: point.coordinates }]);
}

export function renameVariant(id: string, name: string): void {
  change((point) => ({
    ...point,
    variants: point.variants.map((each) => (each.id === id ? { ...each, name } : each)),
  }));
}

export function removeVariant(id: string): void {
  change((point) => ({ ...point, variants: point.variants.filter((each) => each.id !== id) }));
}

/** Draws from the members' distribution: sample `index` of a seed is always the same. */
async function draw(space: string, seed: number, index: number, spread: number): Promise<number[]> {
  return (await studio.identities.measure({ kind: "sample", space, seed, index, spread }))
    .coordinates;
}

export async function randomise(): Promise<void> {
  const { spaceId, seed, sampled } = useExplore.getState();
  if (spaceId === null) return;
  try {
    const coordinates = await draw(spaceId, seed, sampled, 1);
    useExplore.setState({ sampled: sampled + 1 });
    setCoordinates(coordinates);
  } catch (error) {
    toastFailure("No sample was drawn", error);
  }
}

/** How far the "8 more around" lie from the point, as a share of the members' spread. */
const NEAR = 0.4;

export async function addAround(): Promise<void> {
  const { spaceId, seed, sampled } = useExplore.getState();
  const point = pointOf(useExplore.getState());
  if (spaceId === null || point === null) return;
  try {
    const draws = await Promise.all(
      Array.from({ length: 8 }, (_, i) => draw(spaceId, seed, sampled + i, NEAR)),
    );
    useExplore.setState({ sampled: sampled + 8 });
    addVariants(
      draws.map((offset, i) => ({
        name: `Near ${point.variants.length + i + 1}`,
        coordinates: point.coordinates.map((value, c) =>
          point.locked.includes(c) ? value : snap(value + (offset[c] ?? 0)),
        ),
      })),
    );
  } catch (error) {
    toastFailure("No variants were made", error);
  }
}
