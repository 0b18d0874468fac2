/** Who may speak to the host: one random bearer token, and the cookie that a browser gets for it. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { FacetError } from "../core/errors.ts";

/** Shorter ones could be guessed over a network; generated ones have 43 characters. */
const SHORTEST_TOKEN = 24;

/** The subprotocol that a page offers besides the one with its token, so that the answer repeats no secret. */
const SUBPROTOCOL = "facet";

function sameSecret(given: string, expected: string): boolean {
  // Digests have equal lengths, which timingSafeEqual asks for and which hides the token's own length.
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** Reads one cookie by its exact name. */
function cookieOf(request: IncomingMessage, name: string): string | undefined {
  for (const part of (request.headers.cookie ?? "").split(";")) {
    const separator = part.indexOf("=");
    if (separator > 0 && part.slice(0, separator).trim() === name) {
      return part.slice(separator + 1).trim();
    }
  }
  return undefined;
}

export class Session {
  readonly token: string;
  /** Not the token itself: what a browser keeps is worth nothing after the host has stopped. */
  readonly #cookie = randomBytes(32).toString("base64url");
  #cookieName = "facet";

  constructor(token?: string) {
    if (token !== undefined && !/^[\w-]+$/.test(token)) {
      throw new FacetError("invalid-argument", "A token has letters, digits, - and _ only.", {
        field: "token",
      });
    }
    if (token !== undefined && token.length < SHORTEST_TOKEN) {
      throw new FacetError(
        "invalid-argument",
        `The token has ${token.length} characters; it needs at least ${SHORTEST_TOKEN}. Leave it out to get a random one.`,
        { field: "token" },
      );
    }
    this.token = token ?? randomBytes(32).toString("base64url");
  }

  /** Browsers share cookies among the ports of a machine: two hosts must not overwrite each other's. */
  nameCookieAfter(port: number): void {
    this.#cookieName = `facet-${port}`;
  }

  cookieHeader(): string {
    return `${this.#cookieName}=${this.#cookie}; Path=/; HttpOnly; SameSite=Strict`;
  }

  hasBearer(request: IncomingMessage): boolean {
    const match = /^Bearer ([\w-]+)$/.exec(request.headers.authorization ?? "");
    return match?.[1] !== undefined && sameSecret(match[1], this.token);
  }

  hasCookie(request: IncomingMessage): boolean {
    const value = cookieOf(request, this.#cookieName);
    return value !== undefined && sameSecret(value, this.#cookie);
  }

  /** A WebSocket carries its token as a subprotocol `facet.<token>`: browsers can set no other header there. */
  hasSubprotocol(request: IncomingMessage): boolean {
    const prefix = `${SUBPROTOCOL}.`;
    return offered(request).some(
      (protocol) =>
        protocol.startsWith(prefix) && sameSecret(protocol.slice(prefix.length), this.token),
    );
  }
}

function offered(request: IncomingMessage): string[] {
  const header = request.headers["sec-websocket-protocol"] ?? "";
  return header.split(",").map((protocol) => protocol.trim());
}

/** The subprotocol to answer with: the plain one, or the first where a page offers only that. */
export function chooseSubprotocol(protocols: ReadonlySet<string>): string | false {
  if (protocols.has(SUBPROTOCOL)) return SUBPROTOCOL;
  const [first] = protocols;
  return first ?? false;
}
