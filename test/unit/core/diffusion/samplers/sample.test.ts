/** A run as its caller sees it: one call a step, previews, cancelling, the same inputs every time. */
import { describe, expect, it } from "vitest";
import { type ModelInput, sample } from "../../../../../src-main/core/diffusion/samplers/sample.ts";
import { planOf } from "../../../../../src-main/core/diffusion/schedule/plan.ts";

const COUNT = 64;
const plan = planOf({
  convention: "comfy",
  sampler: "unipc",
  schedule: "karras",
  steps: 6,
  family: "sd15",
  prediction: "epsilon",
  zeroTerminalSnr: false,
});

function answer({ latent }: ModelInput): Promise<Float32Array> {
  return Promise.resolve(latent.map(Math.tanh));
}

describe("a run", () => {
  it("asks once a step, in order, with the same numbers every time", async () => {
    const runs: ModelInput[][] = [[], []];
    const latents: Float32Array[] = [];
    for (const inputs of runs) {
      const denoise = (input: ModelInput): Promise<Float32Array> => {
        inputs.push({ ...input, latent: Float32Array.from(input.latent) });
        return answer(input);
      };
      latents.push(await sample({ plan, seed: 3, count: COUNT, denoise }));
    }
    expect(runs[0]).toHaveLength(6);
    expect(runs[0]?.map(({ step, time, sigma }) => ({ step, time, sigma }))).toEqual(
      plan.steps.map(({ time, sigma }, step) => ({ step, time, sigma })),
    );
    expect(runs[1]).toEqual(runs[0]);
    expect(latents[1]).toEqual(latents[0]);
  });

  it("begins with the same input whatever sampler and number of steps follow", async () => {
    const first = async (steps: number, sampler: "euler" | "unipc"): Promise<Float32Array> => {
      const inputs: Float32Array[] = [];
      const denoise = (input: ModelInput): Promise<Float32Array> => {
        inputs.push(input.latent);
        return answer(input);
      };
      const request = { convention: "comfy", schedule: "normal", family: "sdxl" } as const;
      const other = planOf({
        ...request,
        steps,
        sampler,
        prediction: "epsilon",
        zeroTerminalSnr: false,
      });
      await sample({ plan: other, seed: 3, count: COUNT, denoise });
      return inputs[0] ?? new Float32Array();
    };
    expect(await first(5, "euler")).toEqual(await first(9, "unipc"));
  });

  it("leaves latents alone that were handed out", async () => {
    const kept: { given: Float32Array; copy: Float32Array }[] = [];
    const keep = (given: Float32Array): void => void kept.push({ given, copy: given.slice() });
    await sample({
      plan,
      seed: 3,
      count: COUNT,
      denoise: (input) => {
        keep(input.latent);
        return answer(input);
      },
      onStep: (_, denoised) => keep(denoised),
    });
    expect(kept).toHaveLength(12);
    for (const { given, copy } of kept) expect(given).toEqual(copy);
  });

  it("ends with what a preview's receiver throws, before the next step", async () => {
    let calls = 0;
    const run = sample({
      plan,
      seed: 3,
      count: COUNT,
      denoise: (input) => {
        calls++;
        return answer(input);
      },
      onStep: (step) => {
        if (step === 2) throw new Error("a newer request took the slot");
      },
    });
    await expect(run).rejects.toThrow("a newer request took the slot");
    expect(calls).toBe(3);
  });

  it("says so where a prediction has another size", async () => {
    const run = sample({
      plan,
      seed: 3,
      count: COUNT,
      denoise: () => Promise.resolve(new Float32Array(7)),
    });
    await expect(run).rejects.toThrow("7 numbers for a latent of 64");
  });
});
