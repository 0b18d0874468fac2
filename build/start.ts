/** `npm start`: the studio in Electron where that can run, else its host and the address for a browser. */
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { hasDisplay } from "../src-main/host/open-browser.ts";
import { bundleDesktop, bundlePages } from "./bundle.ts";
import { haveElectron, type ElectronBinary } from "./tools/electron.ts";
import { root } from "./tools/paths.ts";

/** Electron that ends with an error so early never showed a window (no sandbox, missing libraries). */
const FAILED_START_SECONDS = 15;

const USAGE = `npm start -- [options]
  --library DIR    the library's folder
  --host           the host for a browser, even where Electron could run
  --port N         port of the host
  --listen ADDR    address of the host (default: this machine only)
  --no-open        do not open a browser`;

function readOptions() {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      library: { type: "string" },
      port: { type: "string" },
      listen: { type: "string" },
      host: { type: "boolean", default: false },
      open: { type: "boolean", default: true },
      help: { type: "boolean", default: false },
    },
  });
  return values;
}
type Options = ReturnType<typeof readOptions>;

function runHere(program: string, parameters: readonly string[]): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { cwd: root, stdio: "inherit" });
    // Ctrl-C reaches the child as well: it closes in its own time, and this process waits for it.
    const ignore = () => undefined;
    process.on("SIGINT", ignore);
    const end = () => child.kill("SIGTERM");
    process.on("SIGTERM", end);
    const watch = endWithNpm(end);
    child.on("error", reject);
    child.on("close", (code) => {
      process.off("SIGINT", ignore);
      process.off("SIGTERM", end);
      clearInterval(watch);
      resolve(code);
    });
  });
}

/** npm that is ended from outside takes the shell between with it, but tells nobody below. */
function endWithNpm(end: () => void): NodeJS.Timeout | undefined {
  if (process.env["npm_lifecycle_event"] === undefined) return undefined;
  const parent = process.ppid;
  return setInterval(() => {
    if (process.ppid !== parent) end();
  }, 1_000);
}

async function findDesktop(options: Options): Promise<ElectronBinary> {
  const missing = (reason: string) => ({ kind: "missing", reason }) as const;
  if (options.host || options.listen !== undefined) return missing("the host was asked for");
  if (!hasDisplay()) return missing("there is no display");
  if (process.platform === "linux" && process.getuid?.() === 0) {
    return missing("Electron's sandbox does not run as root");
  }
  return haveElectron();
}

/** The exit code, or why there was no window. */
async function openDesktop(path: string, options: Options): Promise<number | string> {
  await bundleDesktop();
  const started = performance.now();
  const library = options.library === undefined ? [] : [`--library=${options.library}`];
  const code = await runHere(path, [root, ...library]);
  const seconds = (performance.now() - started) / 1000;
  if (code !== 0 && seconds < FAILED_START_SECONDS) {
    return `Electron ended with ${code === null ? "a signal" : `code ${code}`} at once`;
  }
  return code ?? 1;
}

async function openHost(options: Options): Promise<number> {
  await bundlePages();
  const parameters = [
    ...(options.library === undefined ? [] : ["--library", options.library]),
    ...(options.port === undefined ? [] : ["--port", options.port]),
    ...(options.listen === undefined ? [] : ["--listen", options.listen]),
    ...(options.open ? ["--open"] : []),
  ];
  return (await runHere(process.execPath, ["src-main/host.ts", ...parameters])) ?? 0;
}

async function start(): Promise<number> {
  const options = readOptions();
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const desktop = await findDesktop(options);
  const outcome =
    desktop.kind === "found" ? await openDesktop(desktop.path, options) : desktop.reason;
  if (typeof outcome === "number") return outcome;
  console.log(`Facet opens in a browser: ${outcome}.`);
  return openHost(options);
}

try {
  process.exitCode = await start();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof TypeError) console.error(USAGE);
  process.exitCode = 1;
}
