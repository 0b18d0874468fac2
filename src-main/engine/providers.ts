/** Which execution providers could run here, why the others cannot, in which order they are tried and in which precision. */
import { existsSync } from "node:fs";
import { arch, platform } from "node:process";
import { FacetError } from "../core/errors.ts";
import type { ProviderName } from "../core/onnx/target.ts";

export interface Precision {
  /** Type that values between the operators have. */
  readonly inference: "F32" | "F16";
  readonly training: "F32" | "F16";
  readonly reason: string;
}

export interface ProviderState {
  readonly name: ProviderName;
  readonly available: boolean;
  /** Why it is not available, or how it failed when it was last tried. */
  readonly reason?: string;
  readonly precision: Precision;
}

/** What decides about providers; tests put other machines here. */
export interface Surroundings {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** Providers that the native library was built with and that came with it. */
  readonly bundled: readonly string[];
  /** Folder of the native library: CUDA's provider is a file beside it that is installed on its own. */
  readonly folder: string;
  readonly exists: (path: string) => boolean;
}

const known: readonly ProviderName[] = ["cuda", "dml", "coreml", "webgpu", "cpu"];

/** The fastest first; what a platform does not have stands behind. */
function preferredOrder(on: NodeJS.Platform): readonly ProviderName[] {
  if (on === "win32") return ["dml", "webgpu", "cpu"];
  if (on === "darwin") return ["coreml", "webgpu", "cpu"];
  return ["cuda", "webgpu", "cpu"];
}

export function thisMachine(bundled: readonly string[], folder: string): Surroundings {
  return { platform, arch, bundled, folder, exists: existsSync };
}

/** All providers, those of this platform first and in their order. */
export function providerStates(here: Surroundings): ProviderState[] {
  const order = preferredOrder(here.platform);
  return [...order, ...known.filter((name) => !order.includes(name))].map((name) => {
    const reason = missing(name, here);
    const precision = precisionOf(name, here.arch);
    return reason === null
      ? { name, available: true, precision }
      : { name, available: false, reason, precision };
  });
}

/** Null where nothing is known to be missing; whether it works is seen when a session is opened on it. */
function missing(name: ProviderName, here: Surroundings): string | null {
  if (!preferredOrder(here.platform).includes(name)) return `not for ${platformName(here)}`;
  if (name === "cuda") return cudaMissing(here);
  if (!here.bundled.includes(name)) {
    return `not part of onnxruntime-node on ${platformName(here)} ${here.arch}`;
  }
  if (name === "webgpu" && here.platform === "linux" && !vulkanLoader(here)) {
    return "no Vulkan loader: install libvulkan1";
  }
  return null;
}

function cudaMissing(here: Surroundings): string | null {
  if (here.arch !== "x64") return `not part of onnxruntime-node on Linux ${here.arch}`;
  if (!here.exists("/dev/nvidiactl")) return "no NVIDIA driver: /dev/nvidiactl is missing";
  const file = `${here.folder}/libonnxruntime_providers_cuda.so`;
  return here.exists(file) ? null : `its libraries are not installed: ${file} is missing`;
}

function vulkanLoader({ exists }: Surroundings): boolean {
  return ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"].some(
    (folder) => exists(`${folder}/libvulkan.so.1`),
  );
}

function platformName({ platform: name }: Surroundings): string {
  if (name === "win32") return "Windows";
  return name === "darwin" ? "macOS" : "Linux";
}

/** Training stays in F32 everywhere: optimisers add small steps to large numbers. */
function precisionOf(name: ProviderName, machine: string): Precision {
  switch (name) {
    case "cpu":
      return {
        inference: "F32",
        training: "F32",
        reason: `the CPU provider computes in F32${machine === "x64" ? " on x64" : ""}; F16 weights are widened when a session is opened`,
      };
    case "coreml":
      return {
        inference: "F32",
        training: "F32",
        reason: "Core ML chooses its own precision inside; what crosses its border is F32",
      };
    case "cuda":
    case "dml":
    case "webgpu":
      return {
        inference: "F16",
        training: "F32",
        reason: "half the memory and faster products where it only has to infer",
      };
  }
}

export interface ProviderWish {
  /** Left out: the first of this platform's that works. */
  readonly provider?: ProviderName | undefined;
  /** Whether another may take over where the one that was named is not available or fails. */
  readonly fallback: boolean;
}

/** What ran, and what was passed over on the way to it. */
export interface Opened<S> {
  readonly session: S;
  readonly provider: ProviderName;
  /** Empty where the first choice ran. */
  readonly passedOver: readonly { readonly provider: ProviderName; readonly reason: string }[];
}

/**
 * Opens on the provider that was named, else, if that is allowed, on the next of this platform's. An error that is
 * not the provider's (memory, a graph that cannot be) is thrown on: another provider would not change it.
 */
export async function openOnFirst<S>(
  wish: ProviderWish,
  states: readonly ProviderState[],
  open: (provider: ProviderName) => Promise<S>,
): Promise<Opened<S>> {
  const usable = states.filter(({ available }) => available).map(({ name }) => name);
  const first = wish.provider ?? usable[0] ?? "cpu";
  const later = usable.filter((name) => name !== first);
  const mayFall = wish.fallback || wish.provider === undefined;
  const passedOver: { provider: ProviderName; reason: string }[] = [];
  let cause: unknown;
  for (const provider of mayFall ? [first, ...later] : [first]) {
    const state = states.find(({ name }) => name === provider);
    if (state?.available !== true) {
      passedOver.push({ provider, reason: state?.reason ?? "it is not known" });
      continue;
    }
    try {
      return { session: await open(provider), provider, passedOver };
    } catch (error) {
      if (!isProviders(error)) throw error;
      cause = error;
      passedOver.push({ provider, reason: reasonOf(error) });
    }
  }
  const tried = passedOver.map(({ provider, reason }) => `${provider}: ${reason}`).join("; ");
  const others =
    mayFall || later.length === 0
      ? ""
      : ` Allow another to take over (${later.join(", ")}), or name one.`;
  throw new FacetError("unsupported", `No session could be opened (${tried}).${others}`, {
    field: "provider",
    cause,
  });
}

/** Whether an error says something of the provider, and not of what was asked of it. */
export function isProviders(error: unknown): boolean {
  return !(error instanceof FacetError) || error.code === "unsupported";
}

/** The runtime's messages begin with a source path and a signature; what went wrong stands behind the last of them. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const line = message.trim().split("\n")[0] ?? "";
  return line
    .replace(/^.* was false\. /, "")
    .replace(/^.*\[ONNXRuntimeError\] : \d+ : \w+ : /, "")
    .replace(/^.*Status Message: (?:\S+:\d+ \S+ )?/, "");
}
