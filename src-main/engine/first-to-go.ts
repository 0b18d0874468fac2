/** Offers this process to Linux as the one to end when memory runs out: it is started again, the window would not be. */
import { writeFileSync } from "node:fs";

/** The highest score there is. */
const score = "1000";

export function beFirstToGo(): void {
  if (process.platform !== "linux") return;
  try {
    writeFileSync("/proc/self/oom_score_adj", score);
  } catch {
    // A sandbox that hides it: the kernel then goes by size, which is the engine's in most cases too.
  }
}
