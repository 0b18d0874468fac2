/** The order of nodes: operands first, each once, the same every time, however deep. */
import { expect, it } from "vitest";
import { add, input, multiply, sin, tanh } from "../../../../src-main/core/graph/build/index.ts";
import type { Node } from "../../../../src-main/core/graph/node.ts";
import { inOrder } from "../../../../src-main/core/graph/order.ts";
import { seededRandom } from "../../../../src-main/core/tensor/random.ts";

const x = input("x", [2]);

it("has operands before what uses them, and each node once", () => {
  const random = seededRandom(3);
  const nodes: Node[] = [x, input("y", [2])];
  const any = () => nodes[random.below(nodes.length)] ?? x;
  for (let count = 0; count < 500; count++) nodes.push(add(any(), any()));
  const order = inOrder(nodes.slice(-3));
  const places = new Map(order.map((node, at) => [node, at]));
  expect(places.size).toBe(order.length);
  order.forEach((node, at) => {
    for (const operand of node.inputs) expect(places.get(operand)).toBeLessThan(at);
  });
  expect(inOrder(nodes.slice(-3))).toEqual(order);
});

it("holds what the outputs need and no more, in the outputs' order", () => {
  const [left, right] = [sin(x), tanh(x)];
  expect(inOrder([right, left, right])).toEqual([x, right, left]);
  expect(inOrder([])).toEqual([]);
});

it("takes a node that is used everywhere once", () => {
  let value = x;
  // 2^60 paths lead from the end to the beginning.
  for (let depth = 0; depth < 60; depth++) value = multiply(value, value);
  expect(inOrder([value])).toHaveLength(61);
});

it("needs no stack for deep chains", () => {
  let value = x;
  for (let depth = 0; depth < 200_000; depth++) value = tanh(value);
  const order = inOrder([value]);
  expect(order).toHaveLength(200_001);
  expect(order[0]).toBe(x);
});
