/** Ids of everything in the library: short enough to type, random enough never to meet. */
import { randomFillSync } from "node:crypto";

/** Crockford's base 32 in lower case: no i, l, o, u. */
const letters = "0123456789abcdefghjkmnpqrstvwxyz";

/** Asked of the system for many ids at once: one by one it would be a sixth of what a row costs. */
const pool = Buffer.alloc(12 * 256);
let used = pool.length;

/** 12 letters, 60 bits: two among 100,000 are the same once in 200 million libraries. */
export function newId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  let id = "";
  for (let digit = 0; digit < 12; digit++) id += letters[(pool[used++] as number) & 31];
  return id;
}
