/** Which process a job belongs to, and whether that process still lives. */
import { hostname } from "node:os";

/** A running process writes its heartbeat every `heartbeatMs`; one that was silent this long is gone. */
export const heartbeatMs = 5000;
const silenceMs = 60_000;

export function thisProcess(): string {
  return `${hostname()}/${process.pid}`;
}

/**
 * True while another process runs the job. A row of this very process id that this process does not know
 * is left from before a restart (process ids start again in a container).
 */
export function isElsewhere(owner: string | null, heartbeat: number, now: number): boolean {
  if (owner === null || owner === thisProcess() || now - heartbeat > silenceMs) return false;
  const cut = owner.lastIndexOf("/");
  // On a shared folder the process of another machine cannot be asked: its heartbeat decides.
  if (owner.slice(0, cut) !== hostname()) return true;
  return isAlive(Number(owner.slice(cut + 1)));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
