/** One request of a page in Electron's window, answered from the bundle or the library. */
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { isPlainPath, type Content } from "../host/content.ts";
import { securityHeaders } from "../host/headers.ts";
import { isOwnPageAddress } from "./addresses.ts";

/** `initiatorOrigin` is not looked at: no foreign page is ever loaded, and the host part is checked here. */
export function answerPage(request: Pick<Request, "url" | "method">, content: Content): Response {
  if (request.method !== "GET" && request.method !== "HEAD") return refuse(405);
  if (!isOwnPageAddress(request.url)) return refuse(404);
  // The parser resolves dots and slashes in disguise, so the address is checked as it came.
  const written = request.url.slice(request.url.indexOf("//") + 2).split(/[?#]/, 1)[0] ?? "";
  const slash = written.indexOf("/");
  const path = slash < 0 ? "/" : written.slice(slash);
  const found = isPlainPath(path) ? content.find(path) : undefined;
  if (found === undefined) return refuse(404);
  const headers = { ...securityHeaders(), ...found.headers };
  if (request.method === "HEAD") return new Response(null, { headers });
  // The cast is for checks with the DOM's types, whose streams are not Node's by name.
  const body = Readable.toWeb(createReadStream(found.file)) as ReadableStream;
  return new Response(body, { headers });
}

function refuse(status: number): Response {
  return new Response(null, { status, headers: securityHeaders() });
}
