/** The job that fits a space: members become sources, the background engine fits, the outcome becomes a row. */
import { rmSync } from "node:fs";
import { z } from "zod";
import { Form, LoraId } from "../../src-preload/contract/common.ts";
import { FitResult } from "../../src-preload/contract/spaces.ts";
import { FacetError } from "../core/errors.ts";
import type { EngineClient } from "../engine/client.ts";
import type { Resolver } from "../identities/resolve.ts";
import type { JobContext, Jobs } from "../jobs/jobs.ts";
import type { Library } from "../library/library.ts";

const FitData = z.object({
  space: z.string(),
  name: z.string(),
  members: z.array(LoraId),
  form: Form.optional(),
  components: z.int().optional(),
  rank: z.int().optional(),
  standardise: z.boolean(),
  seed: z.int(),
});
export type FitData = z.infer<typeof FitData>;

export function defineFitJob(
  jobs: Jobs,
  library: Library,
  resolver: Resolver,
  engine: EngineClient,
): void {
  jobs.define("fit", {
    data: FitData,
    result: FitResult,
    run: (context, data) => fitSpace(context, data, library, resolver, engine),
  });
}

async function fitSpace(
  context: JobContext,
  data: FitData,
  library: Library,
  resolver: Resolver,
  engine: EngineClient,
): Promise<FitResult> {
  const members: { id: string; source: ReturnType<Resolver["resolve"]> }[] = [];
  const skipped: FitResult["skipped"] = [];
  for (const id of data.members) {
    try {
      members.push({ id, source: resolver.resolve(id) });
    } catch (error) {
      if (!(error instanceof FacetError)) throw error;
      skipped.push({ id, name: nameOf(library, id), reason: error.message });
    }
  }
  const to = library.spaces.fileOf(data.space);
  const reports = await engine.fit(
    {
      members,
      form: data.form,
      components: data.components,
      rank: data.rank,
      standardise: data.standardise,
      seed: data.seed,
      to,
    },
    { signal: context.signal },
  );
  for await (const report of reports) {
    if (report.kind === "progress") {
      context.progress({
        done: report.done,
        total: report.total,
        unit: report.unit,
        step: report.step,
      });
      continue;
    }
    if (context.signal.aborted) {
      // Cancelled between the file and its row: without a row nobody would ever find the file.
      rmSync(to, { force: true });
      throw new FacetError("cancelled", "The fit was cancelled.");
    }
    const { kind: _, skipped: unread, ...outcome } = report;
    library.spaces.insert({
      id: data.space,
      name: data.name,
      form: outcome.form,
      family: outcome.family,
      modules: outcome.modules,
      members: outcome.members,
      dimension: outcome.dimension,
      components: outcome.components,
      rank: outcome.rank,
      bytes: outcome.bytes,
      fingerprint: outcome.fingerprint,
      file: to,
    });
    return {
      space: data.space,
      kind: "pca",
      form: outcome.form,
      members: outcome.members,
      dimension: outcome.dimension,
      components: outcome.components,
      explained: outcome.explained,
      retained: outcome.retained,
      suitability: outcome.suitability,
      seconds: outcome.seconds,
      peakBytes: outcome.peakBytes,
      skipped: [
        ...skipped,
        ...unread.map(({ id, reason }) => ({ id, name: nameOf(library, id), reason })),
      ],
    };
  }
  throw new FacetError(
    "engine-unavailable",
    "The engine ended before the fit was done. Fit again.",
  );
}

function nameOf(library: Library, id: string): string {
  return library.has(id) ? library.get(id).name : id;
}
