/** SHA-256 of a file, in pieces that leave the event loop free between them. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { FacetError } from "../core/errors.ts";
import { readError } from "./errors.ts";

/** About a millisecond of hashing. */
const pieceBytes = 1 << 20;

/** Lower-case hex. Throws `cancelled` when the signal fires. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  try {
    await using file = await open(path, "r");
    const piece = Buffer.allocUnsafeSlow(pieceBytes);
    for (;;) {
      if (signal?.aborted) {
        throw new FacetError("cancelled", `Hashing of "${path}" was cancelled.`, { path });
      }
      const { bytesRead } = await file.read(piece, 0, pieceBytes, null);
      if (bytesRead === 0) return hash.digest("hex");
      hash.update(bytesRead === pieceBytes ? piece : piece.subarray(0, bytesRead));
    }
  } catch (error) {
    throw readError(path, error);
  }
}
