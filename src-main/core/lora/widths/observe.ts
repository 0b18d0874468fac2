/** What the shapes of a module's tensors say of the weight they are for, whatever that is expected to be. */
import type { TensorEntry } from "../../formats/source.ts";
import { modulesOf } from "../architecture/index.ts";
import type { Role } from "../dialects/dialect.ts";
import type { Understood } from "../dialects/index.ts";
import type { Family } from "../lora.ts";
import type { Observation } from "./infer.ts";

export interface Placed {
  readonly entry: TensorEntry;
  readonly understood: Understood;
}

type Entries = ReadonlyMap<Role, TensorEntry>;

/** Sizes of all modules that the file has matrices for. */
export function observe(family: Family, placed: Iterable<Placed>): Observation[] {
  const groups = new Map<number, Map<Role, TensorEntry>>();
  for (const { entry, understood } of placed) {
    const place = understood.place[family];
    if (place < 0) continue;
    const group = groups.get(place) ?? new Map<Role, TensorEntry>();
    groups.set(place, group.set(understood.role, entry));
  }
  const modules = modulesOf(family);
  return Array.from(groups, ([place, entries]) => {
    const [height, width] = modules[place]?.kernel ?? [1, 1];
    const { out, columns } = sizesOf(entries, height * width);
    return { place, out, in: columns === undefined ? undefined : columns / (height * width) };
  });
}

interface Sizes {
  readonly out?: number | undefined;
  /** Of the weight as a matrix: input channels times kernel. */
  readonly columns?: number | undefined;
}

/** Shapes by kind are formats.md 1.3 and 1.5; nothing is checked here, as a wrong guess only fails to fit later. */
function sizesOf(entries: Entries, kernel: number): Sizes {
  const at = (role: Role): TensorEntry | undefined => entries.get(role);
  const [down, up] = [at("down"), at("up")];
  if (down || up) {
    const columns = down && rowLength(down.shape) * (at("mid") ? kernel : 1);
    return { out: up?.shape[0], columns };
  }
  const [a, b] = [at("hada_w1_a"), at("hada_w1_b")];
  if (a && b) {
    return at("hada_t1")
      ? { out: rowLength(a.shape), columns: rowLength(b.shape) * kernel }
      : { out: a.shape[0], columns: rowLength(b.shape) };
  }
  const whole = at("diff") ?? at("set");
  if (whole) return { out: whole.shape[0], columns: rowLength(whole.shape) };
  const first = factor(at("lokr_w1"), at("lokr_w1_a"), at("lokr_w1_b"));
  const core = at("lokr_t2");
  const [left, right] = [at("lokr_w2_a"), at("lokr_w2_b")];
  const second =
    core && left && right
      ? { out: rowLength(left.shape), columns: rowLength(right.shape) * kernel }
      : factor(at("lokr_w2"), left, right);
  return { out: times(first.out, second.out), columns: times(first.columns, second.columns) };
}

/** One side of a Kronecker product, whole or as `a · b`. */
function factor(
  whole: TensorEntry | undefined,
  a: TensorEntry | undefined,
  b: TensorEntry | undefined,
): Sizes {
  const [tall, wide] = [whole ?? a, whole ?? b];
  return { out: tall?.shape[0], columns: wide && rowLength(wide.shape) };
}

function times(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a * b;
}

/** Elements of one row. A loop: this runs for every tensor of a library. */
export function rowLength(shape: readonly number[]): number {
  let length = 1;
  for (let axis = 1; axis < shape.length; axis++) length *= shape[axis] as number;
  return length;
}
