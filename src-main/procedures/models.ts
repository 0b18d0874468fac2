/** Answers the models part of the contract. */
import type { Models } from "../models/models.ts";
import type { Mounts } from "../models/mounts.ts";
import type { Answer } from "./errors.ts";

export function modelProcedures(answer: Answer, models: Models, mounts: Mounts) {
  const os = answer.models;
  const ok = true as const;
  return os.router({
    list: os.list.handler(() => models.list()),
    refresh: os.refresh.handler(async () => ({ models: await models.refresh() })),
    add: os.add.handler(({ input }) => models.add(input.path)),
    forget: os.forget.handler(async ({ input }) => {
      await models.forget(input.path);
      return { ok };
    }),
    change: os.change.handler(({ input: { id, ...choices } }) => models.change(id, choices)),
    hash: os.hash.handler(async ({ input }) => ({ job: await models.hash(input.id) })),
    mount: os.mount.handler(async ({ input }) => {
      const mounted = await mounts.mount(input.id);
      models.used(input.id);
      return mounted;
    }),
    unmount: os.unmount.handler(async ({ input }) => {
      await mounts.unmount(input.id);
      return { ok };
    }),
    mounted: os.mounted.handler(() => mounts.mounted()),
  });
}
