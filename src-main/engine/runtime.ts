/** The one door to onnxruntime-node: sessions over models made in memory, providers, tensors. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { InferenceSession, Tensor, env, listSupportedBackends } from "onnxruntime-node";

/** Version 8 of the ONNX IR carries opset 17, which every provider of onnxruntime 1.30 takes. */
const irVersion = 10n;
const opset = 21n;

export interface RuntimeOptions {
  /** Fixed, so that the order of summation is. */
  readonly threads: number;
}

/** Products are in the precision of their operands; float64 is the CPU provider's alone. */
export type GemmElement = "float32" | "float64";

/** A rank-2 operand with symbolic dimensions. */
function matrix(element: GemmElement, name: string, rows: string, columns: string) {
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: "tensorType",
        value: {
          elemType:
            element === "float32" ? TensorProto_DataType.FLOAT : TensorProto_DataType.DOUBLE,
          shape: {
            dim: [rows, columns].map((symbol) => ({
              value: { case: "dimParam" as const, value: symbol },
            })),
          },
        },
      },
    },
  });
}

/** ONNX bytes of `result = op(left) · op(right)` by one Gemm, which takes transposed operands as they lie. */
function gemmModel(
  element: GemmElement,
  transposeLeft: boolean,
  transposeRight: boolean,
): Uint8Array {
  const operand = (name: string, rows: string, columns: string) =>
    matrix(element, name, rows, columns);
  const flag = (name: string, value: boolean) =>
    create(AttributeProtoSchema, {
      name,
      type: AttributeProto_AttributeType.INT,
      i: value ? 1n : 0n,
    });
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName: "facet",
    opsetImport: [{ domain: "", version: opset }],
    graph: {
      name: "gemm",
      node: [
        create(NodeProtoSchema, {
          opType: "Gemm",
          input: ["left", "right"],
          output: ["result"],
          attribute: [flag("transA", transposeLeft), flag("transB", transposeRight)],
        }),
      ],
      input: [
        transposeLeft ? operand("left", "inner", "rows") : operand("left", "rows", "inner"),
        transposeRight
          ? operand("right", "columns", "inner")
          : operand("right", "inner", "columns"),
      ],
      output: [operand("result", "rows", "columns")],
    },
  });
  return toBinary(ModelProtoSchema, model);
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

  /** Names of the execution providers compiled into this build, e.g. `cpu`, `cuda`, `webgpu`. */
  get providers(): string[] {
    return listSupportedBackends().map((backend) => backend.name);
  }

  /** The session of one Gemm; made at first use. */
  gemm(
    element: GemmElement,
    transposeLeft: boolean,
    transposeRight: boolean,
  ): Promise<InferenceSession> {
    const key = `${element} ${String(transposeLeft)} ${String(transposeRight)}`;
    let session = this.#gemms.get(key);
    if (session === undefined) {
      session = InferenceSession.create(gemmModel(element, transposeLeft, transposeRight), {
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
