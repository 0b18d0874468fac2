/** Answers the library part of the contract. */
import type { Library } from "../library/library.ts";
import type { Answer } from "./errors.ts";

export function libraryProcedures(answer: Answer, { library }: { library: Library }) {
  const os = answer.library;
  return os.router({
    list: os.list.handler(({ input }) => library.list(input, input)),
    ids: os.ids.handler(({ input }) => library.ids(input)),
    get: os.get.handler(({ input }) => library.get(input.id)),
    update: os.update.handler(async ({ input }) => ({
      updated: await library.update(input.ids, input.changes),
    })),
    import: os.import.handler(({ input }) => ({ job: library.import(input) })),
    inspect: os.inspect.handler(({ input }) => library.inspect(input.path)),
    remove: os.remove.handler(async ({ input }) => ({ removed: await library.remove(input.ids) })),
    restore: os.restore.handler(async ({ input }) => ({
      restored: await library.restore(input.ids),
    })),
    emptyTrash: os.emptyTrash.handler(async () => ({ erased: await library.emptyTrash() })),
    similar: os.similar.handler(({ input }) => library.similar(input.id, input.limit)),
    duplicates: os.duplicates.handler(({ input, signal }) =>
      library.duplicates(input.threshold, signal),
    ),
    overview: os.overview.handler(() => library.overview()),
    createCollection: os.createCollection.handler(({ input }) =>
      library.createCollection(input.name),
    ),
    renameCollection: os.renameCollection.handler(({ input }) =>
      library.renameCollection(input.id, input.name),
    ),
    removeCollection: os.removeCollection.handler(async ({ input }) => ({
      removed: await library.removeCollection(input.id),
    })),
    addToCollection: os.addToCollection.handler(({ input }) =>
      library.addToCollection(input.id, input.ids),
    ),
    removeFromCollection: os.removeFromCollection.handler(({ input }) =>
      library.removeFromCollection(input.id, input.ids),
    ),
    setPreview: os.setPreview.handler(async ({ input }) => ({
      preview: await library.setPreview(input.id, input.picture),
    })),
    rebuild: os.rebuild.handler(() => ({ job: library.rebuild() })),
    watch: os.watch.handler(({ signal }) => library.watch(signal)),
  });
}
