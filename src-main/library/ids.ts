/** Ids of everything in the library: short enough to type, random enough never to meet. */
import { randomBytes } from "node:crypto";

/** Crockford's base 32 in lower case: no i, l, o, u. */
const letters = "0123456789abcdefghjkmnpqrstvwxyz";

/** 12 letters, 60 bits: two among 100,000 are the same once in 200 million libraries. */
export function newId(): string {
  let id = "";
  for (const byte of randomBytes(12)) id += letters[byte & 31];
  return id;
}
