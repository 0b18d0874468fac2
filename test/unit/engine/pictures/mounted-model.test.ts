/** Which provider runs a model, in which type, and what becomes of those that fail. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { describeCheckpoint } from "../../../../src-main/core/checkpoint/describe.ts";
import { FacetError } from "../../../../src-main/core/errors.ts";
import { MountedModel } from "../../../../src-main/engine/pictures/mounted-model.ts";
import { providerStates } from "../../../../src-main/engine/providers.ts";
import { openCheckpoint } from "../../../../src-main/files/checkpoint-files.ts";
import { writeTinyCheckpoint } from "../../../support/models/tiny.ts";

const folder = mkdtempSync(join(tmpdir(), "facet-mounted-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A Linux machine with a device for WebGPU, whose sessions never open. */
function model(asked: string[], error: Error): MountedModel {
  const path = join(folder, "tiny.safetensors");
  writeTinyCheckpoint(path, { family: "sd15" });
  const states = providerStates({
    platform: "linux",
    arch: "x64",
    bundled: ["webgpu", "cpu"],
    folder: "/runtime",
    exists: (file) => file.endsWith("libvulkan.so.1"),
  });
  const lease = (_: unknown, { provider }: { readonly provider?: string | undefined }) => {
    asked.push(provider ?? "any");
    return Promise.reject(error);
  };
  return new MountedModel(describeCheckpoint(openCheckpoint(path)), { states, lease }, "", 0);
}

it("goes from halves to F32 on a device, then to the processor, and says why", async () => {
  const asked: string[] = [];
  const refusal = new FacetError("unsupported", "No session could be opened.", {
    cause: new Error("Status Message: shader.cc:4 Make Program Cast requires f16."),
  });
  const one = model(asked, refusal);
  expect([one.provider, one.compute]).toEqual(["webgpu", "F16"]);
  await expect(one.unet("low-rank", new Map())).rejects.toBe(refusal);
  expect(asked).toEqual(["webgpu", "webgpu", "cpu"]);
  expect([one.provider, one.compute]).toEqual(["cpu", "F32"]);
  expect(one.passedOver).toEqual([
    "Not on webgpu in F16: Program Cast requires f16.",
    "Not on webgpu in F32: Program Cast requires f16.",
  ]);
  expect(one.giveUp(new Error("again"))).toBeNull();
});

it("does not blame a provider for want of memory", async () => {
  const asked: string[] = [];
  const one = model(asked, new FacetError("out-of-memory", "It needs more."));
  await expect(one.unet("low-rank", new Map())).rejects.toMatchObject({ code: "out-of-memory" });
  expect(asked).toEqual(["webgpu"]);
  expect(one.compute).toBe("F16");
});
