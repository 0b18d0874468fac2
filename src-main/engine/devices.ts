/** What could compute here, by name and memory: NVIDIA's tools are asked, Linux's own lists, and the processor. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { promisify } from "node:util";
import type { ProviderName } from "../core/onnx/target.ts";
import type { ProviderState } from "./providers.ts";

export interface Device {
  readonly name: string;
  readonly provider: ProviderName;
  /** Its own memory, or the machine's where it shares that; null where nothing says. */
  readonly memoryBytes: number | null;
}

/** A driver that hangs must not hang the page that asks. */
const patienceMs = 3000;

/** Vendors of PCI, as Linux numbers them. */
const vendors: Readonly<Record<string, string>> = {
  "0x1002": "AMD",
  "0x10de": "NVIDIA",
  "0x8086": "Intel",
};

/** Devices of the available providers, and NVIDIA's cards even where CUDA's libraries are missing. */
export async function listDevices(states: readonly ProviderState[]): Promise<Device[]> {
  const has = (name: ProviderName) =>
    states.some((state) => state.name === name && state.available);
  const devices: Device[] = [];
  const nvidia = await nvidiaCards();
  const graphics: ProviderName | undefined = (["cuda", "dml", "coreml", "webgpu"] as const).find(
    has,
  );
  if (graphics !== undefined) {
    devices.push(...nvidia.map((card) => ({ ...card, provider: graphics })));
    if (graphics !== "cuda") devices.push(...linuxCards(graphics));
    if (process.platform === "darwin") {
      devices.push({ name: processor(), provider: graphics, memoryBytes: totalmem() });
    }
  }
  devices.push({ name: processor(), provider: "cpu", memoryBytes: totalmem() });
  return devices;
}

function processor(): string {
  const model = cpus()[0]?.model.trim() ?? "";
  return model === "" || model === "unknown" ? `${process.arch} CPU` : model;
}

async function nvidiaCards(): Promise<Omit<Device, "provider">[]> {
  try {
    const { stdout } = await promisify(execFile)(
      "nvidia-smi",
      ["--query-gpu=name,memory.total", "--format=csv,noheader,nounits"],
      { timeout: patienceMs, windowsHide: true },
    );
    return parseCards(stdout);
  } catch {
    return driverCards();
  }
}

/** Lines of `NVIDIA GeForce RTX 4090, 24564`, in MiB. */
export function parseCards(text: string): Omit<Device, "provider">[] {
  return text
    .split("\n")
    .map((line) => /^(.+),\s*(\d+|\[.*\])\s*$/.exec(line.trim()))
    .filter((match) => match !== null)
    .map(([, name = "", mebibytes]) => ({
      name,
      // "[N/A]" on machines whose card shares the processor's memory.
      memoryBytes: Number.isNaN(Number(mebibytes)) ? null : Number(mebibytes) * 2 ** 20,
    }));
}

/** The driver's own list, where its tools are not installed. */
function driverCards(): Omit<Device, "provider">[] {
  const folder = "/proc/driver/nvidia/gpus";
  return entries(folder).map((card) => {
    const name = /^Model:\s+(.+)$/m.exec(text(`${folder}/${card}/information`))?.[1];
    return { name: name ?? "NVIDIA", memoryBytes: null };
  });
}

/** Graphics cards other than NVIDIA's, whose names the kernel does not know. */
function linuxCards(provider: ProviderName): Device[] {
  const folder = "/sys/class/drm";
  return entries(folder)
    .filter((name) => /^card\d+$/.test(name))
    .flatMap((card) => {
      const vendor = vendors[text(`${folder}/${card}/device/vendor`)];
      if (vendor === undefined || vendor === "NVIDIA") return [];
      const id = text(`${folder}/${card}/device/device`).replace("0x", "");
      const memory = Number(text(`${folder}/${card}/device/mem_info_vram_total`));
      return [
        { name: `${vendor} graphics ${id}`, provider, memoryBytes: memory > 0 ? memory : null },
      ];
    });
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
