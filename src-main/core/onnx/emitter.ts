/** Collects what a lowered graph consists of: nodes, initialisers, names. Rules add to it and get names of values back. */
import type { Shape } from "../graph/shape.ts";
import type { ConstantValues, GraphDType } from "../graph/operators.ts";
import { elementCount } from "../tensor/dtype.ts";
import { bytesOf, elementTypes } from "./element-types.ts";
import type { Target } from "./target.ts";

export type Attribute =
  | { readonly kind: "integer"; readonly value: number }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "integers"; readonly value: readonly number[] }
  | { readonly kind: "tensor"; readonly value: Initialiser };

export const integer = (value: number): Attribute => ({ kind: "integer", value });
export const float = (value: number): Attribute => ({ kind: "float", value });
export const text = (value: string): Attribute => ({ kind: "text", value });
export const integers = (value: readonly number[]): Attribute => ({ kind: "integers", value });

export type Attributes = Readonly<Record<string, Attribute>>;

export interface EmittedNode {
  readonly type: string;
  /** Empty for the standard's own operators. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

export interface Initialiser {
  readonly name: string;
  readonly dtype: GraphDType;
  readonly dims: readonly number[];
  readonly data: Uint8Array | { readonly location: string; offset: number; length: number };
}

export interface ValueSignature {
  readonly name: string;
  readonly dtype: GraphDType;
  readonly shape: Shape;
}

/** Domain of ONNX Runtime's own operators. */
export const microsoft = "com.microsoft";

/** Values of a filled constant that are written out; larger ones are made when the session is opened. */
const writtenOut = 1024;

export class Emitter {
  readonly target: Target;
  readonly nodes: EmittedNode[] = [];
  readonly initialisers: Initialiser[] = [];
  readonly inputs: ValueSignature[] = [];
  /** What reshaped values were before. */
  readonly reshapes = new Map<string, { readonly value: string; readonly shape: Shape }>();
  /** Signatures of values between, where they help the runtime to plan its memory. */
  readonly between: ValueSignature[] = [];
  #opset = 21;
  readonly #known = new Map<string, string>();
  #count = 0;

  constructor(target: Target) {
    this.target = target;
  }

  /** The version of the standard's operators that the model is written for: the oldest that has all it uses. */
  get opset(): number {
    return this.#opset;
  }

  needOpset(version: number): void {
    this.#opset = Math.max(this.#opset, version);
  }

  /** Adds one node and gives the name of its result. */
  node(
    type: string,
    inputs: readonly string[],
    attributes: Attributes = {},
    { domain = "" }: { domain?: string } = {},
  ): string {
    const name = this.#fresh(type);
    this.nodes.push({ type, domain, inputs, outputs: [name], attributes });
    return name;
  }

  /** Adds one node with several results and gives their names. */
  results(
    count: number,
    type: string,
    inputs: readonly string[],
    attributes: Attributes = {},
  ): string[] {
    const outputs = Array.from({ length: count }, () => this.#fresh(type));
    this.nodes.push({ type, domain: "", inputs, outputs, attributes });
    return outputs;
  }

  /** The value of a node that does not depend on what a run is given and is wanted many times. */
  once(key: string, emit: () => string): string {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const name = emit();
    this.#known.set(key, name);
    return name;
  }

  /** A list of I64, as shapes, axes and starts are given to operators. */
  list(values: readonly number[]): string {
    return this.once(`list ${values.join(" ")}`, () =>
      this.initialiser("I64", [values.length], bytesOf(BigInt64Array.from(values, BigInt), "I64")),
    );
  }

  /** One number of rank 0. */
  scalar(value: number, dtype: GraphDType): string {
    const key = `scalar ${dtype} ${Object.is(value, -0) ? "-0" : value}`;
    return this.once(key, () => this.initialiser(dtype, [], bytesOf(value, dtype)));
  }

  /** One number repeated to a shape. */
  filled(value: number, dims: readonly number[], dtype: GraphDType): string {
    if (dims.length === 0) return this.scalar(value, dtype);
    return this.once(
      `filled ${dtype} ${Object.is(value, -0) ? "-0" : value} [${dims.join()}]`,
      () => {
        const count = elementCount(dims);
        if (count > writtenOut) return this.filledTo(value, this.list(dims), dtype);
        const one = bytesOf(value, dtype);
        const data = new Uint8Array(one.byteLength * count);
        for (let at = 0; at < count; at++) data.set(one, at * one.byteLength);
        return this.initialiser(dtype, dims, data);
      },
    );
  }

  /** One number repeated to a shape that is a value. */
  filledTo(value: number, shape: string, dtype: GraphDType): string {
    // The runtime has no bf16 kernel of this one.
    const made = dtype === "BF16" ? "F32" : dtype;
    const data = bytesOf(value, made);
    const full = this.node("ConstantOfShape", [shape], {
      value: { kind: "tensor", value: { name: "", dtype: made, dims: [1], data } },
    });
    return dtype === made ? full : this.cast(full, dtype);
  }

  array(values: ConstantValues, dims: readonly number[], dtype: GraphDType): string {
    return this.initialiser(dtype, dims, bytesOf(values, dtype));
  }

  initialiser(
    dtype: GraphDType,
    dims: readonly number[],
    data: Initialiser["data"],
    name = this.#fresh("constant"),
  ): string {
    this.initialisers.push({ name, dtype, dims, data });
    return name;
  }

  cast(value: string, to: GraphDType): string {
    return this.node("Cast", [value], { to: { kind: "integer", value: elementTypes[to] } });
  }

  /** Names begin with % so that they never meet those of inputs and weights. */
  #fresh(stem: string): string {
    return `%${stem}.${this.#count++}`;
  }
}
