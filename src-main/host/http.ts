/** The browser host: pages, pictures, downloads, uploads and the contract's WebSocket behind one token. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { AnyRouter } from "@orpc/server";
import { FacetError } from "../core/errors.ts";
import { foldersOf } from "../library/folders.ts";
import { isOwnHost, isOwnOrigin, openableAddress } from "./addresses.ts";
import { Content, isPlainPath, type Found } from "./content.ts";
import { securityHeaders } from "./headers.ts";
import { createRpcServer } from "./rpc.ts";
import { Session } from "./session.ts";
import { LARGEST_UPLOAD, receiveUpload } from "./upload.ts";

/** A connection on which nothing moves for so long is closed; WebSockets have their own heartbeat. */
const IDLE_MILLISECONDS = 120_000;
const HEADERS_MILLISECONDS = 15_000;
const MOST_CONNECTIONS = 512;

export interface HostOptions {
  readonly router: AnyRouter;
  /** The library's folder: previews, staging. */
  readonly library: string;
  /** Folder of the built pages. */
  readonly bundle: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Left out: 127.0.0.1, this machine only. */
  readonly listen?: string | undefined;
  /** Left out: a random one. */
  readonly token?: string | undefined;
  readonly largestUpload?: number | undefined;
  /** Told about failures that are not the visitor's. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

export interface Host extends AsyncDisposable {
  readonly port: number;
  readonly token: string;
  /** Opens the studio with its token; the part behind # never travels to a server. */
  readonly url: string;
  close(): Promise<void>;
}

