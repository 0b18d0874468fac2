/** Why an engine process ended, told from how it ended and what was seen of it before: killed for want of memory, or anything else. */
import { FacetError } from "../core/errors.ts";
import { type MachineMemory, memoryKills, sizeText } from "./machine-memory.ts";

/** What was last seen while the engine worked. */
export interface Seen {
  readonly engineBytes: number | null;
  readonly machine: MachineMemory;
  /** Processes that the kernel had ended for want of memory until then. */
  readonly kills: number | null;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** Below this share of the machine's memory the kernel, or a guard of the desktop's, may end a process at any moment. */
const scarce = 0.1;

/**
 * Linux ends a process that memory runs out under by SIGKILL, which says no more than that. The kernel's own count
 * of such ends is proof; guards outside of it (systemd-oomd, earlyoom) leave none, so little free memory speaks too.
 */
export function endedFor(
  what: string,
  exit: Exit | null,
  seen: Seen | null,
  cause: unknown,
  kills: number | null = memoryKills(),
): FacetError {
  if (exit === null || !killed(exit)) {
    return new FacetError(
      "engine-unavailable",
      `The engine stopped while it worked on "${what}". Facet starts it again; try once more.`,
      { cause },
    );
  }
  const counted = seen !== null && seen.kills !== null && kills !== null;
  const proven = counted && kills > (seen.kills ?? 0);
  const low = seen !== null && seen.machine.freeBytes < scarce * seen.machine.totalBytes;
  const sizes = seen === null ? "" : ` (${sizesText(seen)})`;
  if (proven || low || !counted) {
    return new FacetError(
      "out-of-memory",
      `The system ended the engine while it worked on "${what}", ${proven ? "because memory ran out" : "probably because memory ran out"}${sizes}. ` +
        "Close other programs, or ask for less at a time.",
      { cause },
    );
  }
  return new FacetError(
    "engine-unavailable",
    `The engine was killed from outside while it worked on "${what}"${sizes}; memory seems not to be the reason. Facet starts it again; try once more.`,
    { cause },
  );
}

/** Electron gives no signal, but the status that a shell would: 9, or 128 + 9. */
function killed({ code, signal }: Exit): boolean {
  return signal === "SIGKILL" || (signal === null && (code === 9 || code === 137));
}

function sizesText({ engineBytes, machine }: Seen): string {
  const engine = engineBytes === null ? "" : `it held ${sizeText(engineBytes)} when last seen, `;
  return `${engine}${sizeText(machine.freeBytes)} of ${sizeText(machine.totalBytes)} were free`;
}
