/** Answers the identities part of the contract. */
import type { Identities } from "../identities/identities.ts";
import type { Library } from "../library/library.ts";
import type { Answer } from "./errors.ts";

export function identityProcedures(answer: Answer, identities: Identities, library: Library) {
  const os = answer.identities;
  return os.router({
    locate: os.locate.handler(({ input }) => identities.locate(input.space, input.id)),
    measure: os.measure.handler(({ input }) => identities.measure(input)),
    keep: os.keep.handler(({ input }) =>
      identities.keep(input.draft, input.name, input.tags ?? []),
    ),
    reopen: os.reopen.handler(({ input }) => identities.reopen(input.path)),
    verify: os.verify.handler(({ input }) => identities.verify(input.id)),
    recipe: os.recipe.handler(({ input }) => library.get(input.id).recipe),
  });
}
