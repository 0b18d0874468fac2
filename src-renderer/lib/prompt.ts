/** Prompts with a place for the identity: `{trigger}` becomes its trigger word. */

const PLACE = "{trigger}";

/** What stands for an identity without a trigger word. */
const ANYBODY = "person";

export function fillPrompt(prompt: string, trigger: string | null): string {
  return prompt.replaceAll(PLACE, trigger ?? ANYBODY);
}

/** The prompt in pieces, so that the trigger word can be set apart from the rest. */
export function promptPieces(
  prompt: string,
  trigger: string | null,
): { readonly text: string; readonly trigger: boolean }[] {
  return prompt
    .split(PLACE)
    .flatMap((text, i) => [
      ...(i === 0 ? [] : [{ text: trigger ?? ANYBODY, trigger: true }]),
      ...(text === "" ? [] : [{ text, trigger: false }]),
    ]);
}
