/** Files dropped on Blend are imported first, then join the blend. */
import { ImportResult } from "../../../src-preload/contract/library.ts";
import { onJobEnd } from "../../studio/jobs.ts";
import { addIds } from "./blend-state.ts";

export function addToBlendOnImport(job: string): void {
  const stop = onJobEnd((ended) => {
    if (ended.id !== job) return;
    stop();
    const result = ImportResult.safeParse(ended.result).data;
    if (result !== undefined && result.imported.length > 0)
      void addIds(result.imported.map((each) => each.id));
  });
}
