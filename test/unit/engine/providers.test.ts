/** The choice of providers on machines that are not this one, and what is said of those passed over. */
import { describe, expect, it } from "vitest";
import { FacetError } from "../../../src-main/core/errors.ts";
import { parseCards } from "../../../src-main/engine/devices.ts";
import {
  openOnFirst,
  providerStates,
  reasonOf,
  type Surroundings,
} from "../../../src-main/engine/providers.ts";

const folder = "/ort";
const machine = (
  platform: NodeJS.Platform,
  bundled: string[],
  files: string[] = [],
  arch = "x64",
): Surroundings => ({
  platform,
  arch,
  bundled,
  folder,
  exists: (path) => files.includes(path),
});
const vulkan = "/usr/lib64/libvulkan.so.1";
const cuda = ["/dev/nvidiactl", `${folder}/libonnxruntime_providers_cuda.so`];

describe("the states of providers", () => {
  it.each([
    ["win32", ["cpu", "dml", "webgpu"], [], ["dml", "webgpu", "cpu"]],
    ["darwin", ["cpu", "coreml", "webgpu"], [], ["coreml", "webgpu", "cpu"]],
    ["linux", ["cpu", "webgpu"], [...cuda, vulkan], ["cuda", "webgpu", "cpu"]],
    ["linux", ["cpu", "webgpu"], [vulkan], ["webgpu", "cpu"]],
    ["linux", ["cpu"], [], ["cpu"]],
  ] as const)(
    "on %s with %j and %j are available in the order %j",
    (on, bundled, files, wanted) => {
      const states = providerStates(machine(on, [...bundled], [...files]));
      expect(states.filter(({ available }) => available).map(({ name }) => name)).toEqual(wanted);
      for (const state of states) expect(state.reason === undefined).toBe(state.available);
    },
  );

  it.each([
    ["linux", [], "cuda", /nvidiactl is missing/],
    ["linux", ["/dev/nvidiactl"], "cuda", /libonnxruntime_providers_cuda\.so is missing/],
    ["linux", [], "webgpu", /libvulkan1/],
    ["linux", [], "dml", /not for Linux/],
    ["darwin", [], "cuda", /not for macOS/],
    ["win32", [], "dml", /not part of onnxruntime-node on Windows x64/],
  ] as const)("say on %s with %j why not %s", (on, files, name, reason) => {
    const bundled = on === "win32" ? ["cpu"] : ["cpu", "webgpu", "coreml"];
    const state = providerStates(machine(on, bundled, [...files])).find(
      (each) => each.name === name,
    );
    expect(state?.available).toBe(false);
    expect(state?.reason).toMatch(reason);
  });

  it("infer in halves only where halves are computed in", () => {
    const states = providerStates(machine("linux", ["cpu", "webgpu"], [...cuda, vulkan]));
    const precision = Object.fromEntries(states.map((state) => [state.name, state.precision]));
    expect(precision["cpu"]).toMatchObject({ inference: "F32", training: "F32" });
    expect(precision["cuda"]).toMatchObject({ inference: "F16", training: "F32" });
  });
});

describe("opening", () => {
  const states = providerStates(machine("linux", ["cpu", "webgpu"], [vulkan]));
  const tried: string[] = [];
  const failing =
    (...bad: string[]) =>
    (name: string) => {
      tried.push(name);
      return bad.includes(name)
        ? Promise.reject(new Error(`no adapter for ${name}`))
        : Promise.resolve(`session on ${name}`);
    };

  it("takes the first that works where none was named, and says what it passed over", async () => {
    expect(await openOnFirst({ fallback: false }, states, failing("webgpu"))).toEqual({
      session: "session on cpu",
      provider: "cpu",
      passedOver: [{ provider: "webgpu", reason: "no adapter for webgpu" }],
    });
  });

  it("fails by name where one was named and no other is allowed", async () => {
    tried.length = 0;
    await expect(
      openOnFirst({ provider: "webgpu", fallback: false }, states, failing("webgpu")),
    ).rejects.toMatchObject({
      code: "unsupported",
      field: "provider",
      message: expect.stringMatching(
        /webgpu: no adapter.*Allow another to take over \(cpu\)/,
      ) as string,
    });
    await expect(
      openOnFirst({ provider: "cuda", fallback: false }, states, failing()),
    ).rejects.toThrow(/cuda: no NVIDIA driver/);
    expect(tried).toEqual(["webgpu"]);
  });

  it("goes on to the next where that is allowed, without trying what is not there", async () => {
    tried.length = 0;
    const opened = await openOnFirst(
      { provider: "cuda", fallback: true },
      states,
      failing("webgpu"),
    );
    expect(tried).toEqual(["webgpu", "cpu"]);
    expect(opened.provider).toBe("cpu");
    expect(opened.passedOver.map(({ provider }) => provider)).toEqual(["cuda", "webgpu"]);
  });

  it("does not try another provider for an error that is not the provider's", async () => {
    tried.length = 0;
    const fails = (name: string) => {
      tried.push(name);
      return Promise.reject(new FacetError("shape-mismatch", "matmul of [2, 3] and [4, 5]"));
    };
    await expect(openOnFirst({ fallback: true }, states, fails)).rejects.toMatchObject({
      code: "shape-mismatch",
    });
    expect(tried).toEqual(["webgpu"]);
  });
});

describe("words", () => {
  it("of the runtime are cut down to what went wrong", () => {
    expect(
      reasonOf(
        new Error(
          "/onnxruntime_src/core/webgpu_context.cc:136 void f()::<lambda()> adapter.status == Success was false. Failed to get a WebGPU adapter: No supported adapters\n",
        ),
      ),
    ).toBe("Failed to get a WebGPU adapter: No supported adapters");
    expect(
      reasonOf(
        new Error("/a/provider.cc:1988 Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load x"),
      ),
    ).toBe("Failed to load x");
  });

  it("of NVIDIA's tools become cards", () => {
    expect(parseCards("NVIDIA GeForce RTX 4090, 24564\nNVIDIA GB10, [N/A]\n\n")).toEqual([
      { name: "NVIDIA GeForce RTX 4090", memoryBytes: 24_564 * 2 ** 20 },
      { name: "NVIDIA GB10", memoryBytes: null },
    ]);
  });
});
