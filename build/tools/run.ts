/** Runs other programs, with a limit on their time. */
import { spawn, type StdioOptions } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { root } from "./paths.ts";

export interface Outcome {
  /** 0 for success; null where it was ended by a signal or could not be started. */
  readonly code: number | null;
  /** What it wrote, where it was not shown at once. */
  readonly output: string;
  readonly timedOut: boolean;
}

interface RunOptions {
  readonly minutes: number;
  /** Its output goes straight to the terminal; else it is kept. */
  readonly show?: boolean;
  readonly environment?: NodeJS.ProcessEnv;
}

export function run(
  program: string,
  parameters: readonly string[],
  options: RunOptions,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const stdio: StdioOptions =
      options.show === true ? ["ignore", "inherit", "inherit"] : ["ignore", "pipe", "pipe"];
    const child = spawn(program, parameters, {
      cwd: root,
      stdio,
      env: { ...process.env, ...options.environment },
    });
    let output = "";
    let timedOut = false;
    const take = (chunk: Buffer) => (output += chunk.toString());
    child.stdout?.on("data", take);
    child.stderr?.on("data", take);
    const late = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, options.minutes * 60_000);
    const end = (code: number | null) => {
      clearTimeout(late);
      resolve({ code, output, timedOut });
    };
    child.on("error", (error) => {
      output += error.message;
      end(null);
    });
    child.on("close", end);
  });
}

/** Runs one of the tools with this Node. */
export function runNode(
  script: string,
  parameters: readonly string[],
  options: RunOptions,
): Promise<Outcome> {
  return run(process.execPath, [script, ...parameters], options);
}

/** The full path of a program that the shell would find. */
export function findProgram(name: string): string | undefined {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}
