/** The contract over a WebSocket: one connection is one page. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { AnyRouter } from "@orpc/server";
import { RPCHandler } from "@orpc/server/ws";
import { WebSocketServer, type WebSocket } from "ws";
import { chooseSubprotocol } from "./session.ts";

/** A preview picture of 30 MB is the largest thing that a page sends, and base64 makes it a third longer. */
const LARGEST_MESSAGE = 64 * 2 ** 20;

/** Tunnels and routers drop connections that are silent for a minute. */
const HEARTBEAT_MILLISECONDS = 25_000;

export interface RpcServer {
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): void;
}

export function createRpcServer(router: AnyRouter): RpcServer {
  const handler = new RPCHandler(router);
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: LARGEST_MESSAGE,
    perMessageDeflate: false,
    handleProtocols: chooseSubprotocol,
  });
  const answered = new WeakSet<WebSocket>();

  server.on("connection", (socket: WebSocket) => {
    answered.add(socket);
    socket.on("pong", () => answered.add(socket));
    // A broken connection closes itself; without a listener the error would end the process.
    socket.on("error", () => socket.terminate());
    void handler.upgrade(socket);
  });

  const heartbeat = setInterval(() => {
    for (const socket of server.clients) {
      if (!answered.delete(socket)) socket.terminate();
      else socket.ping();
    }
  }, HEARTBEAT_MILLISECONDS);
  heartbeat.unref();

  return {
    accept: (request, socket, head) =>
      server.handleUpgrade(request, socket, head, (client) => {
        server.emit("connection", client, request);
      }),
    close() {
      clearInterval(heartbeat);
      for (const socket of server.clients) socket.close(1001, "Facet is closing");
      server.close();
      // A page that does not answer the closing handshake must not keep the process alive.
      setTimeout(() => {
        for (const socket of server.clients) socket.terminate();
      }, 1_000).unref();
    },
  };
}
