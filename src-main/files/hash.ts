/** SHA-256 of a file, in pieces that leave the event loop free between them. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { FacetError } from "../core/errors.ts";
import { readError } from "./errors.ts";

/** About a millisecond of hashing. */
const pieceBytes = 1 << 20;

export interface FileHashes {
  /** Of the whole file, lower-case hex. */
  readonly sha256: string;
  /** Of a safetensors file's tensors, everything behind the header; null for other files. */
  readonly dataSha256: string | null;
}

/** Throws `cancelled` when the signal fires. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<FileHashes> {
  const hash = createHash("sha256");
  const data = createHash("sha256");
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    let position = 0;
    let dataStart = Infinity;
    const piece = Buffer.allocUnsafeSlow(pieceBytes);
    for (;;) {
      if (signal?.aborted) {
        throw new FacetError("cancelled", `Hashing of "${path}" was cancelled.`, { path });
      }
      const { bytesRead } = await file.read(piece, 0, pieceBytes, null);
      if (bytesRead === 0) {
        const known = dataStart <= size;
        return { sha256: hash.digest("hex"), dataSha256: known ? data.digest("hex") : null };
      }
      const bytes = piece.subarray(0, bytesRead);
      // safetensors begins with the length of its header.
      if (position === 0 && bytesRead >= 8 && path.endsWith(".safetensors"))
        dataStart = 8 + Number(bytes.readBigUInt64LE());
      hash.update(bytes);
      if (position + bytesRead > dataStart)
        data.update(bytes.subarray(Math.max(0, dataStart - position)));
      position += bytesRead;
    }
  } catch (error) {
    throw readError(path, error);
  }
}
