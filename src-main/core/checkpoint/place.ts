/** Where a component lies in a checkpoint, and how its parameters are found there. */
import type { CheckpointPart, LocatedTensor, ModelComponent } from "./checkpoint.ts";
import type { Naming, Spelling } from "./names/spelling.ts";

export interface Place {
  readonly component: ModelComponent;
  readonly part: CheckpointPart;
  readonly prefix: string;
  readonly naming: Naming;
}

export interface Found {
  readonly tensor: LocatedTensor;
  readonly spelling: Spelling;
}

export function find({ part, prefix, naming }: Place, parameter: string): Found | undefined {
  for (const spelling of naming(parameter)) {
    const tensor = part.tensors.get(prefix + spelling.name);
    if (tensor) return { tensor, spelling };
  }
  return undefined;
}

/** What the file would call a parameter that it lacks. */
export function nameInFile({ prefix, naming }: Place, parameter: string): string {
  return prefix + (naming(parameter)[0]?.name ?? parameter);
}

/** The shape that a network sees of a tensor of the file. */
export function seenShape({ tensor: { shape }, spelling }: Found): readonly number[] {
  const [rows = 0, ...rest] = shape;
  if (spelling.third !== undefined) return [rows / 3, ...rest];
  return spelling.transposed ? shape.toReversed() : shape;
}

/** The shape in the file of what a network sees so. */
export function fileShape(spelling: Spelling, seen: readonly number[]): readonly number[] {
  const [rows = 0, ...rest] = seen;
  if (spelling.third !== undefined) return [3 * rows, ...rest];
  return spelling.transposed ? seen.toReversed() : seen;
}

/** A parameter's shape as the network sees it; undefined where the file has none. */
export type Look = (parameter: string) => readonly number[] | undefined;

export function lookIn(place: Place): Look {
  return (parameter) => {
    const found = find(place, parameter);
    return found && seenShape(found);
  };
}
