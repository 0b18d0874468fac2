/** Opens graphs as sessions of ONNX Runtime, and runs them. */
import "./no-telemetry.ts";
import { InferenceSession, Tensor as NativeTensor } from "onnxruntime-node";
import { assert, FacetError } from "../core/errors.ts";
import type { Graph } from "../core/graph/node.ts";
import { type LoweredGraph, lowerGraph, type Port } from "../core/onnx/lower.ts";
import type { ProviderName } from "../core/onnx/target.ts";
import { keepsHalves, wideningPasses } from "./stored-halves.ts";
import { carriers, checkTensor, empty, type Tensor, type Tensors, unknownPort } from "./tensors.ts";
import { weightFiles } from "./weight-files.ts";

export type { Tensor, Tensors, Values } from "./tensors.ts";

export interface SessionOptions {
  readonly provider: ProviderName;
  /** Fixed, so that the order of summation is. */
  readonly threads: number;
  /** Keeps freed memory for later runs; without it a session holds none between runs. */
  readonly arena?: boolean;
  /** Worker threads wait busily for the next operator: faster steps, cores that nobody else has. */
  readonly spinning?: boolean;
  /** Refuses operators that the provider lacks instead of computing them on the CPU. */
  readonly strict?: boolean;
  /** Weights stored as halves are widened at each run, not once; by their size where absent. */
  readonly keepHalves?: boolean;
}

export async function openSession(graph: Graph, options: SessionOptions): Promise<Session> {
  const { folder, locate } = await weightFiles(graph);
  const { bytes, ...lowered } = lowerGraph(graph, { provider: options.provider, locate });
  const { keepHalves: halves = keepsHalves(graph, options.provider) } = options;
  const native = await InferenceSession.create(bytes, nativeOptions(options, folder, halves));
  return new Session(native, lowered);
}

function nativeOptions(
  options: SessionOptions,
  folder: string | undefined,
  halves: boolean,
): InferenceSession.SessionOptions {
  const { provider, threads, arena = true, spinning = false, strict = false } = options;
  return {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    enableCpuMemArena: arena,
    // What it would print is thrown as well.
    logSeverityLevel: 4,
    // One block for a whole run, taken besides what the first run left in the arena: nearly twice the memory, and
    // training steps are no faster for it (measured on four networks).
    enableMemPattern: false,
    extra: {
      session: {
        intra_op: { allow_spinning: spinning ? "1" : "0" },
        ...(strict ? { disable_cpu_ep_fallback: "1" } : {}),
        ...(folder === undefined ? {} : { model_external_initializers_file_folder_path: folder }),
      },
      ...(halves ? { optimization: { disable_specified_optimizers: wideningPasses } } : {}),
    },
  };
}

/** Feeds that fit. */
interface Given {
  /** In the order of the ports. */
  readonly tensors: readonly Tensor[];
  readonly sizes: ReadonlyMap<string, number>;
  readonly native: Readonly<Record<string, NativeTensor>>;
}

/** Results that fit such feeds. */
interface Wanted {
  readonly given: Given;
  readonly tensors: readonly Tensor[];
  readonly values: Record<string, Tensor>;
  readonly native: Readonly<Record<string, NativeTensor>>;
}

export class Session {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly #native: InferenceSession;
  readonly #written: string | undefined;
  // Feeds and results of a training step are the same ones every other time: what was checked then is known.
  readonly #given = new WeakMap<Tensors, Given>();
  readonly #wanted = new WeakMap<Tensors, Wanted>();

  constructor(native: InferenceSession, lowered: Omit<LoweredGraph, "bytes">) {
    this.#native = native;
    this.inputs = lowered.inputs;
    this.outputs = lowered.outputs;
    this.#written = lowered.written;
  }

  /**
   * Values of all outputs. Those that `results` holds are written into its arrays, which must not be among the
   * feeds'; the others are new.
   */
  async run(feeds: Tensors, results: Tensors = {}): Promise<Record<string, Tensor>> {
    const given = this.#give(feeds);
    const wanted = this.#want(results, given);
    await this.#write(given.native, wanted.native);
    return wanted.values;
  }

  #give(feeds: Tensors): Given {
    const known = this.#given.get(feeds);
    if (known && this.inputs.every(({ name }, index) => feeds[name] === known.tensors[index]))
      return known;
    const sizes = new Map<string, number>();
    const native: Record<string, NativeTensor> = {};
    const tensors = this.inputs.map((port) => {
      const feed = feeds[port.name];
      if (feed === undefined) {
        throw new FacetError("invalid-argument", `The input ${port.name} is not given.`, {
          field: port.name,
        });
      }
      checkTensor("input", port, feed, sizes);
      native[port.value] = wrap(port, feed);
      return feed;
    });
    for (const name of Object.keys(feeds)) {
      if (native[name] === undefined) throw unknownPort("input", name, this.inputs);
    }
    const given = { tensors, sizes, native };
    this.#given.set(feeds, given);
    return given;
  }

  #want(results: Tensors, given: Given): Wanted {
    const known = this.#wanted.get(results);
    if (
      known?.given === given &&
      this.outputs.every(({ name }, index) => results[name] === known.tensors[index])
    )
      return known;
    const sizes = new Map(given.sizes);
    const arrays = new Set(given.tensors.map(({ values }) => values));
    const values: Record<string, Tensor> = {};
    const native: Record<string, NativeTensor> = {};
    const tensors = this.outputs.map((port) => {
      const result = results[port.name] ?? empty(port, sizes);
      checkTensor("output", port, result, sizes);
      assert(!arrays.has(result.values), `the result ${port.name} is written into what is read`);
      native[port.value] = wrap(port, result);
      values[port.name] = result;
      return result;
    });
    for (const name of Object.keys(results)) {
      if (values[name] === undefined) throw unknownPort("output", name, this.outputs);
    }
    const wanted = { given, tensors, values, native };
    // What was made anew for this run belongs to its caller alone.
    if (tensors.every((tensor, index) => results[this.outputs[index]?.name ?? ""] === tensor))
      this.#wanted.set(results, wanted);
    return wanted;
  }

  /** See `LoweredGraph.written` for why success is an error. */
  async #write(
    given: Readonly<Record<string, NativeTensor>>,
    wanted: Readonly<Record<string, NativeTensor>>,
  ): Promise<void> {
    if (this.#written === undefined) {
      await this.#native.run(given, wanted);
      return;
    }
    try {
      await this.#native.run(given, { [this.#written]: null, ...wanted });
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("Non tensor type")) throw error;
    }
  }

  close(): Promise<void> {
    return this.#native.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function wrap({ dtype }: Port, { values, shape }: Tensor): NativeTensor {
  const native = new NativeTensor(carriers[dtype].type, values as never, shape);
  if (values instanceof Float16Array) {
    // The binding reads nothing from a Float16Array; the same memory under the older name it knows.
    const { buffer, byteOffset, length } = values;
    Object.defineProperty(native, "data", { value: new Uint16Array(buffer, byteOffset, length) });
  }
  return native;
}
