/** Undo and redo over immutable states. A gesture (one drag) is one step: changes with the same merge key join. */

export interface Undo<T> {
  readonly past: readonly T[];
  readonly present: T;
  readonly future: readonly T[];
  /** Key of the gesture that made `present`; null once it ended. */
  readonly merge: string | null;
}

/** A drag of a minute is one step, so this is hours of work. */
const LIMIT = 500;

export function undoable<T>(present: T): Undo<T> {
  return { past: [], present, future: [], merge: null };
}

export function record<T>(stack: Undo<T>, present: T, merge: string | null = null): Undo<T> {
  if (present === stack.present) return stack;
  if (merge !== null && merge === stack.merge) return { ...stack, present, future: [] };
  return { past: [...stack.past.slice(-LIMIT + 1), stack.present], present, future: [], merge };
}

/** Ends a gesture: the next change starts a step of its own even if it has the same key. */
export function settle<T>(stack: Undo<T>): Undo<T> {
  return stack.merge === null ? stack : { ...stack, merge: null };
}

export function undo<T>(stack: Undo<T>): Undo<T> {
  const previous = stack.past.at(-1);
  if (stack.past.length === 0 || previous === undefined) return stack;
  return {
    past: stack.past.slice(0, -1),
    present: previous,
    future: [stack.present, ...stack.future],
    merge: null,
  };
}

export function redo<T>(stack: Undo<T>): Undo<T> {
  const next = stack.future[0];
  if (stack.future.length === 0 || next === undefined) return stack;
  return {
    past: [...stack.past, stack.present],
    present: next,
    future: stack.future.slice(1),
    merge: null,
  };
}
