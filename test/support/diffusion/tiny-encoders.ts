/** The tiny text encoders on ONNX Runtime, as what conditioning runs. */
import type { ClipConfig } from "../../../src-main/core/diffusion/clip-config.ts";
import {
  clipInputs,
  type ClipOutputs,
  clipTextModel,
} from "../../../src-main/core/diffusion/clip.ts";
import { type Encode, encoderFeeds } from "../../../src-main/core/diffusion/text/encoder.ts";
import { cast, input } from "../../../src-main/core/graph/build/index.ts";
import { graphOf, type Node } from "../../../src-main/core/graph/node.ts";
import { openSession, type Session, type Tensors } from "../../../src-main/engine/session.ts";
import { formulaTensors } from "../models/formula.ts";

export interface TinyEncoder extends AsyncDisposable {
  run(feeds: Tensors): ReturnType<Session["run"]>;
}

/** A session that gives what is chosen of the encoder's outputs. */
export async function tinyEncoder(
  config: ClipConfig,
  choose: (outputs: ClipOutputs) => Record<string, Node>,
  compute: "F32" | "F16" = "F32",
): Promise<TinyEncoder> {
  const shapes = new Map<string, readonly number[]>();
  const outputs = clipTextModel(
    config,
    (name, shape) => {
      shapes.set(name, shape);
      const given = input(name, shape);
      return compute === "F32" ? given : cast(given, compute);
    },
    clipInputs(config),
  );
  const weights = Object.fromEntries(formulaTensors(shapes));
  const session = await openSession(graphOf(choose(outputs)), { provider: "cpu", threads: 1 });
  const read = new Set(session.inputs.map(({ name }) => name));
  const given = Object.fromEntries(Object.entries(weights).filter(([name]) => read.has(name)));
  return {
    run: (feeds) => session.run({ ...given, ...feeds }),
    [Symbol.asyncDispose]: async () => {
      await session[Symbol.asyncDispose]();
    },
  };
}

/** Opens a session for each encoder and layer asked for. */
export class TinyText implements AsyncDisposable {
  readonly #encoders = new Map<string, Promise<TinyEncoder>>();

  readonly encode: Encode = async (given) => {
    const { config, layer } = given;
    const key = `${config.component} ${layer.index} ${layer.normalized}`;
    const opened =
      this.#encoders.get(key) ??
      tinyEncoder(config, ({ hidden, pooled, normalized }) => {
        const state = hidden[layer.index];
        if (state === undefined) throw new Error(`There is no layer ${layer.index}`);
        return { pooled, hidden: layer.normalized ? normalized(state) : state };
      });
    this.#encoders.set(key, opened);
    const encoder = await opened;
    const { hidden, pooled } = await encoder.run(encoderFeeds(given));
    const floats = (values: unknown) => {
      if (values instanceof Float32Array) return values;
      throw new Error("the encoder gave no floats");
    };
    return {
      hidden: floats(hidden?.values),
      pooled: config.projection === undefined ? null : floats(pooled?.values),
    };
  };

  async [Symbol.asyncDispose](): Promise<void> {
    for (const encoder of this.#encoders.values()) await (await encoder)[Symbol.asyncDispose]();
  }
}
