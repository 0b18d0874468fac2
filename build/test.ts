/** `npm test`: every check there is, each under a heading; the last line counts them all. */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { hasDisplay } from "../src-main/host/open-browser.ts";
import { bundleDesktop, bundlePages } from "./bundle.ts";
import { haveBrowser } from "./tools/browser.ts";
import { haveElectron } from "./tools/electron.ts";
import { out, tools } from "./tools/paths.ts";
import { findSwiftShader } from "./tools/swiftshader.ts";
import { findProgram, run, runNode } from "./tools/run.ts";
import { checkTypes, describeZone } from "./types.ts";

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const PASSED: Count = { passed: 1, failed: 0, skipped: 0 };
const FAILED: Count = { passed: 0, failed: 1, skipped: 0 };

const reports = join(out, "test");

/** What is read of vitest's JSON report. */
const Report = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
});

function add(counts: readonly Count[]): Count {
  const sum = (pick: (count: Count) => number) =>
    counts.reduce((all, count) => all + pick(count), 0);
  return {
    passed: sum(({ passed }) => passed),
    failed: sum(({ failed }) => failed),
    skipped: sum(({ skipped }) => skipped),
  };
}

async function types(): Promise<Count> {
  const results = await checkTypes((result) => console.log(describeZone(result)));
  return add(results.map(({ ok }) => (ok ? PASSED : FAILED)));
}

/** Tools that say nothing when all is well: one check each. */
async function lint(): Promise<Count> {
  const checks: [string, string, string[]][] = [
    ["oxlint", tools.oxlint, ["--type-aware", "--deny-warnings"]],
    ["oxfmt", tools.oxfmt, ["--check", "."]],
    ["knip", tools.knip, ["--no-progress"]],
  ];
  const counts: Count[] = [];
  for (const [name, script, parameters] of checks) {
    const { code, output } = await runNode(script, parameters, { minutes: 3 });
    console.log(code === 0 ? `ok   ${name}` : `FAIL ${name}\n${output}`);
    counts.push(code === 0 ? PASSED : FAILED);
  }
  return add(counts);
}

interface SuiteOptions {
  readonly minutes: number;
  readonly environment?: NodeJS.ProcessEnv;
  /** A program that runs it, with its own parameters: xvfb-run. */
  readonly under?: readonly string[];
}

async function suite(name: string, options: SuiteOptions): Promise<Count> {
  const report = join(reports, `${name}.json`);
  rmSync(report, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const [program, ...before] = [...(options.under ?? []), process.execPath];
  const { code, timedOut } = await run(
    program,
    [...before, tools.vitest, "run", "--project", name, ...reporters],
    { minutes: options.minutes, show: true, environment: options.environment ?? {} },
  );
  if (timedOut) console.log(`${name} was ended after ${options.minutes} minutes.`);
  const count = readReport(report);
  // A file that cannot be loaded has no tests to count; the run has failed all the same.
  return code !== 0 && count.failed === 0 ? add([count, FAILED]) : count;
}

function readReport(path: string): Count {
  try {
    const report = Report.parse(JSON.parse(readFileSync(path, "utf8")));
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch {
    console.log(`There is no report at ${path}.`);
    return FAILED;
  }
}

async function bundle(): Promise<Count> {
  if (!(await bundlePages())) console.log("The bundle is up to date.");
  return PASSED;
}

async function endToEnd(): Promise<Count> {
  const browser = await haveBrowser();
  console.log(`Browser: ${browser}`);
  return suite("e2e", { minutes: 8, environment: { CHROME_PATH: browser } });
}

async function electron(): Promise<Count> {
  const binary = await haveElectron();
  if (binary.kind === "missing") return skipByName("electron", binary.reason);
  const xvfb = findProgram("xvfb-run");
  if (!hasDisplay() && xvfb === undefined) {
    return skipByName("electron", "there is neither a display nor xvfb-run");
  }
  await bundleDesktop();
  const under = hasDisplay() || xvfb === undefined ? [] : [xvfb, "-a"];
  return suite("electron", { minutes: 5, under });
}

async function webgpu(): Promise<Count> {
  const shader = findSwiftShader();
  if (shader.kind === "missing") return skipByName("webgpu", shader.reason);
  return suite("webgpu", { minutes: 5, environment: shader.environment });
}

const Listed = z.array(z.object({ name: z.string() }));

async function skipByName(project: string, reason: string): Promise<Count> {
  const parameters = ["list", "--project", project, "--json"];
  const { output } = await runNode(tools.vitest, parameters, { minutes: 1 });
  const names = Listed.parse(JSON.parse(output.slice(output.indexOf("["))));
  for (const { name } of names) console.log(`skipped: ${name} (${reason})`);
  return { passed: 0, failed: 0, skipped: names.length };
}

const steps: readonly { name: string; title: string; run: () => Promise<Count> }[] = [
  { name: "types", title: "Types", run: types },
  { name: "lint", title: "Lint and format", run: lint },
  { name: "unit", title: "Unit tests", run: () => suite("unit", { minutes: 5 }) },
  {
    name: "integration",
    title: "Integration tests",
    run: () => suite("integration", { minutes: 8 }),
  },
  { name: "bundle", title: "Bundle", run: bundle },
  { name: "e2e", title: "End to end in Chromium", run: endToEnd },
  { name: "webgpu", title: "WebGPU under SwiftShader", run: webgpu },
  { name: "electron", title: "Electron", run: electron },
];

/** `npm test -- types lint` runs those only. */
const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  console.error(
    `No step ${unknown.join(", ")}. There are ${steps.map(({ name }) => name).join(", ")}.`,
  );
  process.exit(2);
}

mkdirSync(reports, { recursive: true });
const counts: Count[] = [];
const summary: string[] = [];
for (const { name, title, run: step } of steps) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  console.log(`\n== ${title}`);
  const started = performance.now();
  const count = await step().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    return FAILED;
  });
  counts.push(count);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  summary.push(`${title}: ${describe(count)} (${seconds} s)`);
}

function describe({ passed, failed, skipped }: Count): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

const total = add(counts);
console.log(`\n${summary.join("\n")}\n\n${describe(total)}`);
process.exitCode = total.failed === 0 ? 0 : 1;
