/** Answers the spaces part of the contract. */
import type { Spaces } from "../spaces/spaces.ts";
import type { Answer } from "./errors.ts";

export function spaceProcedures(answer: Answer, spaces: Spaces) {
  const os = answer.spaces;
  return os.router({
    list: os.list.handler(() => spaces.list()),
    get: os.get.handler(({ input }) => spaces.get(input.id)),
    fit: os.fit.handler(({ input }) => ({ job: spaces.fit(input) })),
    rename: os.rename.handler(({ input }) => spaces.rename(input.id, input.name)),
    describeComponent: os.describeComponent.handler(({ input }) =>
      spaces.describeComponent(input.id, input.index, input),
    ),
    remove: os.remove.handler(({ input }) => ({ removed: spaces.remove(input.id) })),
    restore: os.restore.handler(({ input }) => spaces.restore(input.id)),
  });
}
