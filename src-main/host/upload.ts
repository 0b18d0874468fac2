/** Files that a browser drops: streamed into the library's staging folder under names that are safe anywhere. */
import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { link, mkdir, rename, rm, stat, unlink } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { extname, join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FacetError } from "../core/errors.ts";

/** Far above any LoRA, below what fills a disk by accident. */
export const LARGEST_UPLOAD = 16 * 2 ** 30;

/** Most file systems allow 255 bytes for one name; the rest is for what is put before or behind it. */
const LONGEST_NAME = 200;
const DEEPEST_FOLDER = 16;

const BATCH = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Names that Windows keeps for devices, with any ending. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** One path segment that every file system takes; undefined where nothing is left of it. */
function safeSegment(segment: string): string | undefined {
  const cleaned = segment
    .normalize("NFC")
    // eslint-disable-next-line no-control-regex -- control characters are what must go
    .replaceAll(/[\u0000-\u001f\u007f<>:"|?*]/g, "_")
    .replace(/[. ]+$/, "")
    .trim();
  if (cleaned === "") return undefined;
  return shorten(DEVICE.test(cleaned) ? `_${cleaned}` : cleaned);
}

/** Cuts whole characters from the stem, so that the ending stays. */
function shorten(name: string): string {
  const ending = extname(name).slice(0, 32);
  const stem = Array.from(name.slice(0, name.length - ending.length));
  while (Buffer.byteLength(stem.join("")) + Buffer.byteLength(ending) > LONGEST_NAME) stem.pop();
  return stem.join("") + ending;
}

/** A relative path inside one batch, e.g. `folder/adapter_model.safetensors`. */
function safeName(name: string): string {
  const given = name.split(/[/\\]/).filter((part) => part !== "" && part !== ".");
  if (given.includes("..") || given.length === 0 || given.length > DEEPEST_FOLDER) {
    throw new FacetError("invalid-argument", `"${name}" is no name for an uploaded file.`, {
      field: "name",
    });
  }
  return given.map((part) => safeSegment(part) ?? "_").join("/");
}

export interface UploadRequest {
  readonly name: string;
  /** Files of one drop share a folder, so that a file finds its neighbours (adapter_config.json). */
  readonly batch: string | undefined;
  readonly staging: string;
  readonly limit: number;
}

/** Streams the body into `<staging>/<batch>/<name>`; the file appears there whole or not at all. */
export async function receiveUpload(
  request: IncomingMessage,
  upload: UploadRequest,
): Promise<{ path: string; bytes: number }> {
  if (upload.batch !== undefined && !BATCH.test(upload.batch)) {
    throw new FacetError("invalid-argument", "A batch is a UUID in lower case.", {
      field: "batch",
    });
  }
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > upload.limit) throw tooLarge(upload, announced);
  const name = safeName(upload.name);
  const folder = join(upload.staging, upload.batch ?? randomUUID());
  const path = join(folder, ...name.split("/"));
  const temporary = join(folder, `.${randomUUID()}.part`);
  try {
    await mkdir(join(path, ".."), { recursive: true });
    const bytes = await stream(request, temporary, upload);
    await publish(temporary, path, name);
    return { path, bytes };
  } finally {
    await rm(temporary, { force: true });
  }
}

async function stream(request: IncomingMessage, to: string, upload: UploadRequest) {
  let bytes = 0;
  const counter = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.length;
      done(bytes > upload.limit ? tooLarge(upload, bytes) : null, chunk);
    },
  });
  try {
    await pipeline(request, counter, createWriteStream(to, { flags: "wx", mode: 0o600 }));
  } catch (error) {
    if (codeOf(error) !== "ENOSPC") throw error;
    throw new FacetError(
      "disk-full",
      `The disk was full after ${bytes} bytes of "${upload.name}". Free some space and drop it again.`,
      { path: upload.name, cause: error },
    );
  }
  return bytes;
}

/** Gives the file its name without ever replacing another. */
async function publish(temporary: string, path: string, name: string): Promise<void> {
  try {
    await link(temporary, path);
    await unlink(temporary);
  } catch (error) {
    const code = codeOf(error);
    if (code === "EEXIST") throw alreadyThere(name);
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "ENOSYS") throw error;
    // File systems without hard links (exFAT, some network shares): the check and the move are two steps.
    if ((await stat(path).catch(() => undefined)) !== undefined) throw alreadyThere(name);
    await rename(temporary, path);
  }
}

function alreadyThere(name: string): FacetError {
  return new FacetError("already-exists", `"${name}" was uploaded in this batch before.`, {
    path: name,
  });
}

function tooLarge(upload: UploadRequest, bytes: number): FacetError {
  return new FacetError(
    "too-large",
    `"${upload.name}" has more than ${upload.limit} bytes (at least ${bytes}), the most that is taken.`,
    { path: upload.name },
  );
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
