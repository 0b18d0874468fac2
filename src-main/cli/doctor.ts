/** `facet doctor`: versions, execution providers, devices, the library, folders to export to. */
import type { Command } from "commander";
import { type Surroundings, withStudio } from "./command.ts";
import { byteText, facts } from "./output.ts";

export function addDoctor(program: Command, surroundings: Surroundings): void {
  program
    .command("doctor")
    .description("say what this machine offers and where things lie")
    .action(async (_options: unknown, command: Command) => {
      await withStudio(command, surroundings, async (client) => {
        const found = await client.system.doctor();
        surroundings.output.print(found, () => {
          const lines = [
            facts([
              ["facet", found.facet],
              ["node", found.node],
              ["onnxruntime", found.onnxruntime],
              ["sqlite", found.sqlite],
              ["platform", found.platform],
              ["cores", found.cores],
              ["memory", byteText(found.memoryBytes)],
              [
                "engine",
                found.engine.running
                  ? `running, ${byteText(found.engine.memoryBytes)}`
                  : "not running",
              ],
              [
                "library",
                `${found.library.path} (${found.library.loras} LoRAs, ${found.library.spaces} spaces)`,
              ],
            ]),
            "",
            "Execution providers",
            ...found.providers.map(
              ({ name, available, reason }) =>
                `  ${name}: ${available ? "available" : "not available"}${reason === undefined ? "" : ` (${reason})`}`,
            ),
            "",
            "LoRA folders",
          ];
          if (found.comfy.length === 0) lines.push("  none found; export to any folder with --to");
          for (const { path, source, tool, exists, writable } of found.comfy) {
            const state = exists ? (writable ? "" : ", read-only") : ", not there";
            lines.push(
              `  ${path} (${[tool, source].filter((word) => word !== "").join(", ")}${state})`,
            );
          }
          for (const problem of found.problems ?? []) lines.push(`  not understood: ${problem}`);
          return lines.join("\n");
        });
      });
    });
}
