/** ONNX models as text: one line a node. */
import { fromBinary } from "@bufbuild/protobuf";
import { type AttributeProto, ModelProtoSchema } from "onnx-buf";

/** Initialisers of up to so many values are shown by them. */
const shown = 6;

/** Bytes of F32 and I64, as ONNX numbers them. */
const sizes: Readonly<Record<number, number>> = { 1: 4, 7: 8 };

export function printModel(bytes: Uint8Array): string {
  const { graph } = fromBinary(ModelProtoSchema, bytes);
  if (!graph) throw new Error("a model without a graph");
  const names = new Map<string, string>();
  for (const { name, dims, rawData, dataType } of graph.initializer) {
    const count = dims.reduce((product, size) => product * Number(size), 1);
    // A copy, since typed arrays want their offset aligned.
    const bits = new Uint8Array(rawData);
    const values =
      !name.startsWith("%") || count > shown || rawData.length !== count * (sizes[dataType] ?? 0)
        ? `${name.startsWith("%") ? "" : name}[${dims.join(", ")}]`
        : dataType === 1
          ? Array.from(new Float32Array(bits.buffer)).join(" ")
          : Array.from(new BigInt64Array(bits.buffer)).join(" ");
    names.set(name, dims.length === 0 ? values : `[${values}]`);
  }
  graph.node.forEach(({ output }, index) => {
    for (const [at, name] of output.entries()) {
      const short = at === 0 ? `%${index}` : `%${index}.${at}`;
      names.set(name, name.startsWith("%") ? short : name);
    }
  });
  const nameOf = (name: string) => names.get(name) ?? name;
  return graph.node
    .map(({ opType, input, output, attribute }) => {
      const attributes = attribute.map(attributeText).join(", ");
      return `${output.map(nameOf).join(", ")} = ${opType}(${input.map(nameOf).join(", ")})${attributes === "" ? "" : ` {${attributes}}`}`;
    })
    .join("\n");
}

function attributeText({ name, f, i, s, ints, type, t }: AttributeProto): string {
  const value = [f, i, new TextDecoder().decode(s), t?.dims.join()][[1, 2, 3, 4].indexOf(type)];
  return `${name} ${value === undefined ? `[${ints.join(", ")}]` : String(value)}`;
}
