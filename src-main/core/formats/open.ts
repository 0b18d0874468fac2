/** Opens a model file by what it contains, whatever it is called. */
import { FacetError } from "../errors.ts";
import { readSafetensors } from "./safetensors/read.ts";
import type { ByteSource, TensorFile } from "./source.ts";
import { readTorch } from "./torch/read.ts";

/** Things that are often found under a model's name, by how they begin. */
const impostors: readonly (readonly [start: string, what: string])[] = [
  ["GGUF", "a GGUF file, which Facet does not read. Save it as safetensors."],
  [
    "version https://git-lfs",
    "only a pointer of Git LFS, not the model. Fetch it with git lfs pull.",
  ],
  ["<!DOCTYPE", "a web page, not a model: the download went to a login or error page."],
  ["<!doctype", "a web page, not a model: the download went to a login or error page."],
  ["<html", "a web page, not a model: the download went to a login or error page."],
  ["\u0089PNG", "a PNG picture, not a model."],
  ["\u00ff\u00d8\u00ff", "a JPEG picture, not a model."],
  ["Rar!", "a RAR archive. Unpack it first."],
  ["7z\u00bc\u00af", "a 7-Zip archive. Unpack it first."],
  ["\u001f\u008b", "a gzip archive. Unpack it first."],
];

const longestStart = 32;

/** Throws `truncated`, `malformed`, `unsupported`, `too-large` or `unsafe-pickle`, always with the file's name. */
export function openTensorFile(source: ByteSource): TensorFile {
  const start = source.read(0, Math.min(source.size, longestStart));
  // First of all: a header of 128 bytes modulo 256 begins with 0x80, as a pickle does. `{` follows no other start.
  if (start[8] === 0x7b) return readSafetensors(source);
  const text = String.fromCharCode(...start);
  if (text.startsWith("PK\u0003\u0004") || start[0] === 0x80) return readTorch(source);
  const impostor = impostors.find(([beginning]) => text.startsWith(beginning));
  if (impostor) {
    throw new FacetError("unsupported", `"${source.name}" is ${impostor[1]}`, {
      path: source.name,
    });
  }
  return readSafetensors(source);
}
