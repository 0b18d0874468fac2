/** SHA-256 of large files in parts that main asks for one by one: other work comes between, and a pause costs nothing. */
import { createHash, type Hash } from "node:crypto";
import { open } from "node:fs/promises";
import { FacetError } from "../../core/errors.ts";
import { readError } from "../../files/errors.ts";

/** Hashes that were begun and not ended; main has one under way, the others were cancelled. */
const mostUnderWay = 4;
/** About a millisecond of hashing, between which other calls are answered. */
const pieceBytes = 1 << 20;

interface Part {
  readonly path: string;
  /** Names one hash from its first part to its last. */
  readonly token: string;
  readonly from: number;
  readonly bytes: number;
}

export class PartedHashes {
  readonly #underWay = new Map<string, { hash: Hash; done: number }>();

  /** `sha256` stays null until the file's end was reached. */
  async part({ path, token, from, bytes }: Part, signal?: AbortSignal) {
    const state = from === 0 ? this.#begin(token) : this.#underWay.get(token);
    if (state?.done !== from) {
      throw new FacetError(
        "missing-parent",
        `The hash of "${path}" was not brought to byte ${from} here. Begin it again.`,
        { path },
      );
    }
    try {
      await using file = await open(path, "r");
      const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, bytes));
      const end = from + bytes;
      while (state.done < end) {
        if (signal?.aborted === true) {
          this.#underWay.delete(token);
          throw new FacetError("cancelled", `Hashing of "${path}" was cancelled.`, { path });
        }
        const wanted = Math.min(piece.length, end - state.done);
        const { bytesRead } = await file.read(piece, 0, wanted, state.done);
        if (bytesRead === 0) {
          this.#underWay.delete(token);
          return { done: state.done, sha256: state.hash.digest("hex") };
        }
        state.hash.update(piece.subarray(0, bytesRead));
        state.done += bytesRead;
      }
      return { done: state.done, sha256: null };
    } catch (error) {
      throw readError(path, error);
    }
  }

  #begin(token: string) {
    const state = { hash: createHash("sha256"), done: 0 };
    this.#underWay.set(token, state);
    for (const oldest of this.#underWay.keys()) {
      if (this.#underWay.size <= mostUnderWay) break;
      this.#underWay.delete(oldest);
    }
    return state;
  }
}
