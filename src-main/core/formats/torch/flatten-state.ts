/** Names the tensors of a nested state dict by their paths, and gathers the texts beside them. */
import { FacetError, type ErrorCode } from "../../errors.ts";
import { torchLimits as limits } from "../limits.ts";
import type { PickleDictionary, PickleSequence, PickleTensor, PickleValue } from "./values.ts";

/** The name of a tensor that was saved alone. */
const soleTensor = "tensor";

interface State {
  readonly tensors: ReadonlyMap<string, PickleTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Keys of dictionaries and indexes of lists are joined with dots. Texts at the top level become metadata; all other
 * values (optimizer steps, settings) are passed over.
 */
export function flattenState(state: PickleValue, file: string): State {
  const tensors = new Map<string, PickleTensor>();
  const metadata = new Map<string, string>();
  /** The containers that the walk is inside of, to notice one that contains itself. */
  const inside = new Set<PickleValue>();
  let visits = 0;

  function refuse(message: string, field?: string, code: ErrorCode = "malformed"): never {
    throw new FacetError(code, `"${file}": ${message}`, { path: file, field });
  }

  function visit(value: PickleValue, path: readonly string[]): void {
    if (++visits > limits.visits)
      refuse(`it holds more than ${limits.visits} values.`, undefined, "too-large");
    const name = path.join(".");
    if (typeof value === "string" && path.length === 1) metadata.set(name, value);
    if (typeof value !== "object" || value === null) return;
    if (value.kind === "tensor") {
      const key = path.length === 0 ? soleTensor : name;
      if (tensors.has(key)) refuse(`two of its tensors are named "${key}".`, key);
      if (key.length > limits.nameLength) {
        refuse(
          `the name of a tensor has ${key.length} characters.`,
          key.slice(0, 100),
          "too-large",
        );
      }
      tensors.set(key, value);
      return;
    }
    if (!isContainer(value)) return;
    if (inside.has(value)) refuse(`"${name}" contains itself.`, name);
    if (path.length === limits.depth)
      refuse(`"${name}" lies deeper than ${limits.depth} levels.`, name, "too-large");
    inside.add(value);
    for (const [key, child] of children(value)) visit(child, [...path, key]);
    inside.delete(value);
  }

  visit(state, []);
  return { tensors, metadata };
}

type Container = PickleDictionary | PickleSequence<"list"> | PickleSequence<"tuple">;

function isContainer(
  value: Exclude<PickleValue, null | boolean | number | bigint | string>,
): value is Container {
  return value.kind === "dictionary" || value.kind === "list" || value.kind === "tuple";
}

function* children(value: Container): Generator<[string, PickleValue]> {
  if (value.kind !== "dictionary") {
    for (const [index, item] of value.items.entries()) yield [String(index), item];
    return;
  }
  for (const [key, child] of value.pairs) {
    if (typeof key === "string" || typeof key === "number") yield [String(key), child];
  }
}
