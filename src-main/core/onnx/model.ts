/** What an emitter collected as the bytes of an ONNX model. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { FacetError, missingCase } from "../errors.ts";
import { elementTypes } from "./element-types.ts";
import {
  type Attribute,
  type EmittedNode,
  type Emitter,
  type Initialiser,
  microsoft,
  type ValueSignature,
} from "./emitter.ts";

/** The version of the ONNX IR that came with opset 21, for which the optimiser knows most patterns, and with 23. */
const irVersions: Readonly<Record<number, bigint>> = { 21: 10n, 23: 11n };

/** Of bytes in the model itself: protobuf ends at 2 GiB, and the model is copied more than once while it is opened. */
const mostInside = 1.5 * 2 ** 30;

/**
 * `names` gives values other names than the emitter gave them: those of the graph's outputs. `written` is an output of
 * its own before them.
 */
export function modelBytes(
  emitter: Emitter,
  outputs: readonly ValueSignature[],
  names: ReadonlyMap<string, string>,
  written: string | undefined,
): Uint8Array {
  const wanted = [...names.keys(), ...(written === undefined ? [] : [written])];
  const { nodes, initialisers } = used(emitter, wanted);
  checkSize(initialisers);
  const rename = (name: string) => names.get(name) ?? name;
  const model = create(ModelProtoSchema, {
    irVersion: irVersions[emitter.opset] ?? 11n,
    producerName: "facet",
    opsetImport: [
      { domain: "", version: BigInt(emitter.opset) },
      { domain: microsoft, version: 1n },
    ],
    graph: {
      name: "facet",
      node: nodes.map((node) => nodeProto(node, rename)),
      initializer: initialisers.map(tensorProto),
      input: emitter.inputs.map(valueInfo),
      output: [
        ...(written === undefined ? [] : [sequenceInfo(written)]),
        ...outputs.map(valueInfo),
      ],
      valueInfo: emitter.between
        .filter(({ name }) => !names.has(name))
        .map((signature) => valueInfo(signature)),
    },
  });
  return toBinary(ModelProtoSchema, model);
}

/** What the outputs are computed from: rules emit reshapes that later ones pass over. */
function used(emitter: Emitter, outputs: readonly string[]) {
  const wanted = new Set(outputs);
  const nodes = emitter.nodes
    .toReversed()
    .filter(({ inputs, outputs: results }) => {
      if (!results.some((name) => wanted.has(name))) return false;
      for (const name of inputs) wanted.add(name);
      return true;
    })
    .toReversed();
  return { nodes, initialisers: emitter.initialisers.filter(({ name }) => wanted.has(name)) };
}

function checkSize(initialisers: readonly Initialiser[]): void {
  const bytes = initialisers.reduce(
    (sum, { data }) => sum + (data instanceof Uint8Array ? data.byteLength : 0),
    0,
  );
  if (bytes > mostInside) {
    throw new FacetError(
      "too-large",
      `The graph's constants and weights in memory have ${bytes} bytes, and a model holds ${mostInside}: leave weights in their files.`,
    );
  }
}

function nodeProto(node: EmittedNode, rename: (name: string) => string) {
  return create(NodeProtoSchema, {
    name: node.outputs[0] ?? "",
    opType: node.type,
    domain: node.domain,
    input: node.inputs.map(rename),
    output: node.outputs.map(rename),
    attribute: Object.entries(node.attributes).map(([name, value]) => attributeProto(name, value)),
  });
}

function attributeProto(name: string, attribute: Attribute): AttributeProto {
  const { INT, FLOAT, STRING, INTS, TENSOR } = AttributeProto_AttributeType;
  switch (attribute.kind) {
    case "integer":
      return create(AttributeProtoSchema, { name, type: INT, i: BigInt(attribute.value) });
    case "float":
      return create(AttributeProtoSchema, { name, type: FLOAT, f: attribute.value });
    case "text": {
      const s = Uint8Array.from(attribute.value, (letter) => letter.charCodeAt(0));
      return create(AttributeProtoSchema, { name, type: STRING, s });
    }
    case "integers":
      return create(AttributeProtoSchema, {
        name,
        type: INTS,
        ints: attribute.value.map(BigInt),
      });
    case "tensor":
      return create(AttributeProtoSchema, {
        name,
        type: TENSOR,
        t: tensorProto(attribute.value),
      });
    default:
      return missingCase(attribute);
  }
}

function tensorProto({ name, dtype, dims, data }: Initialiser): TensorProto {
  const common = { name, dataType: elementTypes[dtype], dims: dims.map(BigInt) };
  if (data instanceof Uint8Array) {
    return create(TensorProtoSchema, { ...common, rawData: data as Uint8Array<ArrayBuffer> });
  }
  return create(TensorProtoSchema, {
    ...common,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [
      { key: "location", value: data.location },
      { key: "offset", value: String(data.offset) },
      { key: "length", value: String(data.length) },
    ],
  });
}

/** A sequence of F32 tensors. */
function sequenceInfo(name: string) {
  const element = { elemType: elementTypes.F32, shape: {} };
  const type = create(TypeProtoSchema, {
    value: {
      case: "sequenceType",
      value: { elemType: { value: { case: "tensorType", value: element } } },
    },
  });
  return create(ValueInfoProtoSchema, { name, type });
}

function valueInfo({ name, dtype, shape }: ValueSignature) {
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: "tensorType",
        value: {
          elemType: elementTypes[dtype],
          shape: {
            dim: shape.map((size) => ({
              value:
                typeof size === "number"
                  ? { case: "dimValue" as const, value: BigInt(size) }
                  : { case: "dimParam" as const, value: size.text },
            })),
          },
        },
      },
    },
  });
}
