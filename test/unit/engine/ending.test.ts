/** What is said of an engine's end, by how it ended and what was seen before. */
import { describe, expect, it } from "vitest";
import { isMemoryError, refuseUnfit } from "../../../src-main/engine/machine-memory.ts";
import { endedFor, type Seen } from "../../../src-main/engine/ending.ts";

const gigabyte = 1e9;
const seen = (freeGigabytes: number, kills: number | null): Seen => ({
  engineBytes: 3.2 * gigabyte,
  machine: { totalBytes: 16 * gigabyte, freeBytes: freeGigabytes * gigabyte },
  kills,
});
const killed = { code: null, signal: "SIGKILL" };

describe("an engine's end", () => {
  it.each([
    [
      "the kernel counted one more",
      killed,
      seen(9, 4),
      5,
      "out-of-memory",
      /because memory ran out/,
    ],
    ["little was free", killed, seen(1, 4), 4, "out-of-memory", /probably because memory ran out/],
    ["nobody counts", killed, seen(9, null), null, "out-of-memory", /probably/],
    ["nothing was seen", killed, null, 4, "out-of-memory", /probably/],
    ["Electron says 9", { code: 9, signal: null }, seen(1, 4), 4, "out-of-memory", /probably/],
    ["a shell says 137", { code: 137, signal: null }, seen(1, 4), 4, "out-of-memory", /probably/],
    ["memory was there", killed, seen(9, 4), 4, "engine-unavailable", /killed from outside/],
    [
      "it crashed",
      { code: null, signal: "SIGSEGV" },
      seen(1, 4),
      5,
      "engine-unavailable",
      /stopped/,
    ],
    ["it left", { code: 1, signal: null }, seen(1, 4), 5, "engine-unavailable", /stopped/],
    ["nothing is known", null, seen(1, 4), 5, "engine-unavailable", /stopped/],
  ] as const)("where %s", (_, exit, before, kills, code, words) => {
    const error = endedFor("train", exit, before, null, kills);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(words);
    expect(error.message).toContain('"train"');
  });

  it("names the last sizes", () => {
    expect(endedFor("fit", killed, seen(0.4, 1), null, 2).message).toContain(
      "it held 3.2 GB when last seen, 400 MB of 16.0 GB were free",
    );
  });
});

describe("memory", () => {
  it.each([
    new RangeError("Array buffer allocation failed"),
    new Error("std::bad_alloc"),
    new Error(
      "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 4294967296",
    ),
    new Error("CUDA failure 2: out of memory ; GPU=0 ; expr=cudaMalloc"),
  ])("that ran out is recognised in %s", (error) => {
    expect(isMemoryError(error)).toBe(true);
  });

  it("is not blamed for other errors", () => {
    expect(isMemoryError(new Error("Invalid rank for input: x"))).toBe(false);
    expect(isMemoryError(new RangeError("Invalid array length"))).toBe(false);
  });

  it("that would not suffice is refused with every size", () => {
    const estimate = {
      weights: 2e9,
      inputs: 3e6,
      outputs: 4e3,
      live: 6e9,
      total: 8_003_004_000,
      at: "matmul F32 [8, 8]",
    };
    expect(() =>
      refuseUnfit("This picture", estimate, { totalBytes: 16e9, freeBytes: 7.9e9 }),
    ).toThrow(
      "This picture needs about 8.0 GB: 2.0 GB of weights, 3 MB of inputs, 4 kB of outputs and 6.0 GB of values between them (most at matmul F32 [8, 8]). 7.9 GB of 16.0 GB are free, so it was not started. Make it smaller, or close other programs.",
    );
    expect(() =>
      refuseUnfit("This picture", estimate, { totalBytes: 16e9, freeBytes: 8.1e9 }),
    ).not.toThrow();
  });
});
