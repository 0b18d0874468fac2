/** The one class of bad-input errors: it names the thing, the numbers and what to do, and carries a code across borders. */

/** Codes are stable: the command line prints them and the interface chooses its words by them. */
export type ErrorCode =
  | "not-found"
  | "not-readable"
  | "not-writable"
  | "disk-full"
  | "already-exists"
  | "too-large"
  | "truncated"
  | "malformed"
  | "unsupported"
  | "unsafe-pickle"
  | "not-a-lora"
  | "needs-base-weight"
  | "shape-mismatch"
  | "not-finite"
  | "overflow"
  | "layout-mismatch"
  | "missing-parent"
  | "missing-space"
  | "fingerprint-mismatch"
  | "newer-version"
  | "invalid-argument"
  | "cancelled"
  | "engine-unavailable"
  | "out-of-memory";

export interface ErrorPlace {
  /** The file at fault, as the user knows it. */
  readonly path?: string | undefined;
  /** The header field, tensor or option at fault. */
  readonly field?: string | undefined;
  readonly cause?: unknown;
}

/** Bad input: message says what happened to what, with numbers, and what to do next. */
export class FacetError extends Error {
  override readonly name = "FacetError";
  readonly code: ErrorCode;
  readonly path: string | undefined;
  readonly field: string | undefined;

  constructor(code: ErrorCode, message: string, place: ErrorPlace = {}) {
    super(message, place.cause === undefined ? undefined : { cause: place.cause });
    this.code = code;
    this.path = place.path;
    this.field = place.field;
  }
}

/** A programmer's mistake: never caught, never shown to users as their fault. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`);
}

/** Closes an exhaustive switch: the compiler names the case that is missing. */
export function missingCase(value: never): never {
  throw new Error(`Missing case: ${String(value)}`);
}
