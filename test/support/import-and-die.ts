/** A process that imports and reads until it is killed: `node import-and-die.ts ROOT`. */
import { join } from "node:path";
import { openLibrary } from "../../src-main/library/library.ts";
import { fakeEngine } from "./fake-engine.ts";

const [, , root = ""] = process.argv;
const { library, jobs } = await openLibrary({
  folder: join(root, "library"),
  engine: fakeEngine(),
});
for (const job of jobs.list())
  if (job.state === "interrupted" && job.kind === "import") jobs.dismiss(job.id);
const id = library.import({ paths: [join(root, "files")], storage: "copy" });
process.stdout.write("working\n");
await jobs.ended(id);
await library.settled();
process.stdout.write("done\n");
// Goes on writing until the end comes: edits, deletes, undo.
for (let round = 0; ; round++) {
  const ids = library.ids({});
  await library.update(ids.slice(0, 40), { rating: round % 6, addTags: [`t${round % 7}`] });
  await library.remove(ids.slice(0, 5));
  await library.restore(ids.slice(0, 5));
  await library.settled();
}
