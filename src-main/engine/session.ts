/** Opens graphs as sessions of ONNX Runtime, and runs them. */
import { InferenceSession, Tensor as NativeTensor } from "onnxruntime-node";
import { FacetError } from "../core/errors.ts";
import {
  type Dimension,
  evaluateDimension,
  solveDimension,
  symbolsOf,
} from "../core/graph/dimension.ts";
import type { Graph } from "../core/graph/node.ts";
import { evaluateShape, shapeText } from "../core/graph/shape.ts";
import { type LoweredGraph, lowerGraph, type Port } from "../core/onnx/lower.ts";
import type { ProviderName } from "../core/onnx/target.ts";
import { elementCount } from "../core/tensor/dtype.ts";
import { weightFiles } from "./weight-files.ts";

export type Values = Float32Array | Float16Array | Int32Array | BigInt64Array | Uint8Array;

/** Values with their sizes: what a run is given and what it gives. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly values: Values;
}

export type Tensors = Readonly<Record<string, Tensor>>;

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
}

const carriers = {
  F32: { type: "float32", array: Float32Array },
  F16: { type: "float16", array: Float16Array },
  I32: { type: "int32", array: Int32Array },
  I64: { type: "int64", array: BigInt64Array },
  BOOL: { type: "bool", array: Uint8Array },
} as const;

export async function openSession(graph: Graph, options: SessionOptions): Promise<Session> {
  const { folder, locate } = await weightFiles(graph);
  const { bytes, ...lowered } = lowerGraph(graph, { provider: options.provider, locate });
  const native = await InferenceSession.create(bytes, nativeOptions(options, folder));
  return new Session(native, lowered);
}

function nativeOptions(
  options: SessionOptions,
  folder: string | undefined,
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
    },
  };
}

export class Session {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly #native: InferenceSession;
  readonly #written: string | undefined;
  /** Feeds and results of a training step are the same ones every other time. */
  readonly #wrapped = new WeakMap<Tensor, NativeTensor>();

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
    const sizes = new Map<string, number>();
    const given = this.#feeds(feeds, sizes);
    const values: Record<string, Tensor> = {};
    const wanted: Record<string, NativeTensor | null> = {};
    for (const port of this.outputs) {
      const result = results[port.name] ?? empty(port, sizes);
      checkTensor("output", port, result, sizes);
      values[port.name] = result;
      wanted[port.value] = this.#wrap(port, result);
    }
    for (const name of Object.keys(results)) {
      if (values[name] === undefined) throw unknownPort("output", name, this.outputs);
    }
    await this.#write(given, wanted);
    return values;
  }

  #feeds(feeds: Tensors, sizes: Map<string, number>): Record<string, NativeTensor> {
    const given: Record<string, NativeTensor> = {};
    for (const port of this.inputs) {
      const feed = feeds[port.name];
      if (feed === undefined) {
        throw new FacetError("invalid-argument", `The input ${port.name} is not given.`, {
          field: port.name,
        });
      }
      checkTensor("input", port, feed, sizes);
      given[port.value] = this.#wrap(port, feed);
    }
    for (const name of Object.keys(feeds)) {
      if (given[name] === undefined) throw unknownPort("input", name, this.inputs);
    }
    return given;
  }

  /** See `LoweredGraph.written` for why success is an error. */
  async #write(
    given: Record<string, NativeTensor>,
    wanted: Record<string, NativeTensor | null>,
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

  #wrap({ dtype }: Port, tensor: Tensor): NativeTensor {
    const known = this.#wrapped.get(tensor);
    if (known !== undefined) return known;
    const { type } = carriers[dtype];
    const native = new NativeTensor(type, tensor.values as never, tensor.shape);
    if (tensor.values instanceof Float16Array) {
      // The binding reads nothing from a Float16Array; the same memory under the older name it knows.
      const { buffer, byteOffset, length } = tensor.values;
      Object.defineProperty(native, "data", { value: new Uint16Array(buffer, byteOffset, length) });
    }
    this.#wrapped.set(tensor, native);
    return native;
  }
}

/** New memory for a result whose sizes follow from the feeds'. */
function empty({ dtype, shape }: Port, sizes: ReadonlyMap<string, number>): Tensor {
  const actual = evaluateShape(shape, sizes);
  return { shape: actual, values: new carriers[dtype].array(elementCount(actual)) };
}

function unknownPort(kind: "input" | "output", name: string, ports: readonly Port[]): FacetError {
  const known = ports.map((port) => port.name).join(", ");
  return new FacetError("invalid-argument", `The graph has no ${kind} ${name}, only ${known}.`, {
    field: name,
  });
}

/** Binds the port's symbols to the sizes given, and refuses what does not fit. */
function checkTensor(
  kind: "input" | "output",
  port: Port,
  { shape, values }: Tensor,
  sizes: Map<string, number>,
): void {
  const { name, dtype } = port;
  if (!(values instanceof carriers[dtype].array)) {
    throw new FacetError(
      "shape-mismatch",
      `The ${kind} ${name} is ${dtype}, a ${carriers[dtype].array.name}, and got a ${values.constructor.name}.`,
      { field: name },
    );
  }
  if (values.length !== elementCount(shape)) {
    throw new FacetError(
      "shape-mismatch",
      `The ${kind} ${name} got ${values.length} values for ${shapeText(shape)}.`,
      { field: name },
    );
  }
  const fits =
    shape.length === port.shape.length &&
    port.shape.every((size, axis) => fitsSize(size, shape[axis] ?? -1, sizes));
  if (!fits) {
    const known = Array.from(sizes, ([symbol, size]) => `${symbol} = ${size}`).join(", ");
    throw new FacetError(
      "shape-mismatch",
      `The ${kind} ${name} is ${shapeText(port.shape)} and got ${shapeText(shape)}${known === "" ? "" : ` (${known})`}.`,
      { field: name },
    );
  }
}

function fitsSize(size: Dimension, actual: number, sizes: Map<string, number>): boolean {
  if (typeof size === "number") return size === actual;
  if (symbolsOf(size).every((symbol) => sizes.has(symbol)))
    return evaluateDimension(size, sizes) === actual;
  const solution = solveDimension(size, actual, sizes);
  if (solution !== undefined) sizes.set(solution.name, solution.value);
  // Sizes computed from symbols that no input has shown yet are left to the runtime.
  return true;
}
