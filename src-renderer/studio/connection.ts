/** One connection to main: a MessagePort in Electron, a WebSocket to the host. It mends itself and says how it stands. */
import { DynamicLink } from "@orpc/client";
import { RPCLink as PortLink } from "@orpc/client/message-port";
import { RPCLink as SocketLink } from "@orpc/client/websocket";
import { create } from "zustand";
import { openSession, token } from "./session.ts";
import { shell } from "./shell.ts";

type Link = PortLink<Record<never, never>> | SocketLink<Record<never, never>>;
type State = "connecting" | "open" | "lost" | "refused";

/** `generation` counts connections, so that watchers know when to subscribe again. */
export const useConnection = create<{ state: State; generation: number; retryAt: number | null }>(
  () => ({
    state: "connecting",
    generation: 0,
    retryAt: null,
  }),
);

/** Waits between attempts, in milliseconds: at once after a hiccup, patient when the host is gone. */
const BACKOFF = [150, 500, 1000, 2000, 4000, 8000];

let link: Link | null = null;
let waiting: ((link: Link) => void)[] = [];
let attempt = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Calls made while the connection is away wait for the next one. */
export const studioLink = new DynamicLink<Record<never, never>>(() =>
  link === null ? new Promise<Link>((resolve) => waiting.push(resolve)) : link,
);

function opened(next: Link): void {
  link = next;
  attempt = 0;
  useConnection.setState((old) => ({
    state: "open",
    generation: old.generation + 1,
    retryAt: null,
  }));
  const calls = waiting;
  waiting = [];
  for (const resolve of calls) resolve(next);
}

function lost(): void {
  link = null;
  const wait = BACKOFF[Math.min(attempt, BACKOFF.length - 1)] ?? 8000;
  attempt++;
  useConnection.setState({ state: "lost", retryAt: Date.now() + wait });
  clearTimeout(timer);
  timer = setTimeout(() => void connect(), wait);
}

export function retryNow(): void {
  if (useConnection.getState().state !== "lost") return;
  clearTimeout(timer);
  void connect();
}

export async function connect(): Promise<void> {
  if (shell !== undefined) {
    connectPort(shell);
    return;
  }
  const session = await openSession();
  if (session === "refused") useConnection.setState({ state: "refused", retryAt: null });
  else if (session === "unreachable") lost();
  else connectSocket();
}

function connectPort(bridge: NonNullable<typeof shell>): void {
  function receive(event: MessageEvent): void {
    const port = event.ports[0];
    if (event.source !== window || event.data !== "facet:port" || port === undefined) return;
    window.removeEventListener("message", receive);
    port.addEventListener("close", lost);
    const next = new PortLink({ port });
    port.start();
    opened(next);
  }
  window.addEventListener("message", receive);
  bridge.connect();
}

function connectSocket(): void {
  const address = new URL("/rpc", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  // The host answers with the first, so that no answer repeats the secret.
  const socket = new WebSocket(address, token === null ? ["facet"] : ["facet", `facet.${token}`]);
  socket.addEventListener("open", () => opened(new SocketLink({ websocket: socket })));
  socket.addEventListener("close", lost, { once: true });
}

// A laptop that wakes up should not wait out the longest pause.
window.addEventListener("online", retryNow);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") retryNow();
});
