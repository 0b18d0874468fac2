/** Base models on a machine of the test's own: found, described once, refused by name, given what they lack, hashed. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  link,
  mkdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { compose } from "../../src-main/compose.ts";
import { type Model, ModelHash } from "../../src-preload/contract/models.ts";
import { type Disk, thisDisk } from "../../src-main/models/disk.ts";
import { temporaryFolder } from "../support/library.ts";
import { writeStored } from "../support/models/stored.ts";
import { testModels } from "../support/models/studio.ts";
import { type TinyCheckpoint, writeTinyCheckpoint } from "../support/models/tiny.ts";

interface Home {
  readonly folder: string;
  readonly comfy: string;
  write(path: string, checkpoint: TinyCheckpoint): Promise<string>;
}

async function home(): Promise<Home> {
  const folder = await temporaryFolder();
  const comfy = join(folder, "home", "ComfyUI", "models");
  await mkdir(join(comfy, "checkpoints"), { recursive: true });
  return {
    folder,
    comfy,
    async write(path, checkpoint) {
      const file = join(folder, "home", path);
      await mkdir(dirname(file), { recursive: true });
      writeTinyCheckpoint(file, { dtype: "F16", ...checkpoint });
      return file;
    },
  };
}

const sd15: TinyCheckpoint = { family: "sd15" };
const named = (models: readonly Model[], name: string): Model => {
  const model = models.find((each) => each.name === name);
  if (model === undefined)
    throw new Error(`no ${name} among ${models.map((m) => m.name).join(", ")}`);
  return model;
};

describe("models of this machine", () => {
  it("are found in every folder that tools keep them in, with what they are", async () => {
    const { folder, comfy, write } = await home();
    const other = join(folder, "other disk");
    await writeFile(
      join(comfy, "..", "extra_model_paths.yaml"),
      `mine:\n  base_path: ${other}\n  checkpoints: big\n  unet: nets\n`,
    );
    await write("ComfyUI/models/checkpoints/sdxl/base.safetensors", {
      family: "sdxl",
      metadata: { "modelspec.license": "openrail++" },
      extras: { "something.else": [3] },
    });
    await write("ComfyUI/models/checkpoints/velocity.sft", {
      ...sd15,
      extras: { v_pred: [], ztsnr: [] },
    });
    await write("../other disk/big/elsewhere.safetensors", sd15);
    await write("../other disk/nets/unet.safetensors", { ...sd15, components: ["unet"] });
    await write("ComfyUI/models/vae/kl.safetensors", { ...sd15, components: ["vae"] });
    await write("stable-diffusion-webui/models/Stable-diffusion/webui.safetensors", sd15);
    await write("stable-diffusion-webui/models/VAE/webui-vae.safetensors", {
      ...sd15,
      components: ["vae"],
    });
    const folderModel = await write("ComfyUI/models/diffusers/portraits", {
      ...sd15,
      layout: "diffusers",
      shards: 2,
    });
    await writeFile(
      join(folderModel, "README.md"),
      "---\nlicense: other\nlicense_name: my-licence\n---\n# Portraits\n",
    );
    await write("ComfyUI/models/diffusers/half-1.5", {
      ...sd15,
      layout: "diffusers",
      variant: "fp16",
    });
    await writeFile(
      join(comfy, "diffusers", "half-1.5", "LICENSE.md"),
      "# CreativeML Open RAIL-M\n\nSection I\n",
    );

    const { models } = await testModels(folder);
    const list = await models.list();
    expect(list.problems).toEqual([]);
    expect(list.looking).toBe(false);
    expect(
      list.models.map(({ name, kind, source, problem }) => [name, kind, source, problem]),
    ).toEqual([
      ["base", "single-file", "usual place", null],
      ["elsewhere", "single-file", "extra_model_paths.yaml", null],
      ["half-1.5", "diffusers", "usual place", null],
      ["portraits", "diffusers", "usual place", null],
      ["unet", "unet-only", "extra_model_paths.yaml", null],
      ["velocity", "single-file", "usual place", null],
      ["webui", "single-file", "usual place", null],
    ]);
    expect(named(list.models, "base")).toMatchObject({
      family: "sdxl",
      widths: "32 / 64 / 128",
      prediction: "epsilon",
      zeroTerminalSnr: false,
      dtypes: ["F16", "F32"],
      extras: ["something.else"],
      extrasTotal: 1,
      needs: [],
      licence: "openrail++",
      sha256: null,
      factor: 8,
      missing: false,
    });
    expect(named(list.models, "velocity")).toMatchObject({
      prediction: "velocity",
      zeroTerminalSnr: true,
    });
    expect(named(list.models, "unet")).toMatchObject({ needs: ["vae", "text encoders"] });
    expect(named(list.models, "portraits").licence).toBe("my-licence");
    expect(named(list.models, "half-1.5").licence).toBe("CreativeML Open RAIL-M");
    expect(list.vaes.map(({ name }) => name)).toEqual(["kl", "webui-vae"]);
    expect(list.folders).toContainEqual({
      path: join(other, "big"),
      source: "extra_model_paths.yaml",
      exists: true,
    });
  });

  it("are refused by name, with what to do, and other things are passed over", async () => {
    const { folder, comfy, write } = await home();
    const at = (name: string) => `ComfyUI/models/checkpoints/${name}.safetensors`;
    await write(at("refiner"), { family: "sdxl", like: "refiner" });
    await write(at("inpaint"), { ...sd15, like: "inpaint" });
    await write(at("edm"), { family: "sdxl", extras: { edm_mean: [], edm_std: [] } });
    await write(at("sd2"), { ...sd15, like: "sd2" });
    await write(at("fp8"), { ...sd15, fp8: "F8_E4M3" });
    await write(at("missing"), {
      ...sd15,
      leaveOut: ["model.diffusion_model.time_embed.2.weight"],
    });
    await write(at("misshapen"), {
      ...sd15,
      misshape: { "model.diffusion_model.time_embed.2.weight": [3, 3] },
    });
    await truncate(await write(at("truncated"), sd15), 1_000_000);
    const checkpoints = join(comfy, "checkpoints");
    const zeros = { dtype: "F32", shape: [2], bytes: new Uint8Array(8) } as const;
    const flux = { "double_blocks.0.img_attn.qkv.weight": zeros };
    writeStored(join(checkpoints, "flux.safetensors"), new Map(Object.entries(flux)));
    await writeFile(join(checkpoints, "old.ckpt"), "PK\u0003\u0004");
    // Beside a better file of its name it is not worth a word.
    await writeFile(join(checkpoints, "truncated.ckpt"), "PK\u0003\u0004");

    const other = (name: string, tensor: string) =>
      writeStored(join(checkpoints, `${name}.safetensors`), new Map([[tensor, zeros]]));
    other("lora", "lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight");
    other("embedding", "emb_params");
    other("comfy lora", "diffusion_model.input_blocks.1.1.proj_in.lora_A.weight");
    other("controlnet", "control_model.input_blocks.0.0.weight");
    other("upscaler", "body.0.rdb1.conv1.weight");
    other("encoder", "text_model.encoder.layers.0.self_attn.q_proj.weight");
    const latents = "first_stage_model.post_quant_conv";
    await write(at("vae of sixteen channels"), {
      ...sd15,
      components: ["vae"],
      misshape: {
        [`${latents}.weight`]: [16, 16, 1, 1],
        [`${latents}.bias`]: [16],
        "first_stage_model.decoder.conv_in.weight": [64, 16, 3, 3],
      },
    });
    await write(at("vae in the wrong folder"), { ...sd15, components: ["vae"] });
    await mkdir(join(comfy, "vae"));
    await writeFile(join(comfy, "vae", "broken.safetensors"), "no header at all");

    const { models } = await testModels(folder);
    const list = await models.list();
    const problems = Object.fromEntries(list.models.map(({ name, problem }) => [name, problem]));
    expect(problems).toEqual({
      edm: expect.stringMatching(/Playground/),
      flux: expect.stringMatching(/Flux/),
      fp8: expect.stringMatching(/F8_E4M3|8-bit/),
      inpaint: expect.stringMatching(/inpaint/i),
      misshapen: expect.stringMatching(/time_embed\.2\.weight.*\[3, 3\].*expected/),
      missing: expect.stringMatching(
        /lacks the tensor "model\.diffusion_model\.time_embed\.2\.weight"/,
      ),
      old: expect.stringMatching(/\.ckpt.*Save Checkpoint/),
      refiner: expect.stringMatching(/refiner/),
      sd2: expect.stringMatching(/Stable Diffusion 2/),
      truncated: expect.stringMatching(/truncated\.safetensors"/),
    });
    expect(list.models.every(({ family }) => family === null)).toBe(true);
    expect(list.vaes.map(({ name }) => name)).toEqual(["vae in the wrong folder"]);
    expect(list.problems).toEqual([expect.stringContaining("broken.safetensors")]);
    // Which is said again wherever one of them is asked for.
    await expect(models.placeOf(named(list.models, "refiner").id)).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringMatching(/refiner/),
    });
    await expect(models.hash(named(list.models, "refiner").id)).rejects.toMatchObject({
      code: "unsupported",
    });
    await expect(models.add(join(checkpoints, "lora.safetensors"))).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringMatching(/is a LoRA/),
    });
    await expect(models.placeOf(undefined)).rejects.toMatchObject({ code: "not-found" });
  });

  it("are read once: not at the next start, again when they change", async () => {
    const { folder, write } = await home();
    const first = await write("ComfyUI/models/checkpoints/a.safetensors", sd15);
    await write("ComfyUI/models/checkpoints/b.safetensors", { ...sd15, like: "inpaint" });
    const pipeline = await write("ComfyUI/models/diffusers/c", { ...sd15, layout: "diffusers" });
    const before = await testModels(folder);
    const { models: known } = await before.models.list();
    expect(before.engine.described).toHaveLength(3);
    await before.models.refresh();
    expect(before.engine.described).toHaveLength(3);
    await before.close();

    const next = await testModels(folder);
    expect((await next.models.list()).models).toEqual(known);
    expect((await next.models.placeOf(named(known, "a").id)).place.path).toBe(first);
    expect(next.engine.described).toEqual([]);

    await utimes(first, 1, 1);
    expect((await next.models.placeOf(named(known, "a").id)).id).toBe(named(known, "a").id);
    expect(next.engine.described).toEqual([first]);
    await utimes(join(pipeline, "unet", "config.json"), 1, 1);
    await next.models.refresh();
    expect(next.engine.described).toEqual([first, pipeline]);
  });

  it("that are gone are shown as they were, until their disk is back or they are forgotten", async () => {
    const { folder, comfy, write } = await home();
    const path = await write("ComfyUI/models/checkpoints/a.safetensors", sd15);
    const test = await testModels(folder);
    const known = named((await test.models.list()).models, "a");
    await rename(comfy, `${comfy} away`);
    await test.models.refresh();
    const gone = named((await test.models.list()).models, "a");
    expect(gone).toEqual({
      ...known,
      missing: true,
      problem: expect.stringContaining("is not there. Connect its disk"),
    });
    await expect(test.models.placeOf(known.id)).rejects.toMatchObject({ code: "not-found", path });
    await test.close();
    const next = await testModels(folder);
    expect((await next.models.list()).models).toEqual([gone]);
    await rename(`${comfy} away`, comfy);
    await next.models.refresh();
    expect((await next.models.list()).models).toEqual([known]);
    await expect(next.models.forget(path)).rejects.toMatchObject({
      code: "invalid-argument",
      path,
    });
    await rm(path);
    await next.models.forget(path);
    expect((await next.models.list()).models).toEqual([]);
  });

  it("that the user names are remembered, and forgotten again", async () => {
    const { folder, write } = await home();
    const path = await write("../picked/mine.safetensors", sd15);
    const { models } = await testModels(folder);
    expect(await models.add(path)).toMatchObject([
      { name: "mine", source: "chosen", missing: false },
    ]);
    expect(await models.add(dirname(path))).toHaveLength(1);
    expect((await models.list()).models).toHaveLength(1);
    await models.forget(path);
    expect((await models.list()).models).toHaveLength(1);
    await models.forget(dirname(path));
    expect((await models.list()).models).toEqual([]);
    await expect(models.forget(path)).rejects.toMatchObject({ code: "not-found" });
    await expect(models.add(join(folder, "nowhere"))).rejects.toMatchObject({ code: "not-found" });
    await mkdir(join(folder, "empty"));
    await expect(models.add(join(folder, "empty"))).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringMatching(/holds no base models/),
    });
    expect((await models.list()).folders.map(({ source }) => source)).toEqual(["usual place"]);
  });
});

describe("a model", () => {
  it("that is only a UNet makes pictures once it was given the rest", async () => {
    const { folder, write } = await home();
    const unet = await write("ComfyUI/models/unet/net.safetensors", {
      ...sd15,
      components: ["unet"],
    });
    const vae = await write("ComfyUI/models/vae/kl.safetensors", { ...sd15, components: ["vae"] });
    const whole = await write("ComfyUI/models/checkpoints/whole.safetensors", sd15);
    const xl = await write("ComfyUI/models/checkpoints/xl.safetensors", { family: "sdxl" });
    const { models } = await testModels(folder);
    const list = (await models.list()).models;
    const id = (name: string) => named(list, name).id;
    await expect(models.placeOf(id("net"))).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(/no vae and no text encoders/),
    });
    await expect(models.change(id("net"), { vae: xl })).rejects.toMatchObject({ field: "vae" });
    await expect(models.change(id("net"), { textFrom: id("xl") })).rejects.toMatchObject({
      field: "textFrom",
    });
    await expect(models.change(id("net"), { textFrom: id("net") })).rejects.toMatchObject({
      field: "textFrom",
    });
    // A whole model lends its VAE as well.
    expect(await models.change(id("net"), { textFrom: id("whole") })).toMatchObject({ needs: [] });
    expect((await models.placeOf(id("net"))).place).toMatchObject({
      path: unet,
      vae: null,
      textFrom: whole,
    });
    expect(await models.change(id("net"), { vae })).toMatchObject({ vae, textFrom: id("whole") });
    expect((await models.placeOf(id("net"))).place).toMatchObject({
      path: unet,
      vae,
      textFrom: whole,
    });
    expect(await models.change(id("net"), { textFrom: null })).toMatchObject({
      needs: ["text encoders"],
    });
    await models.change(id("whole"), { vae });
    await rm(vae);
    await expect(models.placeOf(id("whole"))).rejects.toMatchObject({
      code: "not-found",
      path: vae,
    });
  });

  it("is the one used last, else the only one; its licence is what the user says", async () => {
    const { folder, write } = await home();
    await write("ComfyUI/models/checkpoints/a.safetensors", sd15);
    const { models } = await testModels(folder);
    const { id } = await models.placeOf(undefined);
    expect(await models.change(id, { licence: " for friends " })).toMatchObject({
      licence: "for friends",
    });
    expect(await models.change(id, { licence: "" })).toMatchObject({ licence: null });
    await write("ComfyUI/models/checkpoints/b.safetensors", sd15);
    await models.refresh();
    await expect(models.placeOf(undefined)).rejects.toThrow(/2 models; say which/);
    models.used(id);
    expect((await models.placeOf(undefined)).id).toBe(id);
    await expect(models.placeOf("nobody")).rejects.toMatchObject({
      code: "not-found",
      field: "id",
    });
  });

  it("is hashed in a job: a file as it is, a folder by the list of its files", async () => {
    const { folder, write } = await home();
    const file = await write("ComfyUI/models/checkpoints/a.safetensors", sd15);
    const pipeline = await write("ComfyUI/models/diffusers/c", { ...sd15, layout: "diffusers" });
    const { models, jobs } = await testModels(folder, { times: { hash: 5 } });
    const found = (await models.list()).models;
    const [a, c] = [named(found, "a"), named(found, "c")];
    const sha256 = createHash("sha256")
      .update(await readFile(file))
      .digest("hex");
    const job = await models.hash(a.id);
    expect(await models.hash(a.id)).toBe(job);
    expect(await jobs.ended(job)).toMatchObject({
      kind: "hash-model",
      state: "done",
      unit: "bytes",
      result: { id: a.id, sha256 },
    });
    // As `sha256sum text_encoder/… unet/… vae/… | sha256sum` says it.
    const list = createHash("sha256");
    for (const name of [
      "text_encoder/model",
      "unet/diffusion_pytorch_model",
      "vae/diffusion_pytorch_model",
    ]) {
      const bytes = await readFile(join(pipeline, `${name}.safetensors`));
      list.update(`${createHash("sha256").update(bytes).digest("hex")}  ${name}.safetensors\n`);
    }
    models.used(c.id);
    await expect
      .poll(async () => named((await models.list()).models, "c").sha256)
      .toBe(list.digest("hex"));
    expect(named((await models.list()).models, "a").sha256).toBe(sha256);
    await utimes(file, 1, 1);
    await models.refresh();
    expect(named((await models.list()).models, "a").sha256).toBeNull();
  });
});

it("are listed by the engine that reads them, and hashed, through the contract", async () => {
  const { folder, write } = await home();
  await write("ComfyUI/models/checkpoints/a.safetensors", sd15);
  await write("ComfyUI/models/checkpoints/b.safetensors", { ...sd15, like: "inpaint" });
  vi.stubEnv("HOME", join(folder, "home"));
  onTestFinished(() => void vi.unstubAllEnvs());
  const studio = await compose({ library: join(folder, "library") });
  onTestFinished(() => studio.close());
  const { client } = studio;
  expect(await client.models.refresh({})).toEqual({ models: 2 });
  const { models } = await client.models.list({});
  expect(models.map(({ name, family }) => [name, family])).toEqual([
    ["a", "sd15"],
    ["b", null],
  ]);
  const { job } = await client.models.hash({ id: named(models, "a").id });
  for await (const each of await client.jobs.watch({})) {
    if (each.id === job && each.finishedAt !== null) break;
  }
  const sha256 = createHash("sha256")
    .update(await readFile(named(models, "a").path))
    .digest("hex");
  expect(ModelHash.parse((await client.jobs.get({ id: job })).result).sha256).toBe(sha256);
  expect(named((await client.models.list({})).models, "a").sha256).toBe(sha256);
  await expect(client.models.hash({ id: "nobody" })).rejects.toMatchObject({ code: "not-found" });
  await expect(client.models.add({ path: join(folder, "nowhere") })).rejects.toMatchObject({
    code: "not-found",
    data: { path: join(folder, "nowhere") },
  });
});

describe("a hostile disk", () => {
  it("does not answer: models are shown as they were, and a list is not waited for", async () => {
    const { folder, comfy, write } = await home();
    await write("ComfyUI/models/checkpoints/a.safetensors", sd15);
    const here = await write("ComfyUI/models/diffusers/b", { ...sd15, layout: "diffusers" });
    const before = await testModels(folder);
    const known = (await before.models.list()).models;
    await before.close();
    const answer = Promise.withResolvers<never>();
    const dead = join(comfy, "checkpoints");
    const disk: Disk = {
      ...thisDisk,
      status: (path) => (path === dead ? answer.promise : thisDisk.status(path)),
    };
    const times = { list: 1, folder: 2000, asked: 2000 };
    const { models, engine } = await testModels(folder, { disk, times });
    const first = await models.list();
    expect(first.looking).toBe(true);
    expect(first.models).toEqual(known);
    await models.refresh();
    const list = await models.list();
    expect(list).toMatchObject({ looking: false, models: known });
    expect(list.problems).toEqual([
      expect.stringMatching(/checkpoints" (took longer|still does not answer)/),
    ]);
    expect(engine.described).toEqual([]);
    expect((await models.placeOf(named(known, "b").id)).place.path).toBe(here);
    answer.reject(new Error("gone for good"));
  });

  it("has loops, pipes, empty files, huge headers, links to nowhere and names with line breaks", async () => {
    const { folder, comfy, write } = await home();
    const checkpoints = join(comfy, "checkpoints");
    const good = await write("ComfyUI/models/checkpoints/line\nbreak.safetensors", sd15);
    await symlink(checkpoints, join(checkpoints, "loop"));
    await symlink(good, join(checkpoints, "same.safetensors"));
    await symlink(join(folder, "nowhere"), join(checkpoints, "dead.safetensors"));
    await symlink("self.safetensors", join(checkpoints, "self.safetensors"));
    await symlink(join(folder, "nowhere"), join(checkpoints, "notes.txt"));
    execFileSync("mkfifo", [join(checkpoints, "pipe.safetensors")]);
    await symlink("pipe.safetensors", join(checkpoints, "to-pipe.safetensors"));
    await writeFile(join(checkpoints, "empty.safetensors"), "");
    const huge = Buffer.alloc(9);
    huge.writeBigUInt64LE(100_000_001n);
    huge.write("{", 8);
    await writeFile(join(checkpoints, "huge.safetensors"), huge);
    await truncate(join(checkpoints, "huge.safetensors"), 200_000_000);
    await mkdir(join(comfy, "diffusers", "hollow"), { recursive: true });
    await writeFile(join(comfy, "diffusers", "hollow", "model_index.json"), "[");
    await mkdir(join(checkpoints, "folder.safetensors"));

    const { models } = await testModels(folder);
    const list = await models.list();
    expect(list.models.map(({ name, problem }) => [name, problem])).toEqual([
      ["line\nbreak", null],
      ["empty", expect.stringMatching(/empty\.safetensors/)],
      ["hollow", expect.stringMatching(/hollow/)],
      ["huge", expect.stringMatching(/100000001|100.000.001/)],
    ]);
    expect(list.problems).toEqual([
      expect.stringContaining("dead.safetensors"),
      expect.stringMatching(/self\.safetensors.*circle/),
    ]);
    expect((await models.placeOf(list.models[0]?.id)).place.path).toBe(good);
  });

  it("has ten thousand files of which one is a model", async () => {
    const { folder, comfy, write } = await home();
    const good = await write("ComfyUI/models/checkpoints/z.safetensors", sd15);
    const many = join(comfy, "checkpoints", "many");
    await mkdir(many);
    const lora = join(many, "0.safetensors");
    const zeros = { dtype: "F32", shape: [2], bytes: new Uint8Array(8) } as const;
    writeStored(lora, new Map([["lora_unet_conv_in.lora_down.weight", zeros]]));
    for (let n = 1; n < 10_000; n++) await link(lora, join(many, `${n}.safetensors`));
    const first = await testModels(folder, { times: { asked: 300_000 } });
    expect(await first.models.refresh()).toBe(1);
    expect(first.engine.described).toHaveLength(10_001);
    await first.close();
    const next = await testModels(folder, { times: { list: 300_000, folder: 300_000 } });
    expect((await next.models.list()).models).toMatchObject([{ path: good }]);
    expect(next.engine.described).toEqual([]);
  });
});
