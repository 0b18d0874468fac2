/** `facet serve`: the studio for a browser, on this machine or for another one. */
import type { Command } from "commander";
import { type GlobalOptions, libraryFolder, type Surroundings } from "./command.ts";
import { wholeNumber } from "./parse.ts";

interface Options {
  readonly port?: number;
  readonly listen?: string;
  readonly token?: string;
  readonly open?: boolean;
}

export function addServe(program: Command, { env, output, interrupt }: Surroundings): void {
  program
    .command("serve")
    .description("serve the studio to a browser, until Ctrl+C")
    .option(
      "--port <port>",
      "0 takes any free one; left out: 4870 where it is free",
      wholeNumber(0, 65_535),
    )
    .option("--listen <address>", "left out: this machine only")
    .option("--token <token>", "left out: FACET_TOKEN, or a random one")
    .option("--open", "open the default browser")
    .action(async (options: Options, command: Command) => {
      // Loaded here: no other command needs the host.
      const { serve } = await import("../host/serve.ts");
      await using serving = await serve({
        library: libraryFolder(command.optsWithGlobals<GlobalOptions>(), env),
        port: options.port,
        listen: options.listen,
        // A token in the environment does not show in the list of processes.
        token: options.token ?? env["FACET_TOKEN"],
        open: options.open,
        print: (line) => output.note(line),
      });
      const { url, port, token } = serving;
      output.print({ url, port, token }, () => url);
      await aborted(interrupt);
    });
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
