/**
 * Makes resources/clip/merges.txt.br of OpenAI's table as open_clip_torch carries it:
 * `node build/clip-merges.ts PATH/open_clip/bpe_simple_vocab_16e6.txt.gz`.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gunzipSync } from "node:zlib";
import { root } from "./tools/paths.ts";

/** CLIP's vocabulary of 49,408 less 256 bytes, 256 bytes at a word's end, and the two special tokens. */
const MERGES = 48_894;

const [table] = process.argv.slice(2);
if (table === undefined) throw new Error("Say where bpe_simple_vocab_16e6.txt.gz lies.");
// The first line names the version; what follows the merges that CLIP uses was never learnt with it.
const [, ...lines] = gunzipSync(readFileSync(table)).toString("utf8").split("\n");
const folder = join(root, "resources", "clip");
mkdirSync(folder, { recursive: true });
writeFileSync(
  join(folder, "merges.txt.br"),
  brotliCompressSync(`${lines.slice(0, MERGES).join("\n")}\n`),
);
