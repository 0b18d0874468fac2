/** `facet doctor`: versions, execution providers, devices, engines, the library, folders to export to; and a training on request. */
import { type Command, Option } from "commander";
import { type Doctor, ProviderName } from "../../src-preload/contract/system.ts";
import { TrainResult } from "../../src-preload/contract/training.ts";
import { jobResult, type StudioClient, type Surroundings, withStudio } from "./command.ts";
import { byteText, facts } from "./output.ts";

interface DoctorOptions {
  readonly train?: boolean;
  readonly provider?: ProviderName;
  readonly fallback?: boolean;
}

/** Enough for the loss to fall to a tenth; a second or two on any machine. */
const selfTestSteps = 500;

export function addDoctor(program: Command, surroundings: Surroundings): void {
  program
    .command("doctor")
    .description("say what this machine offers and where things lie")
    .option("--train", "train a small network for a moment, and say how it went")
    .addOption(
      new Option("--provider <name>", "where to train; left out: the first that works").choices(
        ProviderName.options,
      ),
    )
    .option("--fallback", "let another provider take over where that one fails")
    .action(async (options: DoctorOptions, command: Command) => {
      await withStudio(command, surroundings, async (client) => {
        const training = options.train === true ? await train(client, options, surroundings) : null;
        const found = await client.system.doctor();
        const document = training === null ? found : { ...found, training };
        surroundings.output.print(document, () =>
          [...doctorLines(found), ...(training === null ? [] : trainingLines(training))].join("\n"),
        );
      });
    });
}

async function train(
  client: StudioClient,
  { provider, fallback }: DoctorOptions,
  surroundings: Surroundings,
): Promise<TrainResult> {
  const { job } = await client.training.start({
    trainable: { kind: "self-test" },
    steps: selfTestSteps,
    fallback: fallback === true,
    ...(provider === undefined ? {} : { provider }),
  });
  return jobResult(client, job, TrainResult, surroundings);
}

function doctorLines(found: Doctor): string[] {
  const { engine, library } = found;
  return [
    facts([
      ["facet", found.facet],
      ["node", found.node],
      ["onnxruntime", found.onnxruntime],
      ["sqlite", found.sqlite],
      ["platform", found.platform],
      ["cores", found.cores],
      ["memory", byteText(found.memoryBytes)],
      ["engine", engine.running ? `running, ${byteText(engine.memoryBytes)}` : "not running"],
      ["library", `${library.path} (${library.loras} LoRAs, ${library.spaces} spaces)`],
    ]),
    "",
    "Execution providers, the preferred first",
    ...found.providers.flatMap(({ name, available, reason, precision }) => [
      `  ${name}: ${available ? "available" : "not available"}${reason === undefined ? "" : ` (${reason})`}`,
      ...(available
        ? [
            `    infers in ${precision.inference}, trains in ${precision.training}: ${precision.reason}`,
          ]
        : []),
    ]),
    "",
    "Devices",
    ...found.devices.map(
      ({ name, provider, memoryBytes }) =>
        `  ${name} (${provider}${memoryBytes === null ? "" : `, ${byteText(memoryBytes)}`})`,
    ),
    "",
    "Engines",
    ...found.engines.map((one) => `  ${one.role}: ${engineText(one)}`),
    "",
    "LoRA folders",
    ...folderLines(found),
  ];
}

function engineText({ running, memoryBytes, sessions }: Doctor["engines"][number]): string {
  if (!running || sessions === null) return "not running; started when needed";
  return (
    `running, ${byteText(memoryBytes)}; ${sessions.sessions} sessions held, ${sessions.opened} opened so far, ` +
    `${byteText(sessions.bytes)} of at most ${byteText(sessions.budgetBytes)}`
  );
}

function folderLines({ comfy, problems = [] }: Doctor): string[] {
  const lines = comfy.map(({ path, source, tool, exists, writable }) => {
    const state = exists ? (writable ? "" : ", read-only") : ", not there";
    return `  ${path} (${[tool, source].filter((word) => word !== "").join(", ")}${state})`;
  });
  if (lines.length === 0) lines.push("  none found; export to any folder with --to");
  return [...lines, ...problems.map((problem) => `  not understood: ${problem}`)];
}

function trainingLines(result: TrainResult): string[] {
  const [first] = result.curve;
  return [
    "",
    "Training",
    ...result.passedOver.map(({ provider, reason }) => `  not on ${provider}: ${reason}`),
    `  on ${result.provider}: ${result.steps} steps, loss ${first?.loss.toPrecision(3) ?? "?"} -> ${result.loss?.toPrecision(3) ?? "?"}`,
  ];
}
