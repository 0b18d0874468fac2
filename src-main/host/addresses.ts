/** Which Host and Origin headers are the host's own: what stands between a foreign page and the library. */
import { hostname, networkInterfaces } from "node:os";
import { isIP } from "node:net";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "::1"]);

/** Host names and IP addresses with an optional port; also what may stand in a header that we send. */
const HOST_HEADER = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9]([a-z0-9.-]*[a-z0-9])?))(?::\d{1,5})?$/i;

/** The name in a Host header without its port, in lower case; undefined where it is malformed. */
function nameOf(header: string): string | undefined {
  const match = HOST_HEADER.exec(header);
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}

export function isLoopback(address: string): boolean {
  return LOOPBACK.has(address) || address.startsWith("127.");
}

/**
 * DNS rebinding makes a foreign name point at this machine, so a request must name it by something that
 * no stranger can own: a loopback name, an address, or the machine's own name. The port is left open, for
 * tunnels change it. On loopback only loopback names pass.
 */
export function isOwnHost(header: string | undefined, listen: string): boolean {
  const name = header === undefined ? undefined : nameOf(header);
  if (name === undefined) return false;
  if (LOOPBACK.has(name)) return true;
  if (isLoopback(listen)) return false;
  return isIP(name) !== 0 || name === listen.toLowerCase() || name === hostname().toLowerCase();
}

/** Whether a page of this very address sent the request: the same name and port as the Host header. */
export function isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined || host === undefined) return false;
  return origin === `http://${host}` || origin === `https://${host}`;
}

/** The address to print for a person: one that a browser can open. */
export function openableAddress(listen: string): string {
  if (listen === "::1") return "[::1]";
  if (listen !== "0.0.0.0" && listen !== "::") return isIP(listen) === 6 ? `[${listen}]` : listen;
  const external = Object.values(networkInterfaces())
    .flat()
    .find((entry) => entry !== undefined && entry.family === "IPv4" && !entry.internal);
  return external?.address ?? "127.0.0.1";
}
