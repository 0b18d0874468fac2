/** Libraries and folders of tens of thousands, for measurements. */
import { closeSync, ftruncateSync, linkSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { modulesOf } from "../../src-main/core/lora/architecture/index.ts";
import { writerFor } from "../../src-main/core/lora/write.ts";
import { Changes } from "../../src-main/library/changes.ts";
import { openDatabase } from "../../src-main/library/open.ts";
import { Records } from "../../src-main/library/records.ts";
import type { Shelf } from "../../src-main/library/shelf.ts";
import { defineSegmented } from "../../src-main/library/words.ts";
import { inspectionOf } from "./fake-engine.ts";

const given = [
  "anna",
  "bert",
  "clara",
  "dmitri",
  "elena",
  "farid",
  "gustav",
  "hana",
  "ivan",
  "julia",
];
const colours = ["red", "blue", "green"];
const tags = ["woman", "man", "portrait", "photo", "drawn", "studio", "old", "young"];

/** A library file with that many identities, all of them read: names, tags, notes, sketches. */
export async function fillLibrary(folder: string, count: number): Promise<void> {
  using database = await openDatabase(join(folder, "facet.sqlite"));
  defineSegmented(database);
  // Records asks for no more of its shelf than this where rows are put in.
  const shelf = { database, changes: new Changes(database) } as Pick<Shelf, "database" | "changes">;
  const records = new Records(shelf as Shelf);
  const read = database.statement("update loras set state = 'read' where seq = ?");
  for (let from = 0; from < count; from += 500) {
    database.transaction(() => {
      for (let index = from; index < Math.min(count, from + 500); index++) {
        const name = `${given[index % 10]} ${colours[index % 3]} v${index}`;
        const { seq } = records.insertFile({
          name,
          path: `/loras/${name}.safetensors`,
          modifiedAt: 1,
          storage: "referenced",
          rating: index % 6,
          favourite: index % 50 === 0,
          tags: [tags[index % 8] ?? "", tags[(index * 7) % 8] ?? ""],
          notes: index % 4 === 0 ? "made with care for the show" : "",
          inspection: {
            ...inspectionOf({ seed: index, rank: 4 << (index % 4) }, 2e7 + ((index * 37) % 1000)),
            family: index % 3 === 0 ? "sd15" : "sdxl",
            metadata: { ss_output_name: name, ss_training_comment: "x".repeat(300) },
          },
        });
        records.setSketch(seq, sketch(index), 1);
        read.run(seq);
      }
    });
  }
}

/** Random directions around ten common ones, as LoRAs of one trainer have. */
function sketch(index: number): string {
  const values = new Float32Array(256);
  let state = (index * 2_654_435_769 + 1) >>> 0;
  let common = ((index % 10) * 40_503 + 7) >>> 0;
  for (let at = 0; at < 256; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    common = (Math.imul(common, 1_664_525) + 1_013_904_223) >>> 0;
    values[at] = state / 2 ** 31 - 1 + (common / 2 ** 31 - 1);
  }
  return Buffer.from(values.buffer).toString("base64");
}

/**
 * That many SDXL LoRAs in kohya's spelling whose headers have about `headerBytes`: a few distinct files and hard
 * links to them, their matrices a hole in the file.
 */
export function makeFiles(folder: string, count: number, headerBytes: number): string[] {
  mkdirSync(folder, { recursive: true });
  const distinct = Math.min(count, 20);
  return Array.from({ length: count }, (_, index) => {
    const path = join(folder, `${given[index % 10]} v${index}.safetensors`);
    if (index < distinct) writeSparse(path, headerBytes, 4 + index);
    else
      linkSync(
        join(folder, `${given[(index % distinct) % 10]} v${index % distinct}.safetensors`),
        path,
      );
    return path;
  });
}

function writeSparse(path: string, headerBytes: number, rank: number): void {
  const writer = writerFor("kohya", "sdxl");
  const { down, up, alpha } = writer.suffixes;
  const entries: Record<string, unknown> = {
    __metadata__: { ss_base_model_version: "sdxl_base_v1-0", ss_network_dim: String(rank) },
  };
  let offset = 0;
  let length = 100;
  const add = (name: string, shape: number[]) => {
    const bytes = 2 * shape.reduce((product, size) => product * size, 1);
    entries[name] = { dtype: "F16", shape, data_offsets: [offset, offset + bytes] };
    length += JSON.stringify(entries[name]).length + name.length + 4;
    offset += bytes;
  };
  for (const module of modulesOf("sdxl")) {
    if (length >= headerBytes) break;
    const name = writer.write(module, "sdxl");
    const kernel = module.conv ? [...module.kernel] : [];
    if (alpha !== undefined) add(`${name}${alpha}`, []);
    add(`${name}${down}`, [rank, module.in, ...kernel]);
    add(`${name}${up}`, [module.out, rank, ...kernel.map(() => 1)]);
  }
  const header = Buffer.from(JSON.stringify(entries));
  const file = openSync(path, "wx");
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  writeSync(file, size);
  writeSync(file, header);
  ftruncateSync(file, 8 + header.length + offset);
  closeSync(file);
}
