/** A control group with little memory, in which the kernel really ends a process; only root can make one. */
import { mkdirSync, rmdirSync, writeFileSync } from "node:fs";

export interface MemoryGroup extends Disposable {
  add(pid: number): void;
}

const root = "/sys/fs/cgroup/memory";

/** Null where none can be made. Version 1 only: in one of version 2 the engine would see the limit and refuse. */
export function memoryGroup(name: string, bytes: number): MemoryGroup | null {
  const folder = `${root}/${name}.${String(process.pid)}`;
  try {
    mkdirSync(folder);
    writeFileSync(`${folder}/memory.limit_in_bytes`, String(bytes));
  } catch {
    return null;
  }
  return {
    add: (pid) => writeFileSync(`${folder}/cgroup.procs`, String(pid)),
    [Symbol.dispose]: () => {
      try {
        rmdirSync(folder);
      } catch {
        // A process that still ends in it keeps it; it is empty and does no harm.
      }
    },
  };
}
