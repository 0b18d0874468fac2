/** The one door to onnxruntime-node: sessions over models made in memory, providers, tensors. */
import "./no-telemetry.ts";
import { InferenceSession, Tensor, env, listSupportedBackends } from "onnxruntime-node";
import { type Gemm, gemmModel } from "./gemm.ts";

export interface RuntimeOptions {
  /** Fixed, so that the order of summation is. */
  readonly threads: number;
}

export class Runtime {
  readonly #options: RuntimeOptions;
  readonly #gemms = new Map<string, Promise<InferenceSession>>();

  constructor(options: RuntimeOptions) {
    this.#options = options;
    env.logLevel = "error";
  }

  /** Version of the native library. */
  get version(): string {
    return env.versions.node ?? env.versions.common;
  }

  /** Names of the execution providers that came with this build, e.g. `cpu`, `webgpu`; others are installed on their own. */
  get providers(): string[] {
    return listSupportedBackends()
      .filter(({ bundled }) => bundled)
      .map(({ name }) => name);
  }

  /** The session of one Gemm; made at first use. */
  gemm(gemm: Gemm): Promise<InferenceSession> {
    const { element, transposeLeft, transposeRight, plus } = gemm;
    const key = [element, transposeLeft, transposeRight, plus].join(" ");
    let session = this.#gemms.get(key);
    if (session === undefined) {
      session = InferenceSession.create(gemmModel(gemm), {
        executionProviders: ["cpu"],
        intraOpNumThreads: this.#options.threads,
        interOpNumThreads: 1,
        executionMode: "sequential",
        // The arena keeps the largest result ever made: a fit would hold its memory after it is done.
        enableCpuMemArena: false,
        // Without this the provider's worker threads spin between the many small products and steal cores.
        extra: { session: { intra_op: { allow_spinning: "0" } } },
      });
      this.#gemms.set(key, session);
    }
    return session;
  }

  tensor(values: Float32Array | Float64Array, shape: readonly number[]): Tensor {
    return values instanceof Float32Array
      ? new Tensor("float32", values, [...shape])
      : new Tensor("float64", values, [...shape]);
  }
}
