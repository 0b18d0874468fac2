/** Carries FacetErrors across an oRPC border: the code as the error's code, the place as its data. */
import { ORPCError } from "@orpc/client";
import { z } from "zod";
import type { Failure } from "../../src-preload/contract/common.ts";
import { type ErrorCode, FacetError } from "../core/errors.ts";
import { isMemoryError } from "./machine-memory.ts";

const Data = z.object({
  facet: z.literal(true),
  path: z.string().optional(),
  field: z.string().optional(),
});

function writeFailure(error: FacetError): ORPCError<string, z.infer<typeof Data>> {
  const data: z.infer<typeof Data> = { facet: true };
  if (error.path !== undefined) data.path = error.path;
  if (error.field !== undefined) data.field = error.field;
  return new ORPCError(error.code, { message: error.message, data, cause: error });
}

/** What leaves the engine for an error: ours with code and place, others as they are, once logged. */
export function outward(error: unknown): unknown {
  if (error instanceof FacetError) return writeFailure(error);
  if (isMemoryError(error)) {
    const message = error instanceof Error ? error.message : "";
    return writeFailure(
      new FacetError(
        "out-of-memory",
        `The engine ran out of memory (${message}). Ask for less at a time (a lower rank, fewer components or members), or close other programs.`,
        { cause: error },
      ),
    );
  }
  if (!(error instanceof ORPCError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`engine: ${text}\n`);
  }
  return error;
}

/** Null where the error is not one of ours. */
export function readFailure(error: ORPCError<string, unknown>): FacetError | null {
  const data = Data.safeParse(error.data);
  if (!data.success) return null;
  // The code was an ErrorCode when it was written on the other side of our own border.
  return new FacetError(error.code as ErrorCode, error.message, {
    path: data.data.path,
    field: data.data.field,
    cause: error,
  });
}

/** An error as a value, for lists in which each item fails on its own. */
export function asFailure(error: unknown, path: string): Failure {
  if (error instanceof FacetError) {
    const failure: Failure = { code: error.code, message: error.message, path: error.path ?? path };
    if (error.field !== undefined) failure.field = error.field;
    return failure;
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "unexpected", message: `${path}: ${message}`, path };
}
