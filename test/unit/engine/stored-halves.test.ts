/** Which graphs keep half weights as they are stored. */
import { expect, it } from "vitest";
import { describeCheckpoint } from "../../../src-main/core/checkpoint/describe.ts";
import { publishedModel } from "../../../src-main/core/diffusion/model-config.ts";
import { vaeConfigs } from "../../../src-main/core/diffusion/vae-config.ts";
import type { DType } from "../../../src-main/core/tensor/dtype.ts";
import { decoderGraph, unetGraph } from "../../../src-main/engine/pictures/networks.ts";
import { keepsHalves } from "../../../src-main/engine/stored-halves.ts";
import { singleFileHeaders } from "../../support/models/headers.ts";

const published = (dtype: DType) =>
  describeCheckpoint(singleFileHeaders(publishedModel("sdxl"), { dtype }));

it("large ones on the CPU do, and no others", () => {
  const halves = published("F16");
  const unet = unetGraph(halves, "F32", "low-rank");
  expect(keepsHalves(unet, "cpu")).toBe(true);
  expect(keepsHalves(unet, "webgpu")).toBe(false);
  expect(keepsHalves(decoderGraph(halves, vaeConfigs.sdxl, "F32"), "cpu")).toBe(false);
  expect(keepsHalves(unetGraph(published("BF16"), "F32", "low-rank"), "cpu")).toBe(true);
  expect(keepsHalves(unetGraph(published("F32"), "F32", "low-rank"), "cpu")).toBe(false);
});
