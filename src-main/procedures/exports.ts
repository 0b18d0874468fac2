/** Answers the exports part of the contract. */
import type { Exports } from "../export/exports.ts";
import type { Answer } from "./errors.ts";

export function exportProcedures(answer: Answer, exports: Exports) {
  const os = answer.exports;
  return os.router({
    start: os.start.handler(async ({ input }) => ({
      job: await exports.start(input.ids, input.to, input.options),
    })),
    preview: os.preview.handler(({ input }) =>
      exports.preview(input.ids, input.template, input.dialect, input.dtype),
    ),
    stage: os.stage.handler(({ input }) => exports.stage(input.id, input.options)),
    folders: os.folders.handler(() => exports.folders()),
  });
}
