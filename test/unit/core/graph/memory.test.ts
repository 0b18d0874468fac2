/** Estimates of memory, held against sets of live values counted by hand. */
import { describe, expect, it } from "vitest";
import {
  add,
  attention,
  exp,
  gelu,
  input,
  matmul,
  reshape,
  weight,
} from "../../../../src-main/core/graph/build/index.ts";
import { estimateMemory } from "../../../../src-main/core/graph/memory.ts";
import { graphOf, type Node } from "../../../../src-main/core/graph/node.ts";

/** What the runtime adds to live values. */
const runtimeShare = 1.5;
const kilobyte = 256 * 4;

/** [256], one kilobyte. */
const x = () => input("x", [256]);

function live(outputs: Record<string, Node>, sizes?: ReadonlyMap<string, number>): number {
  const estimate = estimateMemory(graphOf(outputs), sizes === undefined ? {} : { sizes });
  return estimate.live / runtimeShare / kilobyte;
}

describe("what is live at once", () => {
  it("is one value in a chain that is written over, two where it cannot be", () => {
    expect(live({ y: gelu(exp(exp(exp(x())))) })).toBe(1);
    expect(live({ y: exp(gelu(gelu(gelu(x())))) })).toBe(2);
  });

  it("is what waits for a later reader as well", () => {
    // Forward values wait for their backward pass: the first is read last.
    const values: Node[] = [];
    let h: Node = x();
    for (let layer = 0; layer < 10; layer++) {
      h = gelu(h);
      values.push(h);
    }
    const y = values.toReversed().reduce((sum, value) => add(sum, value), gelu(h));
    expect(live({ y })).toBe(11);
  });

  it("counts views once, and neither inputs nor outputs", () => {
    const h = gelu(x());
    expect(live({ y: gelu(reshape(reshape(h, [16, 16]), [4, 64])) })).toBe(1);
    const one = estimateMemory(graphOf({ y: exp(x()), z: gelu(x()) }));
    expect(one).toMatchObject({ inputs: kilobyte, outputs: 2 * kilobyte, live: 0 });
  });

  it("counts the scores of an attention", () => {
    const q = input("q", [2, 128, 4]);
    const { live: bytes, at } = estimateMemory(
      graphOf({ y: exp(attention(q, input("k", [2, 64, 4]), input("v", [2, 64, 4]), 1)) }),
    );
    const scores = 2 * 128 * 64 * 4;
    expect(bytes / runtimeShare).toBe(scores + 2 * 128 * 4 * 4);
    expect(at).toBe("attention F32 [2, 128, 4]");
  });
});

describe("sizes", () => {
  it("come from the symbols' values", () => {
    const y = exp(gelu(input("x", ["batch", 256])));
    expect(live({ y }, new Map([["batch", 3]]))).toBe(3);
  });

  it("of halves are those of what the provider computes in", () => {
    const bytes = new Uint8Array(256 * 256 * 2);
    const w = weight("w", [256, 256], { kind: "bytes", bytes }, "F16");
    const graph = graphOf({ y: matmul(input("x", [1, 256], "F16"), w) });
    expect(estimateMemory(graph).weights).toBe(bytes.byteLength);
    expect(estimateMemory(graph, { wideHalves: true }).weights).toBe(2 * bytes.byteLength);
  });

  it("of an input that stands in the graph twice count once", () => {
    expect(estimateMemory(graphOf({ y: add(exp(x()), x()) })).inputs).toBe(kilobyte);
  });
});
