/** A process that exports everything in a library, over and over, until it is killed: node export-and-die.ts ROOT. */
import { join } from "node:path";
import { openLibrary } from "../../src-main/library/library.ts";
import { exportsOver } from "./exporting.ts";
import { fakeEngine } from "./fake-engine.ts";

const root = process.argv[2] ?? "";
const { library, jobs } = await openLibrary({
  folder: join(root, "library"),
  engine: fakeEngine(),
});
const exports = exportsOver(library, jobs);
const ids = library.ids({});
process.stdout.write("ready\n");
for (;;) {
  const job = await exports.start(ids, join(root, "out"), {
    dialect: "kohya",
    dtype: "f32",
    sidecars: true,
  });
  await jobs.ended(job);
}
