/** `npm run bench`: measures, beside peers where FACET_PYTHON names a Python that has them; a table, or one JSON document. */
import { spawnSync } from "node:child_process";
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import type { BenchContext, BenchGroup, BenchResult } from "./types.ts";

const groups: Readonly<Record<string, () => Promise<BenchGroup>>> = {
  standardise: async () => (await import("./standardise.ts")).standardise,
  pca: async () => (await import("./pca.ts")).pca,
  slider: async () => (await import("./slider.ts")).slider,
  library: async () => (await import("./library.ts")).library,
  export: async () => (await import("./export.ts")).exportFiles,
  training: async () => (await import("./training.ts")).training,
  inference: async () => (await import("./inference.ts")).inference,
  "unet-step": async () => (await import("./unet-step.ts")).unetStep,
  "lora-live": async () => (await import("./lora-live.ts")).loraLive,
  mount: async () => (await import("./mount.ts")).mount,
  "linear-algebra": async () => (await import("./linear-algebra.ts")).linearAlgebra,
};

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, only: { type: "string" } },
});

function python(): string | null {
  const named = process.env["FACET_PYTHON"];
  if (named === undefined || named === "") return null;
  const works = spawnSync(named, ["-c", "import numpy"], { stdio: "ignore" }).status === 0;
  if (!works) throw new Error(`FACET_PYTHON=${named} cannot import numpy.`);
  return named;
}

const machine = `${String(availableParallelism())} x ${cpus()[0]?.model.trim() ?? "unknown"}, Node ${process.version}`;
const context: BenchContext = { python: python() };
const results: BenchResult[] = [];
for (const [name, load] of Object.entries(groups)) {
  // A group's name, or the name of one of its rows.
  if (values.only !== undefined && values.only.split(".")[0] !== name) continue;
  process.stderr.write(`${name} …\n`);
  const group = await load();
  results.push(
    ...(await group(context)).filter(
      (row) => values.only === undefined || values.only === name || values.only === row.name,
    ),
  );
}

if (results.length === 0)
  throw new Error(
    `No benchmark is called ${values.only ?? ""}: ${Object.keys(groups).join(", ")}.`,
  );

if (values.json) {
  const document = Object.fromEntries(
    results.map(({ name, ...row }) => [
      name,
      { ...row, conditions: `${row.conditions}; ${machine}` },
    ]),
  );
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
} else {
  process.stdout.write(
    `${machine}; peers ${context.python === null ? "not measured: set FACET_PYTHON" : "measured in the same run"}\n\n`,
  );
  const cells = results.map((row) => [
    row.ok ? "ok" : "MISSED",
    row.name,
    `${row.value.toPrecision(4)} ${row.unit}`,
    row.target,
    row.peer === undefined || row.ratio === undefined
      ? ""
      : `${row.ratio.toFixed(3)} x ${row.peer}`,
    row.conditions,
  ]);
  const widths = [0, 1, 2, 3, 4].map((at) =>
    Math.max(...cells.map((row) => (row[at] ?? "").length)),
  );
  for (const row of cells) {
    process.stdout.write(
      `${row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd()}\n`,
    );
  }
}
