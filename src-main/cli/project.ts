/** `facet project FILE|ID`: the nearest identity that a latent space can express, and what it cannot. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { ImportResult } from "../../src-preload/contract/library.ts";
import {
  CommandFailure,
  jobResult,
  type StudioClient,
  type Surroundings,
  withStudio,
} from "./command.ts";
import { findLora, findSpace, type Named } from "./find.ts";
import { madeWords, make } from "./made.ts";

interface Options {
  readonly space?: string;
  readonly name?: string;
}

export function addProject(program: Command, surroundings: Surroundings): void {
  program
    .command("project")
    .description("bring a foreign LoRA into a latent space; a file is imported first")
    .argument("<file or lora>", "a file, or the id or name of a LoRA in the library")
    .option("--space <space>", "id or name; left out: the newest")
    .option("--name <name>", "of the new identity")
    .action(async (word: string, options: Options, command: Command) => {
      await withStudio(command, surroundings, async (client) => {
        const space = await findSpace(client, options.space);
        const from = existsSync(word)
          ? await imported(client, resolve(word), surroundings)
          : await findLora(client, word);
        const draft = { kind: "project", space: space.id, id: from.id } as const;
        const made = await make(client, draft, options.name ?? `${from.name} projected`);
        surroundings.output.print({ ...made, space: space.id, from: from.id }, () =>
          madeWords(made),
        );
      });
    });
}

async function imported(
  client: StudioClient,
  path: string,
  surroundings: Surroundings,
): Promise<Named> {
  const { job } = await client.library.import({ paths: [path] });
  const result = await jobResult(client, job, ImportResult, surroundings);
  const [lora] = result.imported;
  if (lora !== undefined) return lora;
  const [skipped] = result.skipped;
  if (skipped?.id !== undefined) return findLora(client, skipped.id);
  throw new CommandFailure({
    code: skipped?.code ?? "not-a-lora",
    message: skipped?.reason ?? `${path} holds no LoRA.`,
    path,
  });
}
