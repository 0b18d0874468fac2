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
  handler.upgrade(port, { context: {} });
}
