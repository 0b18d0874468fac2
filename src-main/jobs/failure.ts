/** What went wrong, as it is stored and shown: a code, words, the file and the field. */
import { z } from "zod";
import { FacetError } from "../core/errors.ts";
import type { Failure } from "../../src-preload/contract/common.ts";

/** What the operating system calls things that have a name here. */
const systemCodes: Record<string, string> = {
  ENOENT: "not-found",
  ENOTDIR: "not-found",
  EACCES: "not-readable",
  EPERM: "not-readable",
  EISDIR: "not-readable",
  EIO: "not-readable",
  ENOSPC: "disk-full",
  EDQUOT: "disk-full",
  EROFS: "not-writable",
  ENAMETOOLONG: "invalid-argument",
  EEXIST: "already-exists",
};

/** An error that came over a border: class lost, code and place kept. */
const Carried = z.object({
  code: z.string(),
  message: z.string(),
  data: z
    .object({ path: z.string().optional(), field: z.string().optional() })
    .optional()
    .catch(undefined),
});

const SystemError = z.object({
  code: z.string(),
  message: z.string(),
  path: z.string().optional(),
});

/** Any thrown value as a failure. `path` stands in where the error names no file. */
export function failureOf(error: unknown, path?: string): Failure {
  if (error instanceof FacetError) {
    return failure(error.code, error.message, error.path ?? path, error.field);
  }
  if (error instanceof Error && error.name === "AbortError") {
    return failure("cancelled", "Cancelled.", path);
  }
  const system = SystemError.safeParse(error);
  const code = system.success ? systemCodes[system.data.code] : undefined;
  if (system.success && code !== undefined) {
    return failure(code, system.data.message, system.data.path ?? path);
  }
  const carried = Carried.safeParse(error);
  if (carried.success && /^[a-z][a-z-]*$/.test(carried.data.code)) {
    const { data } = carried.data;
    return failure(carried.data.code, carried.data.message, data?.path ?? path, data?.field);
  }
  return failure("internal", error instanceof Error ? error.message : String(error), path);
}

function failure(code: string, message: string, path?: string, field?: string): Failure {
  return {
    code,
    message,
    ...(path === undefined ? {} : { path }),
    ...(field === undefined ? {} : { field }),
  };
}
