/** The border between main and its pages: the contract's implementer, and what becomes of errors on the way out. */
import { implement, ORPCError, ValidationError } from "@orpc/server";
import { studioContract } from "../../src-preload/contract/index.ts";
import { FacetError } from "../core/errors.ts";
import { newId } from "../library/ids.ts";

/** Where errors are written that no user can act on. */
type Report = (id: string, error: unknown) => void;

/** What a failed call carries besides its code and message. */
export interface Place {
  readonly path?: string;
  readonly field?: string;
}

/** HTTP's number for it; clients go by the code. */
const status = 400;

/** Any error as what may cross the border: a code, words, the file and the field. */
export function outward(error: unknown, report: Report): ORPCError<string, Place> {
  if (error instanceof FacetError) {
    return new ORPCError(error.code, {
      status,
      message: error.message,
      data: {
        ...(error.path === undefined ? {} : { path: error.path }),
        ...(error.field === undefined ? {} : { field: error.field }),
      },
    });
  }
  if (error instanceof ORPCError && error.code === "BAD_REQUEST") return badInput(error);
  // Its words may name what a page has no business to know: they go to the log, a number to the page.
  const id = newId();
  report(id, error);
  return new ORPCError("INTERNAL", {
    status: 500,
    data: {},
    message: `Something went wrong inside Facet (${id}); logs/facet.log in the library's folder says more.`,
  });
}

function badInput(error: ORPCError<string, unknown>): ORPCError<string, Place> {
  const issues = error.cause instanceof ValidationError ? error.cause.issues : [];
  const [issue] = issues;
  const field = issue?.path
    ?.map((part) => String(typeof part === "object" ? part.key : part))
    .join(".");
  const what = issue === undefined ? error.message : issue.message;
  return new ORPCError("invalid-argument", {
    status,
    message: field === undefined || field === "" ? what : `${field}: ${what}`,
    data: field === undefined ? {} : { field },
  });
}

export type Answer = ReturnType<typeof answerWith>;

/** Implements the studio's contract; every procedure's errors leave through `outward`. */
export function answerWith(report: Report) {
  return implement(studioContract).use(async ({ next }) => {
    try {
      const result = await next();
      return isStream(result.output)
        ? { ...result, output: guarded(result.output, report) }
        : result;
    } catch (error) {
      throw outward(error, report);
    }
  });
}

function isStream(output: unknown): output is AsyncIterable<unknown> {
  return typeof output === "object" && output !== null && Symbol.asyncIterator in output;
}

/** A stream fails after its call was answered, past the middleware. */
async function* guarded(
  stream: AsyncIterable<unknown>,
  report: Report,
): AsyncGenerator<unknown, void> {
  try {
    yield* stream;
  } catch (error) {
    throw outward(error, report);
  }
}
