/** What lies on disk under a checkpoint's name and is none, or a broken one: said with the path and what to do. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { describeCheckpoint } from "../../src-main/core/checkpoint/describe.ts";
import type { ErrorCode } from "../../src-main/core/errors.ts";
import { openCheckpoint } from "../../src-main/files/checkpoint-files.ts";
import { type TinyCheckpoint, writeTinyCheckpoint } from "../support/models/tiny.ts";

const folder = mkdtempSync(join(tmpdir(), "facet-checkpoint-files-"));
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
function place(ending = ".safetensors"): string {
  return join(folder, `${count++}${ending}`);
}

function expectRefusal(path: string, code: ErrorCode, ...words: string[]): void {
  let error: unknown;
  try {
    describeCheckpoint(openCheckpoint(path));
  } catch (caught) {
    error = caught;
  }
  expect(error).toMatchObject({ name: "FacetError", code });
  for (const word of [path, ...words]) expect(String(error)).toContain(word);
}

const unetOnly = { family: "sd15", components: ["unet"] } as const;

describe("a file", () => {
  it("that is cut short", () => {
    const path = place();
    writeTinyCheckpoint(path, unetOnly);
    truncateSync(path, 1_000_000);
    expectRefusal(path, "truncated", "copy or download");
  });

  it.each([
    ["a zip of pickles", "PK\u0003\u0004"],
    ["a bare pickle", "\u0080\u0002"],
  ])("of the .ckpt kind: %s", (_, start) => {
    const path = place(".ckpt");
    writeFileSync(path, Buffer.concat([Buffer.from(start, "latin1"), Buffer.alloc(100)]));
    expectRefusal(path, "unsupported", "pickle", "safetensors", "ComfyUI");
  });

  it("that is something else", () => {
    const path = place();
    writeFileSync(path, "<!DOCTYPE html><html>");
    expectRefusal(path, "unsupported", "web page");
  });

  it("that is not there", () => {
    expectRefusal(place(), "not-found");
  });

  const unet = "model.diffusion_model";
  it.each([
    [
      "lacks a tensor",
      { family: "sdxl", leaveOut: [`${unet}.output_blocks.3.0.skip_connection.weight`] },
      "malformed",
      ["output_blocks.3.0.skip_connection.weight", "[64, 192, 1, 1]"],
    ],
    [
      "has a misshapen one",
      { family: "sd15", misshape: { [`${unet}.out.2.weight`]: [4, 31, 3, 3] } },
      "shape-mismatch",
      ["out.2.weight", "[4, 31, 3, 3]", "[4, 32, 3, 3]"],
    ],
    [
      "is a refiner",
      { family: "sdxl", like: "refiner", components: ["unet", "text_encoder_2"] },
      "unsupported",
      ["refiner"],
    ],
    ["inpaints", { family: "sd15", like: "inpaint" }, "unsupported", ["inpainting"]],
    [
      "is Stable Diffusion 2",
      { family: "sd15", like: "sd2", components: ["unet", "text_encoder"] },
      "unsupported",
      ["Stable Diffusion 2"],
    ],
    ["is EDM's", { family: "sdxl", extras: { edm_mean: [4] } }, "unsupported", ["Playground"]],
    ["is in 8 bits", { family: "sdxl", fp8: "F8_E4M3" }, "unsupported", ["8-bit", "F8_E4M3"]],
    ["is in other 8 bits", { family: "sd15", fp8: "F8_E5M2" }, "unsupported", ["F8_E5M2"]],
  ] as [string, TinyCheckpoint, ErrorCode, string[]][])("that %s", (_, checkpoint, code, words) => {
    const path = place();
    writeTinyCheckpoint(path, { components: ["unet"], ...checkpoint });
    expectRefusal(path, code, ...words);
  });

  it("with marks and extras is a model all the same", () => {
    const path = place();
    const extras = { v_pred: [], ztsnr: [], "merge.recipe": [2] };
    writeTinyCheckpoint(path, { ...unetOnly, extras });
    expect(describeCheckpoint(openCheckpoint(path))).toMatchObject({
      extras: ["merge.recipe"],
      config: { prediction: "velocity", zeroTerminalSnr: true },
    });
  });
});

describe("a folder", () => {
  const written = (options: Partial<TinyCheckpoint> = {}) => {
    const path = place("");
    writeTinyCheckpoint(path, { ...unetOnly, layout: "diffusers", ...options });
    return path;
  };

  it("of one component is a UNet alone", () => {
    const path = written();
    expect(describeCheckpoint(openCheckpoint(join(path, "unet")))).toMatchObject({
      kind: "unet-only",
      config: { unet: { heads: [8, 8, 8, 8] } },
    });
  });

  it("without any model", () => {
    const path = place("");
    mkdirSync(path);
    expectRefusal(path, "unsupported", "model_index.json");
  });

  it("whose weights are missing, or pickles", () => {
    const path = written();
    rmSync(join(path, "unet/diffusion_pytorch_model.safetensors"));
    expectRefusal(path, "not-found", "diffusion_pytorch_model.safetensors");
    writeFileSync(join(path, "unet/diffusion_pytorch_model.bin"), "");
    expectRefusal(path, "unsupported", "diffusion_pytorch_model.bin", "safe_serialization");
  });

  it("of which a shard is gone", () => {
    const path = written({ shards: 2 });
    rmSync(join(path, "unet/diffusion_pytorch_model-00002-of-00002.safetensors"));
    expectRefusal(path, "not-found", "00002-of-00002");
  });

  it("whose index leads out of it", () => {
    const path = written({ shards: 2 });
    const index = join(path, "unet/diffusion_pytorch_model.safetensors.index.json");
    writeFileSync(
      index,
      readFileSync(index, "utf8").replaceAll("diffusion_pytorch_model-00001", "../../1"),
    );
    expectRefusal(path, "malformed", "index.json");
    writeFileSync(index, "{}");
    expectRefusal(path, "malformed", "index.json");
  });

  it("whose config.json is broken", () => {
    const path = written();
    writeFileSync(join(path, "unet/config.json"), "{");
    expectRefusal(path, "malformed", "config.json");
  });

  it("of a model that is sampled in another way", () => {
    const path = written({ scheduler: { _class_name: "EDMEulerScheduler" } });
    expectRefusal(path, "unsupported", "EDMEulerScheduler");
  });
});
