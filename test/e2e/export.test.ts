/** Out of the studio: a folder that was found or chosen, names from a template, files that say what was kept. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bytesSource } from "../../src-main/core/formats/source.ts";
import { readSafetensors } from "../../src-main/core/formats/safetensors/read.ts";
import { fillDemoLibrary } from "../support/demo-library.ts";
import { type Independent, readIndependently } from "../support/independent-reader.ts";
import { relativeDifference } from "../support/small-loras.ts";
import {
  openStudioPage,
  startStudioHost,
  type StudioHost,
  type StudioPage,
} from "../support/studio-host.ts";
import { card, endedJob, goTo } from "./page.ts";

let host: StudioHost;
let studio: StudioPage;
/** Named by the `extra_model_paths.yaml` of the ComfyUI in this machine's home. */
let found: string;
let chosen: string;

beforeAll(async () => {
  host = await startStudioHost(
    async (places) => {
      const comfy = join(places.folder, "home", "ComfyUI");
      const models = join(places.folder, "models elsewhere");
      mkdirSync(join(models, "loras"), { recursive: true });
      mkdirSync(comfy, { recursive: true });
      writeFileSync(
        join(comfy, "extra_model_paths.yaml"),
        `comfyui:\n  base_path: "${models}"\n  loras: loras/\n`,
      );
      await fillDemoLibrary(places, 6);
    },
    ({ folder }) => ({ HOME: join(folder, "home"), USERPROFILE: join(folder, "home") }),
  );
  found = join(host.folder, "models elsewhere", "loras");
  chosen = join(host.folder, "chosen");
  mkdirSync(chosen);
  studio = await openStudioPage(host.url);
});

afterAll(async () => {
  await studio?.[Symbol.asyncDispose]();
  await host?.[Symbol.asyncDispose]();
});

function read(path: string, dialect: "kohya-diffusers" | "peft"): Independent["deltas"] {
  return readIndependently(readSafetensors(bytesSource(path, readFileSync(path))), "sd15", dialect)
    .deltas;
}

/** The largest relative difference of any module. */
function apart(left: Independent["deltas"], right: Independent["deltas"]): number {
  expect([...left.keys()]).toEqual([...right.keys()]);
  return Math.max(
    ...[...left].map(([name, delta]) =>
      relativeDifference(delta, right.get(name) ?? new Float64Array()),
    ),
  );
}

async function choose(label: string, option: string): Promise<void> {
  const { page } = studio;
  await page
    .getByRole("combobox", { name: label })
    .or(page.getByLabel(label, { exact: true }))
    .first()
    .click();
  await page.getByRole("option", { name: option }).click();
}

async function takeFolder(path: string): Promise<void> {
  const { page } = studio;
  await page.getByRole("button", { name: "Choose a folder…" }).click();
  const dialog = page.getByRole("dialog", { name: "Choose a folder to write to" });
  await dialog.getByRole("textbox", { name: "Path of the folder" }).fill(path);
  await page.keyboard.press("Enter");
  await expect
    .poll(() => dialog.getByRole("button", { name: "One folder up" }).isEnabled())
    .toBe(true);
  await dialog.getByText("No folders inside.").waitFor();
  await dialog.getByRole("button", { name: "Write here" }).click();
  await page.getByRole("radio", { name: path }).waitFor();
  await expect.poll(() => page.getByRole("radio", { name: path }).isChecked()).toBe(true);
}

it("finds the folder of the ComfyUI on this machine and proposes it", async () => {
  const { page } = studio;
  await goTo(page, "Export");
  await page.getByRole("heading", { name: "Nothing to export yet" }).waitFor();
  const target = page.getByRole("radio", { name: found });
  await target.waitFor();
  expect(await target.isChecked()).toBe(true);
  expect(await target.innerText()).toContain("ComfyUI, extra_model_paths.yaml");
  expect(await page.getByRole("button", { name: "Export", exact: true }).last().isDisabled()).toBe(
    true,
  );
});

