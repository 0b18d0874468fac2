/** ONNX models of one matrix product; float64 is why they do not come from a graph, which has no such type. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";

/** Version 10 of the ONNX IR carries opset 21, which every provider of onnxruntime 1.30 takes. */
const irVersion = 10n;
const opset = 21n;

export interface Gemm {
  /** Of operands and result; float64 is the CPU provider's alone. */
  readonly element: "float32" | "float64";
  readonly transposeLeft: boolean;
  readonly transposeRight: boolean;
  /** Whether a third operand is added. */
  readonly plus: boolean;
}

/** The model's first output, a sequence. A run that asks for it copies no result, and complains; see `LoweredGraph.written`. */
export const written = "written";

/** ONNX bytes of `result = op(left) · op(right) (+ plus)` by one Gemm, which takes transposed operands as they lie. */
export function gemmModel({ element, transposeLeft, transposeRight, plus }: Gemm): Uint8Array {
  const operand = (name: string, rows: string, columns: string, turned = false) =>
    matrix(element, name, turned ? [columns, rows] : [rows, columns]);
  const flag = (name: string, value: boolean) =>
    create(AttributeProtoSchema, {
      name,
      type: AttributeProto_AttributeType.INT,
      i: value ? 1n : 0n,
    });
  const zero = create(AttributeProtoSchema, {
    name: "value_float",
    type: AttributeProto_AttributeType.FLOAT,
    f: 0,
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
          input: ["left", "right", ...(plus ? ["plus"] : [])],
          output: ["result"],
          attribute: [flag("transA", transposeLeft), flag("transB", transposeRight)],
        }),
        create(NodeProtoSchema, { opType: "Constant", output: ["zero"], attribute: [zero] }),
        create(NodeProtoSchema, {
          opType: "SequenceConstruct",
          input: ["zero"],
          output: [written],
        }),
      ],
      input: [
        operand("left", "rows", "inner", transposeLeft),
        operand("right", "inner", "columns", transposeRight),
        ...(plus ? [operand("plus", "rows", "columns")] : []),
      ],
      output: [sequence(written), operand("result", "rows", "columns")],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

/** A rank-2 operand with symbolic dimensions. */
function matrix(element: Gemm["element"], name: string, shape: readonly string[]) {
  const elemType = element === "float32" ? TensorProto_DataType.FLOAT : TensorProto_DataType.DOUBLE;
  const dim = shape.map((symbol) => ({ value: { case: "dimParam" as const, value: symbol } }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: "tensorType", value: { elemType, shape: { dim } } } },
  });
}

function sequence(name: string) {
  const element = { elemType: TensorProto_DataType.FLOAT, shape: {} };
  const type = create(TypeProtoSchema, {
    value: {
      case: "sequenceType",
      value: { elemType: { value: { case: "tensorType", value: element } } },
    },
  });
  return create(ValueInfoProtoSchema, { name, type });
}
