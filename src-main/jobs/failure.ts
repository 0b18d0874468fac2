/** What went wrong, as it is stored and shown: a code, words, the file and the field. */
import type { Failure } from "../../src-preload/contract/common.ts";
import { FacetError } from "../core/errors.ts";
import { readError } from "../files/errors.ts";

/** Any thrown value as a failure. `path` is the file that was being worked on. */
export function failureOf(thrown: unknown, path?: string): Failure {
  // Only the system's own errors are about the file; any other that has a code (SQLite's) is about something else.
  const system = thrown instanceof Error && "syscall" in thrown;
  const error = path !== undefined && system ? readError(path, thrown) : thrown;
  const place = error instanceof FacetError ? error : { path: undefined, field: undefined };
  const failure: Failure = { code: codeOf(error), message: messageOf(error) };
  const at = place.path ?? path;
  if (at !== undefined) failure.path = at;
  if (place.field !== undefined) failure.field = place.field;
  return failure;
}

function codeOf(error: unknown): string {
  if (error instanceof FacetError) return error.code;
  return error instanceof Error && error.name === "AbortError" ? "cancelled" : "unexpected";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
