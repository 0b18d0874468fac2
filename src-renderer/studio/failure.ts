/** Any thrown thing as the failure that the interface shows: message, code, file, field. */
import { z } from "zod";

const Carried = z.object({
  code: z.string().optional(),
  message: z.string().optional(),
  path: z.string().nullish(),
  field: z.string().nullish(),
});

export interface ShownFailure {
  readonly code: string;
  readonly message: string;
  readonly path: string | undefined;
  readonly field: string | undefined;
}

export function failureOf(error: unknown): ShownFailure {
  const outer = Carried.safeParse(error).data;
  const data =
    typeof error === "object" && error !== null && "data" in error ? error.data : undefined;
  const inner = Carried.safeParse(data).data;
  return {
    code: inner?.code ?? outer?.code ?? "unknown",
    message: inner?.message ?? outer?.message ?? String(error),
    path: inner?.path ?? outer?.path ?? undefined,
    field: inner?.field ?? outer?.field ?? undefined,
  };
}
