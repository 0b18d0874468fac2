/** The result of an ended job in words, parsed by the schema of its kind. */
import { ExportResult } from "../../src-preload/contract/exports.ts";
import type { Job } from "../../src-preload/contract/jobs.ts";
import { ImportResult } from "../../src-preload/contract/library.ts";
import { FitResult } from "../../src-preload/contract/spaces.ts";
import { count, percent, plural } from "../lib/format.ts";
import { formName } from "../lib/words.ts";

export interface JobOutcome {
  readonly summary: string;
  /** Words of the button that leads to the result. */
  readonly offer: string;
  readonly space?: string;
  readonly problems: readonly { readonly name: string; readonly reason: string }[];
}

export function outcomeOf(job: Job): JobOutcome | null {
  switch (job.kind) {
    case "import": {
      const result = ImportResult.safeParse(job.result).data;
      if (result === undefined) return null;
      const skipped = result.skippedCount > 0 ? `, ${count(result.skippedCount)} skipped` : "";
      return {
        summary: `${plural(result.importedCount, "LoRA")} imported${skipped}`,
        offer: "Show in Library",
        // A dropped file lies in the library's staging folder for a moment: its name is what the user knows.
        problems: result.skipped.map((each) => ({
          name: fileName(each.path),
          reason: each.reason.replaceAll(each.path, fileName(each.path)),
        })),
      };
    }
    case "fit": {
      const result = FitResult.safeParse(job.result).data;
      if (result === undefined) return null;
      const explained = result.explained.reduce((sum, share) => sum + share, 0);
      return {
        summary: `${formName(result.form)}, ${plural(result.components, "component")}, ${percent(Math.min(1, explained))} of the variance`,
        offer: "Explore the space",
        space: result.space,
        problems: result.skipped.map((each) => ({ name: each.name, reason: each.reason })),
      };
    }
    case "export": {
      const result = ExportResult.safeParse(job.result).data;
      if (result === undefined) return null;
      const failed = result.failed.length > 0 ? `, ${count(result.failed.length)} failed` : "";
      return {
        summary: `${plural(result.files.length, "file")} written${failed}`,
        offer: "Show the files",
        problems: result.failed.map((each) => ({ name: each.name, reason: each.reason })),
      };
    }
    default:
      return null;
  }
}

function fileName(path: string): string {
  return path.split(/[\\/]/u).at(-1) ?? path;
}
