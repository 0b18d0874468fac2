/** How much memory this machine has left, and the refusal of what would not fit into it. */
import { readFileSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { FacetError } from "../core/errors.ts";
import type { MemoryEstimate } from "../core/graph/memory.ts";

export interface MachineMemory {
  readonly totalBytes: number;
  /** What can be had without taking it from another program. */
  readonly freeBytes: number;
}

/** On Linux what the kernel calls available, and no more than the process's group is allowed. */
export function machineMemory(): MachineMemory {
  const info = process.platform === "linux" ? readText("/proc/meminfo") : null;
  const kilobytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(info ?? "")?.[1] ?? Number.NaN) * 1024;
  const machine = { totalBytes: totalmem(), freeBytes: kilobytes("MemAvailable") };
  if (Number.isNaN(machine.freeBytes)) return { ...machine, freeBytes: freemem() };
  const group = groupMemory();
  if (group === null) return machine;
  return {
    totalBytes: Math.min(machine.totalBytes, group.totalBytes),
    freeBytes: Math.min(machine.freeBytes, group.freeBytes),
  };
}

/** The tightest limit of the process's control groups (a container, systemd), from its own up to the root. */
function groupMemory(): MachineMemory | null {
  const own = /^0::(\/.*)$/m.exec(readText("/proc/self/cgroup") ?? "")?.[1];
  if (own === undefined) return null;
  const limits: MachineMemory[] = [];
  for (let group = own; ; group = dirname(group)) {
    const folder = join("/sys/fs/cgroup", group);
    const limit = Number(readText(`${folder}/memory.max`) ?? Number.NaN);
    const used = Number(readText(`${folder}/memory.current`) ?? Number.NaN);
    // The group's file cache can be given up and does not count as used.
    const cached = /^inactive_file (\d+)$/m.exec(readText(`${folder}/memory.stat`) ?? "")?.[1];
    if (Number.isFinite(limit) && Number.isFinite(used)) {
      const free = Math.max(0, limit - used + Number(cached ?? 0));
      limits.push({ totalBytes: limit, freeBytes: free });
    }
    if (group === dirname(group)) break;
  }
  return limits.toSorted((a, b) => a.freeBytes - b.freeBytes)[0] ?? null;
}

/** Memory that a process holds now; null where that cannot be asked. */
export function residentBytes(pid: number): number | null {
  if (process.platform !== "linux") return null;
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readText(`/proc/${String(pid)}/status`) ?? "")?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}

/** How many processes the kernel has ended for want of memory since it started; null where it does not say. */
export function memoryKills(): number | null {
  if (process.platform !== "linux") return null;
  const count = /^oom_kill (\d+)$/m.exec(readText("/proc/vmstat") ?? "")?.[1];
  return count === undefined ? null : Number(count);
}

/** Throws `out-of-memory` with all sizes where an estimate is more than there is. */
export function refuseUnfit(what: string, estimate: MemoryEstimate, memory: MachineMemory): void {
  if (estimate.total <= memory.freeBytes) return;
  throw new FacetError(
    "out-of-memory",
    `${what} needs about ${sizeText(estimate.total)}: ${estimateText(estimate)}. ` +
      `${sizeText(memory.freeBytes)} of ${sizeText(memory.totalBytes)} are free, so it was not started. ` +
      "Make it smaller, or close other programs.",
  );
}

/** True for what V8, the runtime and its providers say when an allocation fails. */
export function isMemoryError(error: unknown): boolean {
  const message = error instanceof Error ? error.message : "";
  return (
    (error instanceof RangeError && /allocation|array buffer/i.test(message)) ||
    /bad_?\s?alloc|failed to allocate|out of memory|E_OUTOFMEMORY/i.test(message)
  );
}

export function estimateText({ weights, inputs, outputs, live, at }: MemoryEstimate): string {
  return (
    `${sizeText(weights)} of weights, ${sizeText(inputs)} of inputs, ${sizeText(outputs)} of outputs ` +
    `and ${sizeText(live)} of values between them (most at ${at})`
  );
}

export function sizeText(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e3).toFixed(0)} kB`;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}
