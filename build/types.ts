/** Checks the types of every zone on its own: a zone sees only what its tsconfig gives it. */
import { globSync } from "node:fs";
import { dirname, isAbsolute, join, relative } from "node:path";
import { root, tools } from "./tools/paths.ts";
import { runNode } from "./tools/run.ts";

export interface ZoneResult {
  readonly zone: string;
  readonly ok: boolean;
  /** The project's own files that were looked at; a zone of none is a failure. */
  readonly files: number;
  readonly seconds: number;
  readonly problems: string;
}

/** Two at a time: the compiler uses several threads by itself. */
const AT_ONCE = 2;

export async function checkTypes(report: (result: ZoneResult) => void): Promise<ZoneResult[]> {
  const waiting = globSync("**/tsconfig.json", {
    cwd: root,
    exclude: ["node_modules", "out", ".git"],
  }).toSorted();
  const results: ZoneResult[] = [];
  const worker = async () => {
    for (let project = waiting.shift(); project !== undefined; project = waiting.shift()) {
      const result = await checkZone(dirname(project));
      results.push(result);
      report(result);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

async function checkZone(zone: string): Promise<ZoneResult> {
  const started = performance.now();
  const parameters = ["-p", join(root, zone), "--listFiles", "--pretty", "false"];
  const { code, output } = await runNode(tools.tsc, parameters, { minutes: 5 });
  const lines = output.split(/\r?\n/).filter((line) => line !== "");
  const isFile = (line: string) => isAbsolute(line) && !/\(\d+,\d+\): /.test(line);
  const files = lines.filter((line) => isFile(line) && !line.includes("node_modules")).length;
  const problems = lines.filter((line) => !isFile(line));
  if (files === 0) problems.push("No file was looked at.");
  return {
    zone: relative(".", zone),
    ok: code === 0 && files > 0,
    files,
    seconds: (performance.now() - started) / 1000,
    problems: problems.join("\n"),
  };
}

export function describeZone({ zone, ok, files, seconds, problems }: ZoneResult): string {
  const line = `${ok ? "ok  " : "FAIL"} ${zone} (${files} files, ${seconds.toFixed(1)} s)`;
  return problems === "" ? line : `${line}\n${problems}`;
}

if (import.meta.main) {
  const results = await checkTypes((result) => console.log(describeZone(result)));
  if (!results.every(({ ok }) => ok)) process.exitCode = 1;
}
