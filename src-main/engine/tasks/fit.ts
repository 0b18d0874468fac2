/** Fits a space over members and writes its file: members are read one by one, a bad one is left out by name. */
import { setImmediate } from "node:timers/promises";
import type { z } from "zod";
import type { FitOutcome, Progress, Source } from "../../../src-preload/contract/engine.ts";
import { FacetError } from "../../core/errors.ts";
import { encodeSafetensors } from "../../core/formats/safetensors/write.ts";
import { modulesOf } from "../../core/lora/architecture/index.ts";
import { refuseMagnitudes } from "../../core/lora/convert/dora.ts";
import type { Lora, ModuleShape } from "../../core/lora/lora.ts";
import type { Widths } from "../../core/lora/widths/architecture.ts";
import { widthsOf } from "../../core/lora/widths/infer.ts";
import { differingWidths, joinedWidths } from "../../core/lora/widths/words.ts";
import { fitSpace, type MemberSource } from "../../core/spaces/fit.ts";
import type { Products } from "../../core/linalg/products.ts";
import { planSpace } from "../../core/spaces/space-file.ts";
import type { Form } from "../../core/spaces/space.ts";
import { writeAtomically } from "../../files/atomic-write.ts";
import { asFailure } from "../failures.ts";
import { materialise } from "./materialise.ts";
import type { OpenSpaces } from "./spaces.ts";
import { openScratch } from "./stage.ts";

export interface FitTask {
  readonly members: readonly { id: string; source: Source }[];
  readonly form?: Form | undefined;
  readonly components?: number | undefined;
  readonly rank?: number | undefined;
  readonly standardise: boolean;
  readonly seed: number;
  readonly to: string;
}

type Report = z.infer<typeof Progress>;
type Outcome = z.infer<typeof FitOutcome>;

/** Members kept in memory between the passes over them; the rest is read again. */
const cacheBytes = 512 * 1024 * 1024;

export async function fit(
  task: FitTask,
  spaces: OpenSpaces,
  products: Products,
  report: (progress: Report) => void,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const started = performance.now();
  let peakBytes = process.memoryUsage.rss();
  const progress = async (step: string, done: number, total: number) => {
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
    report({ kind: "progress", done, total, unit: "", step });
    await setImmediate();
    if (signal?.aborted === true) throw new FacetError("cancelled", "The fit was cancelled.");
  };
  const read = await readMembers(task, spaces, progress);
  using scratch = openScratch(task.to);
  const fitted = await fitSpace(
    read.members,
    {
      form: task.form,
      components: task.components,
      rank: task.rank ?? read.rank,
      standardise: task.standardise,
    },
    { seed: task.seed, products, makeStage: scratch.makeStage, progress },
  );
  await progress("Writing the space", 0, 1);
  const { tensors, metadata } = planSpace(fitted);
  const { chunks } = encodeSafetensors(tensors, metadata);
  const written = writeAtomically(task.to, chunks, { overwrite: true });
  const { record } = fitted;
  return {
    kind: "done",
    form: record.form,
    family: record.family,
    modules: record.layout.modules.length,
    members: record.members.length,
    dimension: record.dimension,
    components: record.components,
    rank: record.rank,
    explained: [...record.explained],
    retained: record.retained,
    suitability: [...record.suitability],
    seconds: (performance.now() - started) / 1000,
    peakBytes: Math.max(peakBytes, process.memoryUsage.rss()),
    fingerprint: written.sha256,
    bytes: written.bytes,
    skipped: read.skipped,
  };
}

/** Opens every member once: what cannot be used is left out, what can tells modules and ranks. */
async function readMembers(
  task: FitTask,
  spaces: OpenSpaces,
  progress: (step: string, done: number, total: number) => Promise<void>,
): Promise<{ members: MemberSource; rank: number; skipped: Outcome["skipped"] }> {
  const usable: { id: string; source: Source }[] = [];
  const skipped: Outcome["skipped"] = [];
  const cache = new Map<string, Lora>();
  const shapes = new Map<string, ModuleShape>();
  const ranks = new Map<number, number>();
  let cached = 0;
  let family: Lora["family"] | null = null;
  let widths: Widths = [];
  for (const [index, member] of task.members.entries()) {
    await progress("Opening members", index, task.members.length);
    try {
      const { lora } = await materialise(member.source, spaces);
      const agreed: Lora["family"] = family ?? lora.family;
      if (lora.family !== agreed) {
        throw new FacetError(
          "layout-mismatch",
          `It is for ${lora.family}, the others for ${agreed}. Fit one space for each family.`,
        );
      }
      refuseMagnitudes(lora, "take part in a space");
      const own = widthsOf(agreed, lora.modules);
      const difference = differingWidths(agreed, own, widths);
      if (difference !== null) {
        throw new FacetError(
          "layout-mismatch",
          `It is for another model than the others (${difference}). Fit one space for each model.`,
        );
      }
      family = agreed;
      widths = joinedWidths(own, widths);
      usable.push(member);
      for (const module of lora.modules) {
        const { path, out, in: input, kernel, conv } = module;
        shapes.set(path, { path, out, in: input, kernel, conv });
        ranks.set(module.rank, (ranks.get(module.rank) ?? 0) + 1);
      }
      const bytes = lora.modules.reduce((sum, m) => sum + m.up.byteLength + m.down.byteLength, 0);
      if (cached + bytes <= cacheBytes) {
        cache.set(member.id, lora);
        cached += bytes;
      }
    } catch (error) {
      skipped.push({ id: member.id, reason: asFailure(error, member.id).message });
    }
  }
  if (family === null || usable.length < 2) {
    throw new FacetError(
      "invalid-argument",
      `A space needs at least 2 usable LoRAs; ${String(usable.length)} of ${String(task.members.length)} can be used${skipped[0] === undefined ? "" : ` (first trouble: ${skipped[0].reason})`}.`,
    );
  }
  const members: MemberSource = {
    ids: usable.map((member) => member.id),
    family,
    modules: inArchitectureOrder(family, shapes),
    async load(index) {
      const member = usable[index];
      if (member === undefined) throw new Error(`no member ${String(index)}`);
      return cache.get(member.id) ?? (await materialise(member.source, spaces)).lora;
    },
  };
  const [mostFrequent] = [...ranks].toSorted((a, b) => b[1] - a[1] || b[0] - a[0]);
  return { members, rank: mostFrequent?.[0] ?? 1, skipped };
}

function inArchitectureOrder(
  family: Lora["family"],
  shapes: ReadonlyMap<string, ModuleShape>,
): ModuleShape[] {
  return modulesOf(family).flatMap(({ path }) => shapes.get(path) ?? []);
}
