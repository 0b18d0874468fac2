/** `facet inspect FILE`: what one file's header says. Needs no library, and makes none. */
import { resolve } from "node:path";
import type { Command } from "commander";
import type { Surroundings } from "./command.ts";
import { byteText, facts } from "./output.ts";

/** Lines printed of a long list; `--json` has them all. */
const shown = 20;

export function addInspect(program: Command, { output }: Surroundings): void {
  program
    .command("inspect")
    .description("say what a LoRA file holds and how much of it is understood")
    .argument("<file>", "a safetensors, pt, bin or pth file")
    .action(async (path: string) => {
      // Loaded here: no other command reads files itself.
      const { inspectFile } = await import("../files/lora-file.ts");
      const found = inspectFile(resolve(path));
      output.print(found, () => {
        const { rank, unmatched, metadata } = found;
        const entries: [string, string | number][] = [
          ["dialect", found.dialect],
          ["family", found.family],
          ...(found.widths === null ? [] : [["widths", found.widths] as [string, string]]),
          ["modules", found.modules],
          ["rank", rank.min === rank.max ? rank.max : `${rank.min} to ${rank.max}`],
          ["numbers", found.parameters],
          ["stored as", found.dtypes.join(", ")],
          ["components", found.components.join(", ")],
          ["adapters", found.adapters.join(", ")],
          ["size", byteText(found.bytes)],
          ["keys understood", `${found.matched} of ${found.total}`],
        ];
        if (found.embeddings.length > 0) entries.push(["embeddings", found.embeddings.join(", ")]);
        if (found.triggerWords.length > 0)
          entries.push(["trigger words", found.triggerWords.join(", ")]);
        if (found.needsBase.length > 0)
          entries.push(["needs the base model", found.needsBase.map(explained).join(", ")]);
        const lines = [facts(entries)];
        if (unmatched.length > 0) {
          lines.push("", "Not understood", ...unmatched.slice(0, shown).map((key) => `  ${key}`));
          if (unmatched.length > shown) lines.push(`  … and ${unmatched.length - shown} more`);
        }
        const keys = Object.keys(metadata);
        if (keys.length > 0) {
          lines.push(
            "",
            "Metadata",
            ...keys.map((key) => `  ${key}: ${shortened(metadata[key] ?? "")}`),
          );
        }
        return lines.join("\n");
      });
    });
}

function explained(kind: string): string {
  return kind === "dora" ? "dora (pictures can be made with it, blends and spaces cannot)" : kind;
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}
