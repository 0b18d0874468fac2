/** Answers calls on a port; errors that we named cross with their code and place. */
import { RPCHandler } from "@orpc/server/message-port";
import { outward } from "./failures.ts";
import type { EnginePort } from "./launcher.ts";
import type { EngineRouter } from "./router.ts";

export function serve(router: EngineRouter, port: EnginePort): void {
  const handler = new RPCHandler(router, {
    clientInterceptors: [
      async ({ next }) => {
        try {
          return await next();
        } catch (error) {
          throw outward(error);
        }
      },
    ],
  });
  handler.upgrade(oneAtATime(port), { context: {} });
}

/**
 * While the engine computes, messages wait and then arrive all at once. Each gets a turn of its own: oRPC reads a
 * request over several microtasks, and a cancellation that comes before these are over would find nothing to cancel.
 */
function oneAtATime(port: EnginePort): EnginePort {
  return {
    postMessage: (message) => {
      port.postMessage(message);
    },
    on(event, listener) {
      port.on(event, event === "message" ? (data) => setImmediate(listener, data) : listener);
    },
  };
}
