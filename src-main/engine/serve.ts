/** Answers calls on a port; errors that we named cross with their code and place. */
import { ORPCError } from "@orpc/client";
import { onError } from "@orpc/server";
import { RPCHandler } from "@orpc/server/message-port";
import { FacetError } from "../core/errors.ts";
import { writeFailure } from "./failures.ts";
import type { EnginePort } from "./launcher.ts";
import type { EngineRouter } from "./router.ts";

export function serve(router: EngineRouter, port: EnginePort): void {
  const handler = new RPCHandler(router, {
    interceptors: [
      onError((error) => {
        if (!(error instanceof FacetError) && !(error instanceof ORPCError)) {
          process.stderr.write(`engine: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
        }
      }),
    ],
    clientInterceptors: [
      async ({ next }) => {
        try {
          return await next();
        } catch (error) {
          if (error instanceof FacetError) throw writeFailure(error);
          if (error instanceof RangeError && /allocation|Array buffer/i.test(error.message)) {
            throw writeFailure(
              new FacetError(
                "out-of-memory",
                `The engine ran out of memory (${error.message}). Use a lower rank, fewer components or fewer members.`,
                { cause: error },
              ),
            );
          }
          throw error;
        }
      },
    ],
  });
  handler.upgrade(port, { context: {} });
}
