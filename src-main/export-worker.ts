/** Entry of the threads that copy files for an export. */
import { parentPort } from "node:worker_threads";
import type { CopyAnswer, CopyOrder } from "./export/copy-pool.ts";
import { copyLoraFile } from "./export/writer.ts";
import { failureOf } from "./jobs/failure.ts";

parentPort?.on("message", ({ from, file }: CopyOrder) => {
  parentPort?.postMessage(answer(from, file));
});

function answer(from: CopyOrder["from"], file: CopyOrder["file"]): CopyAnswer {
  try {
    return { done: copyLoraFile(from, file) };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}
