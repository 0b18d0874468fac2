/** Graphs as text: one line a node, numbered in order, the same text for the same graph. */
import { missingCase } from "../errors.ts";
import { type Dimension, dimensionText } from "./dimension.ts";
import type { Graph, Node } from "./node.ts";
import type { ConstantValues, WeightSource } from "./operators.ts";
import { inOrder } from "./order.ts";
import { shapeText } from "./shape.ts";

/** Values of a constant that are shown; more are told by a hash. */
const shown = 8;

export function printGraph({ outputs }: Graph): string {
  const names = new Map<Node, string>();
  const lines = inOrder(outputs.values()).map((node, index) => {
    names.set(node, `%${index}`);
    const operands = node.inputs.map((operand) => names.get(operand) ?? "?").join(", ");
    const parameters = parametersText(node);
    const signature = `${node.dtype} ${shapeText(node.shape)}`;
    return `%${index} = ${node.operator}(${operands})${parameters === "" ? "" : ` {${parameters}}`} : ${signature}`;
  });
  for (const [name, node] of outputs) lines.push(`${name} = ${names.get(node) ?? "?"}`);
  return lines.join("\n");
}

/** The parameters of one node, apart from what its signature shows; empty where there are none. */
export function parametersText(node: Node): string {
  switch (node.operator) {
    case "input":
      return node.parameters.name;
    case "constant":
      return constantText(node.parameters.values);
    case "weight":
      return `${node.parameters.name}, ${sourceText(node.parameters.source)}`;
    case "reshape":
    case "expand":
      return "";
    case "cast":
    case "swish":
    case "matmul":
    case "convolve":
    case "convolveTransposed":
    case "attention":
    case "sum":
    case "mean":
    case "largest":
    case "argmax":
    case "softmax":
    case "logSoftmax":
    case "normalize":
    case "transpose":
    case "slice":
    case "pad":
    case "concat":
    case "upsample":
    case "scatterAdd":
    case "oneHot":
      return fieldsText(node.parameters);
    case "negate":
    case "exp":
    case "log":
    case "sqrt":
    case "sin":
    case "cos":
    case "acos":
    case "tanh":
    case "sigmoid":
    case "erf":
    case "absolute":
    case "relu":
    case "gelu":
    case "not":
    case "add":
    case "subtract":
    case "multiply":
    case "divide":
    case "power":
    case "minimum":
    case "maximum":
    case "equal":
    case "less":
    case "and":
    case "where":
    case "gather":
    case "after":
      return "";
    default:
      return missingCase(node);
  }
}

type Field = boolean | number | string | Dimension | readonly Dimension[];

function fieldsText(fields: Readonly<Record<string, Field>> | object): string {
  return Object.entries(fields as Record<string, Field>)
    .filter(([, value]) => value !== false)
    .map(([name, value]) => (value === true ? name : `${name} ${fieldText(value)}`))
    .join(", ");
}

function fieldText(value: Field): string {
  if (typeof value === "string" || typeof value === "boolean") return String(value);
  if (typeof value === "number") return dimensionText(value);
  return "text" in value ? value.text : shapeText(value);
}

function constantText(values: ConstantValues): string {
  if (typeof values === "number") return valueText(values);
  if (values.length <= shown) return Array.from(values, valueText).join(" ");
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return `${values.length} values, hash ${hash(bytes)}`;
}

function valueText(value: number | bigint): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function sourceText(source: WeightSource): string {
  return source.kind === "file"
    ? `${source.path} at ${source.offset}`
    : `${source.bytes.byteLength} bytes, hash ${hash(source.bytes)}`;
}

/** FNV-1a over 32 bits: tells constants apart in a text, no more. */
function hash(bytes: Uint8Array): string {
  let state = 0x811c9dc5;
  for (const byte of bytes) state = Math.imul(state ^ byte, 0x01000193) >>> 0;
  return state.toString(16).padStart(8, "0");
}
