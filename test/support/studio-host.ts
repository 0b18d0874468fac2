/** A real host on a library of its own, and a real Chromium in front of it. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createORPCClient } from "@orpc/client";
import { RPCLink } from "@orpc/client/websocket";
import type { ContractRouterClient } from "@orpc/contract";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { WebSocket } from "ws";
import type { StudioContract } from "../../src-preload/contract/index.ts";
import { findBrowser } from "../../build/tools/browser.ts";
import { root } from "../../build/tools/paths.ts";

/** Opening the library and both engines on a busy machine. */
const START_SECONDS = 60;

/** What a page may take on a busy machine, in milliseconds; all waits are for conditions. */
const PATIENCE = 15_000;

export interface StudioHost extends AsyncDisposable {
  /** With the token. */
  readonly url: string;
  /** Everything the host wrote so far. */
  readonly log: () => string;
  readonly library: string;
  /** A folder of the test's own, gone when the host is. */
  readonly folder: string;
  readonly process: ChildProcess;
  /** The studio's contract over a socket of its own: what a second page would see. */
  readonly client: ContractRouterClient<StudioContract>;
  /** Ends the process at once, as a crash would. */
  kill(): Promise<void>;
  /** After `kill`: the same library behind the same address. */
  startAgain(): Promise<void>;
}

interface HostPlaces {
  readonly library: string;
  readonly folder: string;
}

/** Starts `src-main/host.ts` as `npm start` does, on a free port, over a library that `prepare` may fill first. */
export async function startStudioHost(
  prepare: (places: HostPlaces) => Promise<void> = () => Promise.resolve(),
  environment: (places: HostPlaces) => Readonly<Record<string, string>> = () => ({}),
): Promise<StudioHost> {
  const folder = await mkdtemp(join(tmpdir(), "facet-e2e-"));
  const library = join(folder, "library");
  const run = (port: number, more: Readonly<Record<string, string>> = {}) =>
    runHost(library, port, { ...environment({ library, folder }), ...more });
  let running: RunningHost;
  try {
    await prepare({ library, folder });
    running = await run(0);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    get url() {
      return running.url;
    },
    get process() {
      return running.process;
    },
    get client() {
      return running.client;
    },
    log: () => running.log(),
    library,
    folder,
    kill: () => stopProcess(running.process, "SIGKILL"),
    async startAgain() {
      const { port } = new URL(running.url);
      running = await run(Number(port), { FACET_TOKEN: tokenOf(running.url) });
    },
    async [Symbol.asyncDispose]() {
      await stopProcess(running.process);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type RunningHost = Pick<StudioHost, "url" | "process" | "client" | "log">;

async function runHost(
  library: string,
  port: number,
  environment: Readonly<Record<string, string>>,
): Promise<RunningHost> {
  const child = spawn(
    process.execPath,
    ["src-main/host.ts", "--library", library, "--port", String(port)],
    {
      cwd: root,
      // By the channel it sees when this process is gone, and ends as well.
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: { ...process.env, CI: "1", ...environment },
    },
  );
  let log = "";
  child.stdout?.on("data", (chunk: Buffer) => (log += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (log += chunk.toString()));
  try {
    const url = await waitForAddress(child, () => log);
    return { url, process: child, log: () => log, client: await openClient(url) };
  } catch (error) {
    await stopProcess(child);
    throw error;
  }
}

function tokenOf(url: string): string {
  return new URLSearchParams(new URL(url).hash.slice(1)).get("token") ?? "";
}

async function openClient(url: string): Promise<ContractRouterClient<StudioContract>> {
  const { host, origin } = new URL(url);
  const socket = new WebSocket(`ws://${host}/rpc`, ["facet", `facet.${tokenOf(url)}`], {
    headers: { origin },
  });
  await once(socket, "open");
  // A host that is killed resets the connection; nobody else listens for that.
  socket.on("error", () => undefined);
  const websocket = socket as unknown as globalThis.WebSocket;
  return createORPCClient(new RPCLink({ websocket }));
}

function waitForAddress(child: ChildProcess, log: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (what: string) => reject(new Error(`The host ${what}. It wrote:\n${log()}`));
    const late = setTimeout(
      () => fail(`gave no address in ${START_SECONDS} s`),
      START_SECONDS * 1000,
    );
    const look = () => {
      const url = /http:\/\/\S+#token=\S+/.exec(log())?.[0];
      if (url === undefined) return;
      clearTimeout(late);
      resolve(url);
    };
    child.stdout?.on("data", look);
    child.once("exit", (code) => {
      clearTimeout(late);
      fail(`ended with code ${code}`);
    });
  });
}

async function stopProcess(
  child: ChildProcess,
  signal: "SIGTERM" | "SIGKILL" = "SIGTERM",
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await ended;
  clearTimeout(late);
}

export interface StudioPage extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly browser: Browser;
  /** Errors of the page: console errors, uncaught exceptions, refused requests, broken policies. */
  readonly troubles: string[];
}

/** Opens Chromium at the size of the drawings, with reduced motion so that nothing is caught half-way. */
export async function openStudioPage(
  url: string,
  options: { width?: number; height?: number; colorScheme?: "dark" | "light" } = {},
): Promise<StudioPage> {
  const executablePath = findBrowser();
  if (executablePath === undefined) {
    throw new Error("There is no Chromium. `npm test` installs one; or name one in CHROME_PATH.");
  }
  const browser = await chromium.launch({
    executablePath,
    // Chromium's own sandbox does not run as root, which containers usually are.
    chromiumSandbox: process.getuid?.() !== 0,
    args: ["--disable-dev-shm-usage"],
  });
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1440, height: options.height ?? 900 },
    colorScheme: options.colorScheme ?? "dark",
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const troubles: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") troubles.push(message.text());
  });
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("response", (response) => {
    if (response.status() >= 400) troubles.push(`${response.status()} ${response.url()}`);
  });
  await page.goto(url);
  return { page, context, browser, troubles, [Symbol.asyncDispose]: () => browser.close() };
}
