/** Which execution providers could run here, and why the others cannot. */
import { existsSync } from "node:fs";
import type { Runtime } from "./runtime.ts";

export interface ProviderReport {
  providers: { name: string; available: boolean; reason?: string }[];
  devices: { name: string; provider: string; memoryBytes: number | null }[];
}

/** Every provider that onnxruntime-node has on some platform, in order of preference. */
const known = ["cuda", "tensorrt", "dml", "coreml", "webgpu", "cpu"] as const;

export function providerReport(runtime: Runtime): ProviderReport {
  const compiled = new Set(runtime.providers);
  const providers = known.map((name) => {
    if (!compiled.has(name)) {
      return {
        name,
        available: false,
        reason: `not part of onnxruntime-node on ${process.platform}`,
      };
    }
    const reason = missing(name);
    return reason === null ? { name, available: true } : { name, available: false, reason };
  });
  return { providers, devices: [{ name: cpuName(), provider: "cpu", memoryBytes: null }] };
}

/** Null where nothing is known to be missing. */
function missing(name: (typeof known)[number]): string | null {
  switch (name) {
    case "cuda":
    case "tensorrt":
      return process.platform === "linux" && !existsSync("/dev/nvidiactl")
        ? "no NVIDIA driver: /dev/nvidiactl is missing"
        : null;
    case "webgpu":
      return process.platform === "linux" && !vulkanLoader()
        ? "no Vulkan loader: install libvulkan1"
        : null;
    case "dml":
    case "coreml":
    case "cpu":
      return null;
  }
}

function vulkanLoader(): boolean {
  return ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"].some(
    (folder) => existsSync(`${folder}/libvulkan.so.1`),
  );
}

function cpuName(): string {
  return `${process.arch} CPU`;
}