it("writes several in float32 for diffusers under names from a template", async () => {
  const { page } = studio;
  await goTo(page, "Library");
  await card(page, "Ada").click();
  await card(page, "Bela").click({ modifiers: ["ControlOrMeta"] });
  await card(page, "Ada and Bela").click({ modifiers: ["ControlOrMeta"] });
  await page.getByRole("button", { name: "Export 3" }).click();
  await page.getByText("3 identities queued").waitFor();
  await takeFolder(chosen);
  await choose("Written as", "PEFT");
  await page.getByRole("radiogroup", { name: "Numbers" }).getByText("f32").click();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("{family} {name}");
  await page.getByRole("button", { name: "Add {dtype} to the name" }).click();
  await page.getByText("First file: sd15 Ada-f32").waitFor();
  const since = Date.now();
  await page.getByRole("button", { name: "Export 3 LoRAs" }).click();
  await page.getByText("3 files written").first().waitFor();
  expect((await endedJob(host, "export", since)).state).toBe("done");
  const names = [
    "sd15 Ada and Bela-f32.safetensors",
    "sd15 Ada-f32.safetensors",
    "sd15 Bela-f32.safetensors",
  ];
  expect(readdirSync(chosen).toSorted()).toEqual(names);
  expect(
    await page
      .getByRole("listitem")
      .filter({ hasText: join(chosen, names[0] ?? "") })
      .count(),
  ).toBe(1);

  const original = read(join(host.folder, "people", "Ada.safetensors"), "kohya-diffusers");
  expect(apart(original, read(join(chosen, "sd15 Ada-f32.safetensors"), "peft"))).toBeLessThan(
    1e-6,
  );
});

it("writes the same products in float16 for ComfyUI, and keeps what is there by adding a number", async () => {
  const { page } = studio;
  await choose("Written as", "kohya, diffusers paths");
  await page.getByRole("radiogroup", { name: "Numbers" }).getByText("f16", { exact: true }).click();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("{name}");
  const plain = ["Ada", "Ada and Bela", "Bela"];
  for (const names of [plain, plain.flatMap((name) => [name, `${name} (2)`])]) {
    const since = Date.now();
    await page.getByRole("button", { name: "Export 3 LoRAs" }).click();
    await endedJob(host, "export", since);
    await page.getByText("3 files written").first().waitFor();
    const short = readdirSync(chosen).filter((name) => !name.startsWith("sd15"));
    expect(short.toSorted()).toEqual(names.map((name) => `${name}.safetensors`).toSorted());
  }
  // Half of the last of eleven bits, in each of two factors.
  expect(
    apart(
      read(join(chosen, "sd15 Ada and Bela-f32.safetensors"), "peft"),
      read(join(chosen, "Ada and Bela.safetensors"), "kohya-diffusers"),
    ),
  ).toBeLessThan(1e-3);
});

it("refuses to touch files that are there, or overwrites them, as it was told", async () => {
  const { page } = studio;
  writeFileSync(join(chosen, "Ada.safetensors"), "mine");
  await choose("When a file of that name is there", "Leave it, and say so");
  let since = Date.now();
  await page.getByRole("button", { name: "Export 3 LoRAs" }).click();
  await endedJob(host, "export", since);
  await page.getByText("0 files written, 3 failed").first().waitFor();
  const row = page.getByRole("listitem").filter({ hasText: "Ada.safetensors" });
  await row.getByText(/already|is there/).waitFor();
  expect(readFileSync(join(chosen, "Ada.safetensors"), "utf8")).toBe("mine");

  await choose("When a file of that name is there", "Overwrite it");
  since = Date.now();
  await page.getByRole("button", { name: "Export 3 LoRAs" }).click();
  await endedJob(host, "export", since);
  await page.getByText("3 files written").first().waitFor();
  expect(
    apart(
      read(join(chosen, "Ada.safetensors"), "kohya-diffusers"),
      read(join(host.folder, "people", "Ada.safetensors"), "kohya-diffusers"),
    ),
  ).toBeLessThan(1e-3);
});

it("says what is wrong with a folder that is gone", async () => {
  const { page } = studio;
  const gone = join(host.folder, "disk", "loras");
  mkdirSync(gone, { recursive: true });
  await takeFolder(gone);
  rmSync(join(host.folder, "disk"), { recursive: true });
  await page.getByRole("button", { name: "Export 3 LoRAs" }).click();
  await page
    .getByText(`Neither ${gone} nor the folder it would lie in is there.`)
    .first()
    .waitFor();
  await page.reload();
  await page.getByText("3 identities queued").waitFor();
  await expect
    .poll(() => page.getByRole("radio", { name: gone }).innerText())
    .toMatch(/is not there/);
});

it("made no errors on the way", () => {
  expect(studio.troubles).toEqual([]);
});
