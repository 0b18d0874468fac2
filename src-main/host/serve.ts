/** The studio for browsers: the library opened, the host in front of it, the address told. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { compose } from "../compose.ts";
import { FacetError } from "../core/errors.ts";
import { packageRoot } from "../package-root.ts";
import { isLoopback } from "./addresses.ts";
import { startHost, type Host } from "./http.ts";
import { openInBrowser } from "./open-browser.ts";

/** Tried first, so that a bookmark or a tunnel keeps working; any free port where it is taken. */
const USUAL_PORT = 4870;

export interface ServeOptions {
  readonly library: string;
  /** Left out: 4870, or any free port where that one is taken. */
  readonly port?: number | undefined;
  /** Left out: this machine only. */
  readonly listen?: string | undefined;
  readonly token?: string | undefined;
  /** Opens the default browser, where there is one. */
  readonly open?: boolean | undefined;
  /** For the lines that a person reads. */
  readonly print: (line: string) => void;
}

export interface Serving extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly token: string;
  close(): Promise<void>;
}

export async function serve(options: ServeOptions): Promise<Serving> {
  const bundle = join(packageRoot, "out", "renderer");
  if (!existsSync(join(bundle, "index.html"))) {
    throw new FacetError(
      "not-found",
      `The pages are not built: ${bundle} has no index.html. Run \`npm start\` in ${packageRoot} once.`,
      { path: bundle },
    );
  }
  const studio = await compose({ library: options.library });
  const host = await listen(options, (port) =>
    startHost({
      router: studio.router,
      library: studio.library.folder,
      bundle,
      port,
      listen: options.listen,
      token: options.token,
      onFailure: (error) => {
        options.print(error instanceof Error ? (error.stack ?? error.message) : String(error));
      },
    }),
  ).catch(async (error: unknown) => {
    await studio.close();
    throw error;
  });

  options.print(`Facet is at ${host.url}`);
  if (options.listen !== undefined && !isLoopback(options.listen)) {
    options.print(
      `Warning: it listens on ${options.listen}, without encryption. Whoever has this address can use the library ` +
        `and see this machine's folders. Safer: leave --listen out and use \`ssh -L ${host.port}:127.0.0.1:${host.port}\`.`,
    );
  }
  if (options.open === true) openInBrowser(host.url);

  let closing: Promise<void> | undefined;
  const close = () => (closing ??= host.close().finally(() => studio.close()));
  return {
    url: host.url,
    port: host.port,
    token: host.token,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function listen(
  options: ServeOptions,
  start: (port: number) => Promise<Host>,
): Promise<Host> {
  try {
    return await start(options.port ?? USUAL_PORT);
  } catch (error) {
    const taken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
    if (!taken) throw error;
    if (options.port === undefined) return start(0);
    throw new FacetError(
      "already-exists",
      `Port ${options.port} is taken by another program. Leave --port out to get a free one.`,
      { field: "port", cause: error },
    );
  }
}

const ENDINGS = ["SIGINT", "SIGTERM", "SIGHUP", "disconnect"] as const;

/** Resolves when the process is asked to end: Ctrl-C, a service manager, or a parent that went away. */
export function untilAskedToStop(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      // A listener for `disconnect` would keep the channel to the parent open, and with it this process.
      for (const ending of ENDINGS) process.off(ending, stop);
      resolve();
    };
    for (const ending of ENDINGS) process.on(ending, stop);
  });
}
