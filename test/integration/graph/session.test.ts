/** Sessions: what runs are given and give, where weights come from, and what the runtime does to graphs. */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as build from "../../../src-main/core/graph/build/index.ts";
import { symbol, times } from "../../../src-main/core/graph/dimension.ts";
import { graphOf, type Node } from "../../../src-main/core/graph/node.ts";
import { lowerGraph } from "../../../src-main/core/onnx/lower.ts";
import { seededRandom } from "../../../src-main/core/tensor/random.ts";
import { openSession, type Tensor } from "../../../src-main/engine/session.ts";
import { printModel } from "../../support/print-model.ts";
import { runGraph } from "../../support/run-graph.ts";

const cpu = { provider: "cpu", threads: 2 } as const;

function tensor(shape: readonly number[], values?: readonly number[]): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return { shape, values: values ? Float32Array.from(values) : new Float32Array(count) };
}

function toNumbers(of: Tensor | undefined): number[] {
  return Array.from<number | bigint, number>(of?.values ?? [], Number);
}

describe("a run", () => {
  const x = build.input("x", ["n", 2]);
  const w = build.input("w", [2]);
  const graph = graphOf({ w: build.add(w, 1), y: build.multiply(x, w) });

  it("writes results into the arrays it is given, and makes the others", async () => {
    await using session = await openSession(graph, cpu);
    const feeds = { x: tensor([3, 2], [1, 2, 3, 4, 5, 6]), w: tensor([2], [10, 100]) };
    const next = tensor([2]);
    const given = await session.run(feeds, { w: next });
    expect(given["w"]).toBe(next);
    expect(toNumbers(next)).toEqual([11, 101]);
    expect(given["y"]).toEqual(tensor([3, 2], [10, 200, 30, 400, 50, 600]));
  });

  it("goes back and forth between two sets of arrays", async () => {
    await using session = await openSession(graph, cpu);
    const data = { x: tensor([1, 2]) };
    let [now, next] = [tensor([2]), tensor([2])];
    for (let step = 0; step < 5; step++) {
      await session.run({ ...data, w: now }, { w: next });
      [now, next] = [next, now];
    }
    expect(toNumbers(now)).toEqual([5, 5]);
  });

  it("sees that a feed or a result was replaced", async () => {
    await using session = await openSession(graph, cpu);
    const feeds = { x: tensor([1, 2], [1, 1]), w: tensor([2], [1, 2]) };
    const results = { w: tensor([2]), y: tensor([1, 2]) };
    await session.run(feeds, results);
    feeds.x = tensor([2, 2], [5, 6, 7, 8]);
    await expect(session.run(feeds, results)).rejects.toThrow(/output y is \[n, 2\] and got/);
    results.y = tensor([2, 2]);
    await session.run(feeds, results);
    expect(toNumbers(results.y)).toEqual([5, 12, 7, 16]);
  });

  it("is not written into what it reads", async () => {
    await using session = await openSession(graph, cpu);
    const w = tensor([2]);
    const run = session.run({ x: tensor([1, 2]), w }, { w });
    await expect(run).rejects.toThrow(/w is written into what is read/);
  });

  it("copies no result that was given its memory", async () => {
    const size = 16_000_000;
    const big = build.input("x", [size]);
    await using session = await openSession(graphOf({ y: build.negate(big) }), cpu);
    const [feed, result] = [tensor([size]), tensor([size])];
    await session.run({ x: feed }, { y: result });
    const before = process.memoryUsage().arrayBuffers;
    for (let run = 0; run < 5; run++) await session.run({ x: feed }, { y: result });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(size);
  });

  it.each([
    ["a missing input", { x: tensor([1, 2]) }, {}, /input w is not given/],
    ["an unknown input", { x: tensor([1, 2]), w: tensor([2]), v: tensor([2]) }, {}, /no input v/],
    ["another shape", { x: tensor([1, 3]), w: tensor([2]) }, {}, /x is \[n, 2\] and got \[1, 3\]/],
    ["another rank", { x: tensor([2]), w: tensor([2]) }, {}, /x is \[n, 2\] and got \[2\]/],
    [
      "another type",
      { x: tensor([1, 2]), w: { shape: [2], values: new Int32Array(2) } },
      {},
      /w is F32, a Float32Array, and got a Int32Array/,
    ],
    [
      "too few values",
      { x: tensor([1, 2]), w: { shape: [2], values: new Float32Array(1) } },
      {},
      /w got 1 values for \[2\]/,
    ],
    [
      "a result of another size",
      { x: tensor([3, 2]), w: tensor([2]) },
      { y: tensor([2, 2]) },
      /output y is \[n, 2\] and got \[2, 2\] \(n = 3\)/,
    ],
    ["an unknown result", { x: tensor([1, 2]), w: tensor([2]) }, { z: tensor([1]) }, /no output z/],
  ])("refuses %s", async (_, feeds, results, message) => {
    await using session = await openSession(graph, cpu);
    await expect(session.run(feeds, results)).rejects.toThrow(message);
  });

  it("refuses a size that no size of its symbols gives", async () => {
    const pairs = build.input("pairs", [times(symbol("n"), 2)]);
    await using session = await openSession(graphOf({ y: build.negate(pairs) }), cpu);
    await session.run({ pairs: tensor([4]) });
    await expect(session.run({ pairs: tensor([3]) })).rejects.toThrow(
      /pairs is \[2 \* n\] and got \[3\]/,
    );
  });

  it("tells what the runtime refuses", async () => {
    const table = build.input("table", [4, 2]);
    const indices = build.input("indices", [1], "I64");
    const rows = graphOf({ rows: build.gather(table, indices) });
    const feeds = {
      table: tensor([4, 2]),
      indices: { shape: [1], values: BigInt64Array.of(9n) },
    };
    await expect(runGraph(rows, feeds)).rejects.toThrow(/out of data bounds|out of bounds/);
  });
});

