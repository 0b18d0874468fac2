/** Files beside a LoRA that other tools read: `<stem>.png` and `<stem>.json` (formats.md 3.4). */
import { link, open, rename, rm } from "node:fs/promises";
import type { Family } from "../core/lora/lora.ts";
import { placeByReservation } from "../files/atomic-write.ts";
import { systemCode, writeError } from "../files/errors.ts";
import { temporaryPath } from "../files/temporaries.ts";

export const sidecarEndings = [".png", ".json"] as const;

export interface CardFacts {
  readonly family: Family;
  readonly description: string;
  readonly triggerWords: readonly string[];
  readonly preferredWeight: number | null;
  readonly notes: string;
}

/** The user card of A1111 and Forge; InvokeAI reads its `description`, `notes` and `activation text` too. */
function userCard(facts: CardFacts): string {
  const card = {
    description: facts.description,
    "sd version": facts.family === "sdxl" ? "SDXL" : "SD1",
    "activation text": facts.triggerWords.join(", "),
    // A1111 takes 0 for "not set" and then uses its own default.
    "preferred weight": facts.preferredWeight ?? 0,
    "negative text": "",
    notes: facts.notes,
  };
  return `${JSON.stringify(card, null, 2)}\n`;
}

/** Writes one small file whole or not at all. Throws `already-exists` where `overwrite` is false and one is there. */
async function writeSmallFile(
  to: string,
  bytes: Uint8Array | string,
  overwrite: boolean,
): Promise<void> {
  const temporary = temporaryPath(to);
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    if (overwrite) await rename(temporary, to);
    else await place(temporary, to);
  } catch (error) {
    throw writeError(to, error);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** A link fails where the name is taken; exFAT and some network disks have none. */
async function place(temporary: string, to: string): Promise<void> {
  try {
    await link(temporary, to);
  } catch (error) {
    if (systemCode(error) === "EEXIST") throw error;
    placeByReservation(temporary, to);
  }
}

/**
 * Writes the card, and the picture where there is one.
 * @param png bytes of the preview as PNG: InvokeAI reads `<stem>.png` but neither `<stem>.preview.png` nor our WebP.
 */
export async function writeSidecars(
  stem: string,
  facts: CardFacts,
  png: Uint8Array | null,
  overwrite: boolean,
): Promise<void> {
  await writeSmallFile(`${stem}.json`, userCard(facts), overwrite);
  if (png !== null) await writeSmallFile(`${stem}.png`, png, overwrite);
}
