/** `facet preview`: makes one picture with a base model and any LoRAs. */
import { existsSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import {
  Convention,
  type Picture,
  type PictureLora,
  Sampler,
  Schedule,
} from "../../src-preload/contract/previews.ts";
import {
  CommandFailure,
  type StudioClient,
  type Surroundings,
  UsageError,
  withStudio,
} from "./command.ts";
import { findLora, findModel } from "./find.ts";
import { facts } from "./output.ts";
import { decimal, wholeNumber } from "./parse.ts";

interface Options {
  readonly model?: string;
  readonly lora: readonly { word: string; strength: number }[];
  readonly prompt: string;
  readonly negative: string;
  readonly seed: number;
  readonly steps: number;
  readonly sampler: Sampler;
  readonly schedule: Schedule;
  readonly cfg: number;
  readonly rescale: number;
  readonly size?: { width: number; height: number };
  readonly clipSkip?: number;
  readonly convention: Convention;
  readonly out: string;
  readonly overwrite?: boolean;
}

export function addPreview(program: Command, surroundings: Surroundings): void {
  program
    .command("preview")
    .description("make a picture with a base model and any LoRAs")
    .option("--model <model>", "id or name, see facet models; left out: the one used last")
    .option(
      "--lora <lora[:strength]>",
      "id, name or file; may be given several times",
      loraWord,
      [],
    )
    .requiredOption("--prompt <text>", "what to draw")
    .option("--negative <text>", "what not to draw", "")
    .option("--seed <number>", "of the noise", wholeNumber(0, Number.MAX_SAFE_INTEGER), 1)
    .option("--steps <number>", "of the sampler", wholeNumber(1, 150), 20)
    .addOption(new Option("--sampler <name>").choices(Sampler.options).default("euler"))
    .addOption(
      new Option("--schedule <name>", "spacing of the steps")
        .choices(Schedule.options)
        .default("normal"),
    )
    .option("--cfg <number>", "guidance; 1 leaves the negative prompt out", decimal, 6)
    .option("--rescale <number>", "of the guidance, 0 to 1", decimal, 0)
    .option("--size <WxH>", "pixels; left out: the model's own size", pictureSize)
    .option("--clip-skip <number>", "text encoder layers left out", wholeNumber(1, 12))
    .addOption(
      new Option("--convention <name>", "whose picture it is to equal")
        .choices(Convention.options)
        .default("comfy"),
    )
    .requiredOption("--out <file>", "PNG to write")
    .option("--overwrite", "replace the file where there is one")
    .action(async (options: Options, command: Command) => {
      const out = resolve(options.out);
      if (!/\.png$/i.test(out)) throw new UsageError("--out is a PNG: give it the ending .png.");
      if (existsSync(out) && options.overwrite !== true)
        throw new UsageError(`${out} is there already. Give another name, or --overwrite.`);
      await withStudio(command, surroundings, async (client) => {
        const picture = await make(client, options, surroundings);
        await copyFile(picture.path, out);
        const { seconds, steps, provider, notes, before, width, height } = picture;
        const loras = picture.loras.map(({ name, applied, total }) => ({ name, applied, total }));
        const document = {
          path: out,
          seconds,
          steps,
          provider,
          loras,
          width,
          height,
          before,
          notes,
        };
        surroundings.output.print(document, () => words(document));
      });
    });
}

async function make(
  client: StudioClient,
  options: Options,
  { output, interrupt }: Surroundings,
): Promise<Picture> {
  const model =
    options.model === undefined ? undefined : (await findModel(client, options.model)).id;
  const loras = await Promise.all(options.lora.map((one) => named(client, one)));
  const { size, clipSkip, prompt, negative, seed, steps, sampler, schedule, cfg, rescale } =
    options;
  const events = await client.previews.make(
    {
      slot: "command line",
      ...(model === undefined ? {} : { model }),
      loras,
      settings: {
        ...{ prompt, negative, seed, steps, sampler, schedule, cfg, rescale },
        convention: options.convention,
        width: size?.width ?? null,
        height: size?.height ?? null,
        clipSkip: clipSkip ?? null,
      },
    },
    { signal: interrupt },
  );
  for await (const event of events) {
    if (event.kind === "done") {
      output.clear();
      return event.picture;
    }
    if (event.kind === "preparing") output.doing(event.doing);
    if (event.kind === "step") output.doing(`step ${event.step} of ${event.steps}`);
  }
  throw new CommandFailure({ code: "cancelled", message: "The picture was cancelled." });
}

/** A file where there is one of that name; else a LoRA of the library. */
async function named(
  client: StudioClient,
  { word, strength }: Options["lora"][number],
): Promise<PictureLora> {
  const path = resolve(word);
  if (existsSync(path)) return { kind: "file", path, strength };
  return { kind: "library", id: (await findLora(client, word)).id, strength };
}

/** The strength stands behind the last colon, so that Windows' drives and names may have one. */
function loraWord(text: string, before: Options["lora"] = []): Options["lora"] {
  const [, word, strength] = /^(.+):([+-]?\d*\.?\d+)$/.exec(text) ?? [];
  return [
    ...before,
    word === undefined || strength === undefined
      ? { word: text, strength: 1 }
      : { word, strength: decimal(strength) },
  ];
}

function pictureSize(text: string): { width: number; height: number } {
  const [, width, height] = /^(\d{2,4})x(\d{2,4})$/i.exec(text) ?? [];
  if (width === undefined || height === undefined)
    throw new InvalidArgumentError("It must be WIDTHxHEIGHT in pixels, for example 832x1216.");
  return { width: Number(width), height: Number(height) };
}

function words({
  path,
  seconds,
  steps,
  provider,
  loras,
  notes,
}: Pick<Picture, "path" | "seconds" | "steps" | "provider" | "loras" | "notes">): string {
  return [
    facts([
      ["picture", path],
      ["took", `${seconds.toFixed(1)} s, ${steps} steps on ${provider}`],
      ...loras.map(
        ({ name, applied, total }) => ["lora", `${name}: ${applied} of ${total} modules`] as const,
      ),
    ]),
    ...notes.map((note) => `  ${note}`),
  ].join("\n");
}