describe("weights", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "facet-weights-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** `count` numbers from `first` on behind `offset` other bytes. */
  async function file(name: string, offset: number, first: number, count: number): Promise<string> {
    const bytes = new Uint8Array(offset + 4 * count + 3).fill(255);
    const values = Float32Array.from({ length: count }, (_, index) => first + index);
    bytes.set(new Uint8Array(values.buffer), offset);
    const path = join(folder, name);
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, bytes);
    return path;
  }

  const weight = (name: string, path: string, offset: number, count: number): Node =>
    build.weight(name, [count], { kind: "file", path, offset, length: 4 * count });

  it("come from odd places in files of several folders, through links too", async () => {
    const one = await file("models/base/one.safetensors", 13, 0, 5000);
    const two = await file("other/two.safetensors", 1, 100, 5000);
    await symlink(two, join(folder, "models/link.safetensors"));
    const x = build.input("x", [5000]);
    const sum = [
      weight("one", one, 13, 5000),
      weight("two", join(folder, "models/link.safetensors"), 1, 5000),
    ].reduce(build.add, x);
    const { y } = await runGraph(graphOf({ y: sum }), { x: tensor([5000]) });
    expect(y?.values[0]).toBe(100);
    expect(y?.values[4999]).toBe(100 + 2 * 4999);
  });

  it("are as they were given in memory", async () => {
    const values = Float32Array.of(1, 2, 3);
    const bytes = new Uint8Array(values.buffer);
    const w = build.weight("w", [3], { kind: "bytes", bytes });
    const { y } = await runGraph(graphOf({ y: build.add(w, 1), w }));
    expect(toNumbers(y)).toEqual([2, 3, 4]);
  });

  it("are missed by file and name", async () => {
    const gone = weight("gone", join(folder, "gone.safetensors"), 0, 4);
    await expect(openSession(graphOf({ gone }), cpu)).rejects.toThrow(/gone\.safetensors.*gone/);
    const path = await file("short.safetensors", 0, 0, 2);
    const long = weight("long", path, 0, 4);
    await expect(openSession(graphOf({ long }), cpu)).rejects.toThrow(/long ends at byte 16/);
  });
});

describe("a sum of rows by index", () => {
  /** The runtime's ScatterND loses sums when it shares its work among threads. */
  it.each([
    ["known sizes", false],
    ["sizes that the run tells", true],
  ])("loses none on several threads, with %s", async (_, symbolic) => {
    const [rows, width] = [4000, 256];
    const indices = build.input("indices", [symbolic ? "rows" : rows], "I64");
    const x = build.input("x", [symbolic ? "rows" : rows, width]);
    const graph = graphOf({ y: build.scatterAdd(indices, x, 3) });
    await using session = await openSession(graph, { ...cpu, threads: 4 });
    const feeds = {
      indices: { shape: [rows], values: new BigInt64Array(rows).fill(1n) },
      x: { shape: [rows, width], values: new Float32Array(rows * width).fill(1) },
    };
    for (let run = 0; run < 10; run++) {
      const { y } = await session.run(feeds);
      expect(y?.values.subarray(0, width).every((value) => value === 0)).toBe(true);
      expect(y?.values.subarray(width, 2 * width).every((value) => value === rows)).toBe(true);
    }
  });
});

describe("after", () => {
  it("outlives the optimiser, and hangs on its second operand", async () => {
    const x = build.input("x", [64, 64]);
    const first = build.exp(build.matmul(x, x));
    const late = build.after(x, first);
    const again = build.exp(build.matmul(late, late));
    const graph = graphOf({ y: build.add(build.multiply(again, 0.5), first) });
    const path = join(await mkdtemp(join(tmpdir(), "facet-after-")), "model.onnx");
    const { bytes } = lowerGraph(graph, { provider: "cpu" });
    const session = await InferenceSession.create(bytes, {
      optimizedModelFilePath: path,
      logSeverityLevel: 4,
    });
    await session.release();
    const optimised = printModel(await readFile(path));
    await rm(join(path, ".."), { recursive: true });
    expect(optimised.match(/MatMul/g)).toHaveLength(2);
    expect(optimised.match(/Reshape\(x, /g)).toHaveLength(1);
  });

  it("gives the same values", async () => {
    const random = seededRandom(5);
    const x = build.input("x", [7, 3]);
    const values = Float32Array.from({ length: 21 }, () => random.normal());
    const graph = graphOf({ y: build.after(x, build.sum(x)), z: build.sum(x) });
    const { y } = await runGraph(graph, { x: { shape: [7, 3], values } });
    expect(y).toEqual({ shape: [7, 3], values });
  });
});
