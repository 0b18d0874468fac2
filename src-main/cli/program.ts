/** The command line: which commands there are, how failures become exit codes and JSON. */
import { ORPCError } from "@orpc/client";
import { Command, CommanderError } from "commander";
import { z } from "zod";
import type { Failure } from "../../src-preload/contract/common.ts";
import { failureOf } from "../jobs/failure.ts";
import { version } from "../package-root.ts";
import { addBlend } from "./blend.ts";
import { CommandFailure, type OpenStudio, UsageError } from "./command.ts";
import { addDoctor } from "./doctor.ts";
import { addExport } from "./export.ts";
import { addImport } from "./import.ts";
import { addInspect } from "./inspect.ts";
import { addList } from "./list.ts";
import { addModels } from "./models.ts";
import { addMove } from "./move.ts";
import { Output, type Terminal } from "./output.ts";
import { addPreview } from "./preview.ts";
import { addProject } from "./project.ts";
import { addRemove } from "./remove.ts";
import { addResize } from "./resize.ts";
import { addSample } from "./sample.ts";
import { addServe } from "./serve.ts";
import { addSpace } from "./space.ts";

const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

const commands = [
  addImport,
  addList,
  addInspect,
  addSpace,
  addModels,
  addMove,
  addBlend,
  addSample,
  addProject,
  addResize,
  addPreview,
  addExport,
  addRemove,
  addServe,
  addDoctor,
];

export interface Invocation {
  /** Without the interpreter and the script. */
  readonly words: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly terminal: Terminal;
  readonly interrupt: AbortSignal;
  readonly openStudio: (library: string) => Promise<OpenStudio>;
}

/** Runs one command; resolves to the process's exit code and never throws. */
export async function runCommand({
  words,
  env,
  terminal,
  interrupt,
  openStudio,
}: Invocation): Promise<number> {
  // Asked of the words themselves: a usage error comes before options are parsed.
  const end = words.indexOf("--");
  const json = (end < 0 ? words : words.slice(0, end)).includes("--json");
  const output = new Output(json, terminal);
  let complaint = "";
  const program = new Command("facet")
    .description("A studio for identity LoRAs: latent sliders, blends and export.")
    .version(version)
    .option("--json", "print one JSON document on stdout, progress on stderr")
    .option("--library <folder>", "the library to use (or FACET_LIBRARY)")
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => {
        complaint += text;
      },
    });
  for (const add of commands) add(program, { env, output, interrupt, openStudio });
  try {
    await program.parseAsync([...words], { from: "user" });
    return exitCodes.done;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done;
    if (error instanceof CommanderError || error instanceof UsageError) {
      const message = (error instanceof UsageError ? error.message : complaint || error.message)
        .trim()
        .replace(/^error: /, "");
      output.fail({ code: "usage", message });
      return exitCodes.usage;
    }
    if (error instanceof CommandFailure) output.fail(error.failure, error.rest);
    else output.fail(carried(error));
    return interrupt.aborted ? exitCodes.interrupted : exitCodes.failed;
  }
}

const Place = z.object({ path: z.string().optional() }).catch({});

/** The studio's errors come as its contract carries them: code and words, and the place as data. */
function carried(error: unknown): Failure {
  if (!(error instanceof ORPCError)) return failureOf(error);
  const { path } = Place.parse(error.data);
  return { code: error.code, message: error.message, ...(path === undefined ? {} : { path }) };
}
