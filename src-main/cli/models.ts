/** `facet models`: which base models were found, what they are, and what they still need. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { type Model, ModelHash } from "../../src-preload/contract/models.ts";
import { jobResult, type StudioClient, type Surroundings, withStudio } from "./command.ts";
import { allModels, chooseModel } from "./find.ts";
import { byteText, table } from "./output.ts";
import { type Assignment, assignments } from "./parse.ts";

interface Options {
  readonly refresh?: boolean;
  readonly add?: readonly string[];
  readonly forget?: readonly string[];
  readonly vae?: readonly Assignment[];
  readonly textFrom?: readonly Assignment[];
  readonly licence?: readonly Assignment[];
  readonly hash?: string;
}

type List = Awaited<ReturnType<StudioClient["models"]["list"]>>;

export function addModels(program: Command, surroundings: Surroundings): void {
  const more = (value: string, before: readonly string[] = []) => [...before, value];
  program
    .command("models")
    .description("list the base models on this machine, and say what they use")
    .option("--refresh", "look at all folders again")
    .option("--add <path>", "a checkpoint, a diffusers folder, or a folder of such", more)
    .option("--forget <path>", "forget what was added, or a model that is gone", more)
    .option(
      "--vae <model=file>",
      "use this VAE with a model; MODEL= for its own again",
      assignments,
    )
    .option("--text-from <model=model>", "use another model's text encoders", assignments)
    .option("--licence <model=words>", "what may be done with a model", assignments)
    .option("--hash <model>", "compute a model's SHA-256")
    .action(async (options: Options, command: Command) => {
      await withStudio(command, surroundings, async (client) => {
        for (const path of options.forget ?? [])
          await client.models.forget({ path: resolve(path) });
        for (const path of options.add ?? []) await client.models.add({ path: resolve(path) });
        if (options.refresh === true) await client.models.refresh();
        await change(client, options, surroundings);
        const list = await allModels(client, surroundings.interrupt);
        const hashed = options.hash === undefined ? [] : hashWords(list, options.hash);
        surroundings.output.print(list, () => [...words(list), ...hashed].map(oneLine).join("\n"));
      });
    });
}

async function change(
  client: StudioClient,
  { vae = [], textFrom = [], licence = [], hash }: Options,
  surroundings: Surroundings,
): Promise<void> {
  if (vae.length + textFrom.length + licence.length === 0 && hash === undefined) return;
  const { models } = await allModels(client, surroundings.interrupt);
  const idOf = (word: string) => chooseModel(models, word).id;
  for (const [word, file] of vae) {
    await client.models.change({ id: idOf(word), vae: file === null ? null : resolve(file) });
  }
  for (const [word, other] of textFrom) {
    await client.models.change({ id: idOf(word), textFrom: other === null ? null : idOf(other) });
  }
  for (const [word, text] of licence) {
    await client.models.change({ id: idOf(word), licence: text });
  }
  if (hash === undefined) return;
  const { job } = await client.models.hash({ id: idOf(hash) });
  await jobResult(client, job, ModelHash, surroundings);
}

function words({ models, vaes, folders, problems }: List): string[] {
  const lines: string[] = [];
  if (models.length === 0) {
    lines.push("No base models were found. Add one with: facet models --add FILE");
  } else {
    const head = [
      "id",
      "name",
      "family",
      "widths",
      "prediction",
      "type",
      "size",
      "licence",
      "state",
    ];
    const rows = models.map((model) => [
      model.id,
      oneLine(model.name),
      model.family ?? "",
      model.widths,
      model.family === null ? "" : predictionText(model),
      [model.kind, ...model.dtypes.slice(0, 1)].join(" "),
      byteText(model.bytes),
      oneLine(model.licence ?? ""),
      stateText(model),
    ]);
    lines.push(...table(head, rows).split("\n"));
  }
  const troubled = models.filter(({ problem }) => problem !== null);
  if (troubled.length > 0) lines.push("", "Not usable");
  for (const { problem } of troubled) lines.push(`  ${problem ?? ""}`);
  if (vaes.length > 0) lines.push("", "VAEs", ...vaes.map(({ path }) => `  ${path}`));
  lines.push("", "Folders");
  if (folders.length === 0) lines.push("  none found");
  for (const { path, source, exists } of folders) {
    lines.push(`  ${path} (${source}${exists ? "" : ", not there"})`);
  }
  if (problems.length > 0) lines.push("", "Problems", ...problems.map((text) => `  ${text}`));
  return lines;
}

function hashWords({ models }: List, word: string): string[] {
  const { path, sha256 } = chooseModel(models, word);
  return ["", `SHA-256 of ${path}`, `  ${sha256 ?? ""}`];
}

function predictionText({ prediction, zeroTerminalSnr }: Model): string {
  return zeroTerminalSnr ? `${prediction}, zero SNR` : prediction;
}

function stateText({ missing, problem, needs, vae, textFrom, extrasTotal }: Model): string {
  if (missing) return "missing";
  if (problem !== null) return "not usable";
  if (needs.length > 0) return `needs ${needs.join(" and ")}`;
  const given = [
    ...(vae === null ? [] : ["with a VAE given"]),
    ...(textFrom === null ? [] : ["with another's text encoders"]),
    ...(extrasTotal === 0 ? [] : [`${extrasTotal} tensors unused`]),
  ];
  return ["ready", ...given].join(", ");
}

/** File names may hold line breaks and worse; a terminal obeys them. */
function oneLine(text: string): string {
  return text.replaceAll(
    /\p{Cc}/gu,
    (sign) => `\\u${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}
