/** Writes SDXL as it was published, in size, names and types, with random weights: 2,515 tensors, 6.94 GB. */
import { closeSync, openSync, writeSync } from "node:fs";
import { publishedModel } from "../../../src-main/core/diffusion/model-config.ts";
import { encodeFloat16 } from "../../../src-main/core/tensor/halves.ts";
import { elementCount } from "../../../src-main/core/tensor/dtype.ts";
import { formulaValues } from "./formula.ts";
import { modelParameters } from "./tiny-configs.ts";

/** Values between the same ones again; no multiple of a row of any tensor. */
const period = 16_777_213;
/** About what trained weights spread over, so that results stay finite. */
const size = 0.02;

/** Bytes of the file. */
export function writeFullSdxl(path: string): number {
  const shapes = new Map<string, readonly number[]>();
  const models = modelParameters(publishedModel("sdxl"));
  for (const parameters of models.values())
    for (const { file, shape, fileShape = shape } of parameters) shapes.set(file, fileShape);
  // The two that are there and not read.
  shapes.set("conditioner.embedders.0.transformer.text_model.embeddings.position_ids", [1, 77]);
  shapes.set("conditioner.embedders.1.model.logit_scale", []);

  const values = formulaValues("", 0, [1, period]).map((value) => value * Math.sqrt(period) * size);
  const bits = new Uint16Array(2 * period);
  encodeFloat16(values, bits.subarray(0, period));
  bits.copyWithin(period, 0, period);

  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const [name, shape] of shapes) {
    const end = offset + 2 * elementCount(shape);
    header[name] = { dtype: "F16", shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const start = Buffer.alloc(8 + json.length + ((8 - (json.length % 8)) % 8), " ");
  start.writeBigUInt64LE(BigInt(start.length - 8));
  json.copy(start, 8);

  const descriptor = openSync(path, "w");
  try {
    writeSync(descriptor, start);
    for (let at = 0; at < offset;) {
      const from = at % (2 * period);
      const chunk = Math.min(2 * period, offset - at);
      at += writeSync(descriptor, new Uint8Array(bits.buffer, from, chunk));
    }
  } finally {
    closeSync(descriptor);
  }
  return start.length + offset;
}
