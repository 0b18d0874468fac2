/**
 * One network in ONNX Runtime, a process of its own as peers/networks.py is: node network-steps.ts NAME
 * training|inference THREADS. Answers each line of stdin, a number of steps, with the seconds that they took and those
 * spent in the runtime, and the end of it with its peak memory.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { graphOf } from "../../src-main/core/graph/node.ts";
import { trainingStep } from "../../src-main/core/optim/training-step.ts";
import { elementCount } from "../../src-main/core/tensor/dtype.ts";
import { seededRandom } from "../../src-main/core/tensor/random.ts";
import { openSession, type Tensor, type Tensors } from "../../src-main/engine/session.ts";
import { networks } from "../support/networks/index.ts";
import {
  firstParameters,
  inferring,
  type Network,
  randomData,
  trained,
} from "../support/networks/network.ts";

type Step = () => Promise<unknown>;

/** Two sets of state, whose roles change with each step: what one writes the next reads. */
async function training(network: Network, threads: number): Promise<Step> {
  const { loss, parameters } = trained(network);
  const { graph, state } = trainingStep({
    loss,
    parameters,
    optimiser: { kind: "adamw" },
    schedule: { rate: 1e-4 },
    gradientNorm: false,
  });
  const session = await openSession(graph, { provider: "cpu", threads, spinning: true });
  const data = randomData(network, seededRandom(1));
  const first = firstParameters(network, 2);
  const empty = (): Record<string, Tensor> =>
    Object.fromEntries(
      state.map(({ name, shape }) => [
        name,
        { shape, values: new Float32Array(elementCount(shape)) },
      ]),
    );
  const step = { shape: [], values: new Float32Array(1) };
  const states = [{ ...empty(), ...first }, empty()] as const;
  const feeds = states.map((each): Tensors => ({ ...each, ...data, step }));
  let count = 0;
  return () => {
    const turn = count++ % 2;
    step.values[0] = count;
    return session.run(feeds[turn] ?? {}, states[1 - turn]);
  };
}

async function inference(network: Network, threads: number): Promise<Step> {
  const forward = inferring(network, 2);
  const session = await openSession(graphOf({ forward }), {
    provider: "cpu",
    threads,
    spinning: true,
  });
  const taken = new Set(session.inputs.map(({ name }) => name));
  const feeds = Object.fromEntries(
    Object.entries(randomData(network, seededRandom(1))).filter(([name]) => taken.has(name)),
  );
  const results: Tensors = {};
  return () => session.run(feeds, results);
}

interface Native {
  run(...given: unknown[]): unknown;
}

/** Seconds spent inside the runtime's native code since the start. */
function watchRuntime(): () => number {
  const require = createRequire(import.meta.url);
  // The package's own session makes one of these; its methods cannot be replaced, but it can.
  const { binding } = require("onnxruntime-node/dist/binding.js") as {
    binding: { InferenceSession: new () => Native };
  };
  let spent = 0;
  binding.InferenceSession = class extends binding.InferenceSession {
    override run(...given: unknown[]): unknown {
      const started = performance.now();
      try {
        return super.run(...given);
      } finally {
        spent += performance.now() - started;
      }
    }
  };
  return () => spent / 1000;
}

const [name = "", mode = "", threads = ""] = process.argv.slice(2);
const network = networks[name]?.("full");
if (network === undefined) throw new Error(`no network is called ${name}`);
const native = watchRuntime();
const step = await (mode === "training" ? training : inference)(network, Number(threads));
for await (const line of createInterface({ input: process.stdin })) {
  const started = performance.now();
  const before = native();
  for (let count = Number(line); count > 0; count--) await step();
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(`${JSON.stringify({ seconds, native: native() - before })}\n`);
}
const peak = /VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"));
process.stdout.write(`${JSON.stringify({ peakBytes: Number(peak?.[1]) * 1024 })}\n`);
