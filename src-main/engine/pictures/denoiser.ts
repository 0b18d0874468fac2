/** What the UNet predicts in a run: guidance, and predictions that were made before for the same inputs. */
import { createHash } from "node:crypto";
import type { Conditioning, Conditionings } from "../../core/diffusion/text/conditioning.ts";
import { equalLengths } from "../../core/diffusion/text/lengths.ts";
import { type Guidance, guide } from "../../core/diffusion/guidance.ts";
import type { ModelInput } from "../../core/diffusion/samplers/sample.ts";
import { assert, FacetError } from "../../core/errors.ts";
import type { Session, Tensor } from "../session.ts";

/** Of predictions that are kept. */
const budgetBytes = 64 * 2 ** 20;

/** Predictions by all that they depend on, the least recently used first. */
export class Predictions {
  readonly #kept = new Map<string, Float32Array>();
  #bytes = 0;

  get(key: string): Float32Array | undefined {
    const found = this.#kept.get(key);
    if (found === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, found);
    return found;
  }

  set(key: string, prediction: Float32Array): void {
    this.#kept.set(key, prediction);
    this.#bytes += prediction.byteLength;
    for (const [old, { byteLength }] of this.#kept) {
      if (this.#bytes <= budgetBytes) return;
      this.#kept.delete(old);
      this.#bytes -= byteLength;
    }
  }
}

export interface DenoiserParts {
  readonly session: Session;
  /** [4, rows, columns] */
  readonly shape: readonly [number, number, number];
  readonly texts: Conditionings;
  /** SDXL's six sizes; null for SD1.5. */
  readonly sizes: Float32Array | null;
  /** Inputs that stay the same in all steps. */
  readonly loras: Readonly<Record<string, Tensor>>;
  readonly guidance: Guidance;
  readonly predictions: Predictions;
  /** Tells apart model, LoRAs and prompts. */
  readonly key: string;
}

/** A batch of prompts whose run differs from step to step in the latent and the time only. */
interface Batch {
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly latent: Float32Array;
  readonly times: Float32Array;
}

/** The guided prediction at each step. Throws `not-finite` with the step. */
export function denoiser(parts: DenoiserParts): (input: ModelInput) => Promise<Float32Array> {
  const { texts, session, guidance, predictions, key } = parts;
  const { positive, negative } = texts;
  const together = negative === null ? [positive] : equalLengths(positive, negative);
  const batches =
    together === null || negative === null
      ? [positive, ...(negative === null ? [] : [negative])].map((one) => batchOf([one], parts))
      : [batchOf(together, parts)];
  return async ({ latent, time, sigma, step }) => {
    const own = createHash("sha256").update(latent).update(`${key} ${time}`).digest("hex");
    const known = predictions.get(own);
    if (known !== undefined) return known;
    const predicted: Float32Array[] = [];
    for (const batch of batches) predicted.push(...(await predict(session, batch, latent, time)));
    const [conditional, unconditional] = predicted;
    assert(conditional !== undefined, "a prediction for the prompt");
    const result =
      unconditional === undefined
        ? conditional
        : guide(guidance, conditional, unconditional, { latent, sigma });
    if (!result.every(Number.isFinite)) throw notFinite(step);
    predictions.set(own, result);
    return result;
  };
}

function batchOf(texts: readonly Conditioning[], { shape, sizes, loras }: DenoiserParts): Batch {
  const n = texts.length;
  const count = shape.reduce((product, size) => product * size, 1);
  const latent = new Float32Array(n * count);
  const times = new Float32Array(n);
  const [first] = texts;
  assert(first !== undefined, "a prompt at least");
  const joined = (parts: readonly Float32Array[]) => {
    const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  };
  const context = joined(texts.map((text) => text.context));
  const pooled = texts.flatMap((text) => text.pooled ?? []);
  const tensor = (values: Float32Array, ...rest: number[]): Tensor => ({
    shape: [n, ...rest],
    values,
  });
  return {
    latent,
    times,
    feeds: {
      latent: tensor(latent, ...shape),
      times: tensor(times),
      context: tensor(context, first.tokens, context.length / n / first.tokens),
      ...(sizes === null
        ? {}
        : {
            pooled: tensor(joined(pooled), pooled[0]?.length ?? 0),
            sizes: tensor(joined(texts.map(() => sizes)), sizes.length),
          }),
      ...loras,
    },
  };
}

async function predict(
  session: Session,
  { feeds, latent, times }: Batch,
  of: Float32Array,
  time: number,
): Promise<Float32Array[]> {
  for (let at = 0; at < latent.length; at += of.length) latent.set(of, at);
  times.fill(time);
  const { prediction } = await session.run(feeds);
  assert(prediction?.values instanceof Float32Array, "a prediction is F32");
  const { values } = prediction;
  return Array.from(times, (_, n) => values.slice(n * of.length, (n + 1) * of.length));
}

function notFinite(step: number): FacetError {
  return new FacetError(
    "not-finite",
    `The UNet's prediction at step ${step + 1} holds values that are no numbers.`,
    { field: "prediction" },
  );
}