/** A refusal: the status and what to tell. */
class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export async function startHost(options: HostOptions): Promise<Host> {
  const listen = options.listen ?? "127.0.0.1";
  const session = new Session(options.token);
  const content = new Content({ bundle: options.bundle, library: options.library });
  const rpc = createRpcServer(options.router);
  const server = createServer(
    { headersTimeout: HEADERS_MILLISECONDS, requestTimeout: 0, keepAliveTimeout: 10_000 },
    (request, response) => void answer(request, response),
  );
  // Large uploads over slow lines take long: what ends a request is silence, not its length.
  server.timeout = IDLE_MILLISECONDS;
  server.maxConnections = MOST_CONNECTIONS;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await route(request, response);
    } catch (error) {
      refuse(request, response, error);
    }
  }

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url, host } = checkAddress(request, listen);
    for (const [name, value] of Object.entries(
      securityHeaders([`ws://${host}`, `wss://${host}`]),
    )) {
      response.setHeader(name, value);
    }
    switch (url.pathname) {
      case "/session":
        return openSession(request, response);
      case "/upload":
        return upload(request, response, url.searchParams);
      case "/rpc":
        throw new Refusal(426, "upgrade-required", "This address speaks WebSocket only.");
      default:
        return serveFile(request, response, url.pathname);
    }
  }

  function openSession(request: IncomingMessage, response: ServerResponse): void {
    allowMethods(request, response, ["POST"]);
    checkOrigin(request, false);
    // A second tab has the cookie already, but not the token from the address.
    const again =
      session.hasCookie(request) && isOwnOrigin(request.headers.origin, request.headers.host);
    if (!session.hasBearer(request) && !again) throw unauthorised();
    response.setHeader("set-cookie", session.cookieHeader());
    response.setHeader("cache-control", "no-store");
    response.writeHead(204).end();
  }

  async function upload(
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
  ): Promise<void> {
    allowMethods(request, response, ["POST"]);
    const bearer = session.hasBearer(request);
    checkOrigin(request, !bearer);
    if (!bearer && !session.hasCookie(request)) throw unauthorised();
    const received = await receiveUpload(request, {
      name: query.get("name") ?? "",
      batch: query.get("batch") ?? undefined,
      staging: foldersOf(options.library).staging,
      limit: options.largestUpload ?? LARGEST_UPLOAD,
    });
    sendJson(response, 201, received);
  }

  async function serveFile(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
  ): Promise<void> {
    allowMethods(request, response, ["GET", "HEAD"]);
    const mayRead = () => session.hasCookie(request) || session.hasBearer(request);
    // Asked before looking, so that a stranger learns nothing about what there is.
    if (/^\/(?:picture|download)\//.test(path) && !mayRead()) throw unauthorised();
    const found = content.find(path);
    if (found === undefined) throw notFound(path);
    if (found.visibility === "private" && !mayRead()) throw unauthorised();
    await sendFile(request, response, found);
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    try {
      const { url } = checkAddress(request, listen);
      if (url.pathname !== "/rpc") throw notFound(url.pathname);
      checkOrigin(request, true);
      if (!session.hasSubprotocol(request) && !session.hasCookie(request)) throw unauthorised();
      rpc.accept(request, socket, head);
    } catch (error) {
      const status = error instanceof Refusal ? error.status : 500;
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nConnection: close\r\n\r\n`);
    }
  }

  function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const { status, code, message } = describe(error);
    if (status === 500) options.onFailure?.(error);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // What is left of a refused body is not read: the connection ends with the answer.
    if (!request.complete) response.setHeader("connection", "close");
    sendJson(response, status, { error: { code, message } });
  }

  server.on("upgrade", upgrade);
  server.on("clientError", (_error, socket) => socket.destroy());
  const port = await listenOn(server, options.port, listen);
  session.nameCookieAfter(port);

  const close = async () => {
    rpc.close();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    const late = setTimeout(() => server.closeAllConnections(), 2_000);
    await closed;
    clearTimeout(late);
  };
  return {
    port,
    token: session.token,
    url: `http://${openableAddress(listen)}:${port}/#token=${session.token}`,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function listenOn(server: Server, port: number, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Every request must name this machine as itself, and its path must be what it looks like. */
function checkAddress(request: IncomingMessage, listen: string): { url: URL; host: string } {
  const { host } = request.headers;
  if (host === undefined || !isOwnHost(host, listen)) {
    throw new Refusal(421, "wrong-host", "This host does not answer under that name.");
  }
  const target = request.url ?? "";
  if (!isPlainPath(target.split(/[?#]/, 1)[0] ?? "")) {
    throw new Refusal(400, "bad-path", "The address has characters that no page of ours has.");
  }
  return { url: new URL(target, "http://host"), host };
}

/** Browsers name the sending page in Origin; programs that bring the token itself need not. */
function checkOrigin(request: IncomingMessage, required: boolean): void {
  const { origin, host } = request.headers;
  if (origin === undefined && !required) return;
  if (isOwnOrigin(origin, host)) return;
  throw new Refusal(403, "wrong-origin", "Only pages of this host may ask for that.");
}

function allowMethods(
  request: IncomingMessage,
  response: ServerResponse,
  methods: readonly string[],
): void {
  if (methods.includes(request.method ?? "")) return;
  response.setHeader("allow", methods.join(", "));
  throw new Refusal(405, "wrong-method", `Use ${methods.join(" or ")} here.`);
}

async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  found: Found,
): Promise<void> {
  // O_NOFOLLOW: the file may have been replaced by a link since it was found. Windows has no such flag.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0);
  const file = await open(found.file, flags).catch(() => undefined);
  if (file === undefined) throw notFound(request.url ?? "");
  await using _ = file;
  const { size } = await file.stat();
  response.writeHead(200, { ...found.headers, "content-length": size });
  if (request.method === "HEAD" || size === 0) {
    response.end();
    return;
  }
  try {
    await pipeline(file.createReadStream({ autoClose: false, end: size - 1 }), response);
  } catch {
    // The visitor went away in the middle, or the disk failed: either way there is nobody to tell.
    response.destroy();
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "cache-control": "no-store",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

function unauthorised(): Refusal {
  return new Refusal(
    401,
    "no-token",
    "Open Facet by the address that it printed: it carries the token.",
  );
}

function notFound(path: string): Refusal {
  return new Refusal(404, "not-found", `Nothing is at ${path}.`);
}

function describe(error: unknown): { status: number; code: string; message: string } {
  if (error instanceof Refusal) return error;
  if (error instanceof FacetError) {
    return { status: statusOf(error), code: error.code, message: error.message };
  }
  return { status: 500, code: "internal", message: "Facet failed here; its log says why." };
}

function statusOf(error: FacetError): number {
  switch (error.code) {
    case "too-large":
      return 413;
    case "already-exists":
      return 409;
    case "disk-full":
      return 507;
    default:
      return 400;
  }
}
