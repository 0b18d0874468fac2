/** What the four networks have in common; networks.py has the same ones for torch, with the same names. */
import { input, weight } from "../../../src-main/core/graph/build/index.ts";
import {
  initialValues,
  type Parameters,
  trainedParameters,
} from "../../../src-main/core/graph/layers/index.ts";
import type { GraphDType } from "../../../src-main/core/graph/operators.ts";
import type { Node } from "../../../src-main/core/graph/node.ts";
import { elementCount } from "../../../src-main/core/tensor/dtype.ts";
import { type Random, seededRandom } from "../../../src-main/core/tensor/random.ts";
import type { Tensor } from "../../../src-main/engine/session.ts";

/** `full` is what the benchmarks measure, `tiny` what references are stored for. */
export type Size = "full" | "tiny";

export interface Datum {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: GraphDType;
  /** Values are normal, or whole numbers below this. */
  readonly below?: number;
}

export interface Network {
  readonly name: string;
  readonly data: readonly Datum[];
  readonly forward: (parameters: Parameters, data: Readonly<Record<string, Node>>) => Node;
  readonly loss: (forward: Node, data: Readonly<Record<string, Node>>) => Node;
}

/** The network with its parameters as inputs. */
export function trained(network: Network) {
  const { parameters, trained: entries } = trainedParameters();
  const data = dataNodes(network);
  const forward = network.forward(parameters, data);
  return { parameters: entries, forward, loss: network.loss(forward, data) };
}

function dataNodes({ data }: Network): Record<string, Node> {
  return Object.fromEntries(
    data.map(({ name, shape, dtype }) => [name, input(name, shape, dtype)]),
  );
}

export function randomData({ data }: Network, random: Random): Record<string, Tensor> {
  return Object.fromEntries(
    data.map(({ name, shape, dtype, below }) => [
      name,
      { shape, values: randomValues(dtype, elementCount(shape), below, random) },
    ]),
  );
}

function randomValues(dtype: GraphDType, count: number, below: number | undefined, random: Random) {
  const draw = () => (below === undefined ? random.normal() : random.below(below));
  return dtype === "I64"
    ? BigInt64Array.from({ length: count }, () => BigInt(draw()))
    : Float32Array.from({ length: count }, draw);
}

/** First values of all parameters, by the names of the graph's inputs. */
export function firstParameters(network: Network, seed: number): Record<string, Tensor> {
  const random = seededRandom(seed);
  return Object.fromEntries(
    Array.from(trained(network).parameters, ([name, { shape, initial }]) => [
      `parameter:${name}`,
      { shape, values: initialValues(initial, shape, random) },
    ]),
  );
}

/** A datum by name, which the network itself declared. */
export function given(node: Node | undefined): Node {
  if (node === undefined) throw new Error("The network asks for data that it does not declare.");
  return node;
}

/** The network with parameters that are part of the model, as inference has them. */
export function inferring(network: Network, seed: number): Node {
  const random = seededRandom(seed);
  const parameters: Parameters = (name, shape, initial) => {
    const { buffer } = initialValues(initial, shape, random);
    return weight(name, shape, { kind: "bytes", bytes: new Uint8Array(buffer) });
  };
  return network.forward(parameters, dataNodes(network));
}
