/** Command line entry: the process around `runCommand`. */
import { runCommand } from "./cli/program.ts";

const interrupt = new AbortController();
process.on("SIGINT", () => {
  // The second time somebody means it: nothing half-written has a real name, so leaving at once is safe.
  if (interrupt.signal.aborted) process.exit(130);
  interrupt.abort();
});
process.on("SIGTERM", () => interrupt.abort());

process.exitCode = await runCommand({
  words: process.argv.slice(2),
  env: process.env,
  terminal: process,
  interrupt: interrupt.signal,
  async openStudio(library) {
    // Loaded here, since `inspect`, `--help` and usage errors need none of it.
    const { compose } = await import("./compose.ts");
    return compose({ library });
  },
});
