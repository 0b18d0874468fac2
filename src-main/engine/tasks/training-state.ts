/** The numbers of a running training: two sets of buffers that are read and written in turns, and the data of a step. */
import { assert } from "../../core/errors.ts";
import type { StateEntry } from "../../core/optim/state.ts";
import { elementCount } from "../../core/tensor/dtype.ts";
import type { DataArrays, TrainingPlan } from "../../core/training/plan.ts";
import type { Session, Tensor, Values } from "../session.ts";

type Buffers<V extends Values = Float32Array> = Record<string, Tensor & { readonly values: V }>;

export interface StepOutcome {
  readonly loss: number;
  readonly gradientNorm: number | null;
}

export class TrainingState {
  readonly #plan: TrainingPlan;
  readonly #session: Session;
  /** State as it is, and where the next step writes: they change places after each. */
  #now: Buffers;
  #next: Buffers;
  readonly #data: Buffers<DataArrays[keyof DataArrays]>;
  readonly #count: Buffers;
  readonly #told: Buffers;

  constructor(plan: TrainingPlan, session: Session) {
    this.#plan = plan;
    this.#session = session;
    assert(
      plan.state.every(({ dtype }) => dtype === "F32"),
      "a training's state is F32",
    );
    this.#now = buffers(plan.state);
    this.#next = buffers(plan.state);
    this.#data = Object.fromEntries(
      plan.data.map(({ name, shape, dtype }) => [
        name,
        { shape, values: new arrays[dtype](elementCount(shape)) },
      ]),
    );
    this.#count = buffers([{ name: "step", shape: [] }]);
    const told = session.outputs.filter(({ name }) => name === "loss" || name === "gradient-norm");
    this.#told = buffers(
      told.map(({ name, shape }) => ({ name, shape: shape.map((size) => Number(size)) })),
    );
    assert(this.#told["loss"] !== undefined, "a training's step says its loss");
  }

  /** The state's values by name, to be read or filled; valid until the next step. */
  values(): { entry: StateEntry; values: Float32Array }[] {
    return this.#plan.state.map((entry) => {
      const buffer = this.#now[entry.name];
      assert(buffer !== undefined, `the state has ${entry.name}`);
      return { entry, values: buffer.values };
    });
  }

  begin(seed: number): void {
    const given = this.#plan.initial(seed);
    for (const { entry, values } of this.values()) {
      if (entry.initial === "zeros") values.fill(0);
      else values.set(given.get(entry.name) ?? missing(entry.name));
    }
  }

  /** Makes one step; its number counts from 1. */
  async step(seed: number, step: number): Promise<StepOutcome> {
    const data = new Map(Object.entries(this.#data).map(([name, { values }]) => [name, values]));
    this.#plan.fill(seed, step, data);
    this.#count["step"]?.values.fill(step);
    await this.#session.run(
      { ...this.#now, ...this.#data, ...this.#count },
      { ...this.#next, ...this.#told },
    );
    [this.#now, this.#next] = [this.#next, this.#now];
    return {
      loss: this.#told["loss"]?.values[0] ?? Number.NaN,
      gradientNorm: this.#told["gradient-norm"]?.values[0] ?? null,
    };
  }

  /** The first value of the state that no step can go on from. */
  notFinite(): { name: string; at: number; value: number } | null {
    for (const { entry, values } of this.values()) {
      const at = values.findIndex((value) => !Number.isFinite(value));
      if (at >= 0) return { name: entry.name, at, value: values[at] ?? Number.NaN };
    }
    return null;
  }
}

const arrays = {
  F32: Float32Array,
  I32: Int32Array,
  I64: BigInt64Array,
  BOOL: Uint8Array,
} as const;

function buffers(entries: readonly { name: string; shape: readonly number[] }[]): Buffers {
  return Object.fromEntries(
    entries.map(({ name, shape }) => [
      name,
      { shape, values: new Float32Array(elementCount(shape)) },
    ]),
  );
}

function missing(name: string): never {
  throw new Error(`Assertion failed: the plan gives ${name}`);
}
