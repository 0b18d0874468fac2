/** CLIP's table of merges from where Facet keeps it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { clipTokenizer, type Tokenizer } from "../../core/diffusion/text/tokenizer.ts";
import { packageRoot } from "../../package-root.ts";

let tokenizer: Tokenizer | undefined;

/** Read once a process: the table costs a tenth of a second. */
export function shippedTokenizer(): Tokenizer {
  tokenizer ??= clipTokenizer(
    brotliDecompressSync(
      readFileSync(join(packageRoot, "resources", "clip", "merges.txt.br")),
    ).toString("utf8"),
  );
  return tokenizer;
}
