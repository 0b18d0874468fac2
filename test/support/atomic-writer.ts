/** A process that writes files until it is killed (`forever FOLDER`), or one file as whoever runs it (`once PATH`). */
import { join } from "node:path";
import { FacetError } from "../../src-main/core/errors.ts";
import { writeAtomically } from "../../src-main/files/atomic-write.ts";

export const pieceBytes = 64 * 1024;
export const pieces = 48;

/** All bytes of a file are the same number, so that a mix of two files or a part of one is seen. */
function* content(generation: number): Generator<Uint8Array> {
  for (let i = 0; i < pieces; i++) yield new Uint8Array(pieceBytes).fill(generation % 251);
}

const [mode, target] = process.argv.slice(2);
if (target !== undefined && mode === "once") {
  try {
    writeAtomically(target, content(1), { overwrite: false });
    process.stdout.write(JSON.stringify({ code: "written" }));
  } catch (error) {
    const { code, message } =
      error instanceof FacetError ? error : { code: "other", message: String(error) };
    process.stdout.write(JSON.stringify({ code, message }));
  }
} else if (target !== undefined && mode === "forever") {
  for (let generation = 0; ; generation++) {
    writeAtomically(join(target, "replaced.bin"), content(generation), { overwrite: true });
    writeAtomically(join(target, `new-${generation}.bin`), content(generation), {
      overwrite: false,
    });
    if (generation === 0) process.stdout.write("ready\n");
  }
}
