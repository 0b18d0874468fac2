/** References of tokens: what test/fixtures/text/make_tokens.py stored. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { z } from "zod";

const tokens = z.array(z.int());
const runs = z.array(z.array(z.tuple([z.number(), z.int()])));

const References = z.object({
  magic: z.literal("facet-reference"),
  version: z.literal(1),
  texts: z.array(z.string()),
  first: z.array(tokens),
  second: z.record(z.string(), tokens),
  comfy: z.record(
    z.string(),
    z.union([z.object({ runs, tokens: z.array(tokens) }), z.object({ runs, hash: z.string() })]),
  ),
  added: z.array(z.string()),
  trained: z.array(z.object({ text: z.string(), first: tokens })),
  sweep: z.object({ ranges: z.array(z.tuple([z.int(), z.int()])), hashes: z.array(z.string()) }),
});

const path = join(import.meta.dirname, "../../fixtures/text/tokens.json.gz");

export function tokenReferences() {
  return References.parse(JSON.parse(gunzipSync(readFileSync(path)).toString("utf8")));
}

/** Sixteen letters that stand for a text. */
export function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
