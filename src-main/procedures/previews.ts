/** Answers the previews part of the contract. */
import type { Previews } from "../previews/previews.ts";
import type { Answer } from "./errors.ts";

export function previewProcedures(answer: Answer, previews: Previews) {
  const os = answer.previews;
  return os.router({
    make: os.make.handler(({ input, signal }) => previews.make(input, signal)),
    cancel: os.cancel.handler(({ input }) => previews.cancel(input.slot)),
    counters: os.counters.handler(() => previews.counters()),
  });
}
