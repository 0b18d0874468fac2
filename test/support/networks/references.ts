/** Numbers that torch computed, stored by test/fixtures/networks/make.py. */
import { join } from "node:path";
import type { Tensor } from "../../../src-main/engine/session.ts";
import { readTensorFile } from "../safetensors.ts";
import type { Network } from "./network.ts";

const folder = join(import.meta.dirname, "../../fixtures/networks");

export type References = ReadonlyMap<string, Tensor & { readonly values: Float32Array }>;

/** By name: `parameter:0.weight`, `data:x`, `loss`. */
export function references(name: string): References {
  const { metadata, tensors } = readTensorFile(join(folder, `${name}.safetensors`));
  if (metadata["magic"] !== "facet-reference" || metadata["version"] !== "1")
    throw new Error(`${name}.safetensors is no reference of version 1: run make.py again.`);
  return tensors;
}

export function reference(stored: References, name: string) {
  const tensor = stored.get(name);
  if (tensor === undefined) throw new Error(`The references lack ${name}.`);
  return tensor;
}

/** Names and tensors of one kind, without the kind before the name. */
export function referencesOf(stored: References, kind: string) {
  return Array.from(stored).flatMap(([name, tensor]) =>
    name.startsWith(`${kind}:`) ? [[name.slice(kind.length + 1), tensor] as const] : [],
  );
}

/** What the network is fed: the stored data, indices as the integers that they are. */
export function storedData(stored: References, network: Network): Record<string, Tensor> {
  return Object.fromEntries(
    network.data.map(({ name, dtype }) => {
      const { shape, values } = reference(stored, `data:${name}`);
      return [
        name,
        { shape, values: dtype === "I64" ? BigInt64Array.from(values, BigInt) : values },
      ];
    }),
  );
}

/** Distance by length, over all elements. */
export function relativeError(found: Tensor, expected: Tensor): number {
  if (found.shape.join() !== expected.shape.join())
    throw new Error(`[${found.shape.join()}] is not of the shape [${expected.shape.join()}]`);
  let distance = 0;
  let length = 0;
  expected.values.forEach((value, index) => {
    distance += (Number(found.values[index]) - Number(value)) ** 2;
    length += Number(value) ** 2;
  });
  return Math.sqrt(distance / length);
}
