/** Brings a LoRA into a factor form at the common rank, so that vectors can be compared number by number. */
import { refuseMagnitudes } from "../lora/convert/dora.ts";
import { alignTo, balance } from "../lora/forms/aligned.ts";
import { standardise } from "../lora/forms/standard.ts";
import type { Lora } from "../lora/lora.ts";
import type { Form } from "./space.ts";

/**
 * The delta form needs no reference; its members are balanced only so that they have a common rank.
 *
 * @returns The LoRA in its form and the share of its energy that the rank kept.
 */
export function toForm(
  form: Form,
  lora: Lora,
  rank: number,
  reference: Lora | null,
): { lora: Lora; kept: number } {
  refuseMagnitudes(lora, "take part in a space");
  switch (form) {
    case "standard":
      return standardise(lora, rank, reference ?? undefined);
    case "aligned": {
      const balanced = balance(lora, rank);
      return reference === null
        ? balanced
        : { lora: alignTo(reference, balanced.lora), kept: balanced.kept };
    }
    case "delta":
      return balance(lora, rank);
  }
}

/** The same members again, once a better reference is known: what is balanced already is only turned. */
export function towards(form: Form, formed: Lora, reference: Lora): Lora {
  return form === "aligned"
    ? alignTo(reference, formed)
    : toForm(form, formed, rankOf(formed), reference).lora;
}

function rankOf(lora: Lora): number {
  return Math.max(...lora.modules.map((module) => module.rank));
}
