/** The Models page: checkpoints found in ComfyUI's folders, what they are, what they need, opened and tried. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Locator } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeTinyCheckpoint } from "../support/models/tiny.ts";
import {
  openStudioPage,
  startStudioHost,
  type StudioHost,
  type StudioPage,
} from "../support/studio-host.ts";
import { fact, goTo, toast, until } from "./page.ts";
import { namelessControls, overflowing } from "./rules.ts";

let host: StudioHost;
let studio: StudioPage;

/** Every kind of file that lies in the folders of people. */
function fillComfy(home: string): void {
  const models = join(home, "ComfyUI", "models");
  for (const folder of ["checkpoints", "unet", "vae"])
    mkdirSync(join(models, folder), { recursive: true });
  const whole = join(models, "checkpoints", "people.safetensors");
  writeTinyCheckpoint(whole, { family: "sd15", extras: { "merge.recipe": [2] } });
  writeTinyCheckpoint(join(models, "checkpoints", "finisher.safetensors"), {
    family: "sdxl",
    like: "refiner",
  });
  const bytes = readFileSync(whole);
  writeFileSync(
    join(models, "checkpoints", "half.safetensors"),
    bytes.subarray(0, bytes.length >> 1),
  );
  writeTinyCheckpoint(join(models, "unet", "painter.safetensors"), {
    family: "sd15",
    components: ["unet"],
  });
  writeTinyCheckpoint(join(models, "vae", "clear.safetensors"), {
    family: "sd15",
    components: ["vae"],
  });
}

beforeAll(async () => {
  host = await startStudioHost(
    ({ folder }) => Promise.resolve(fillComfy(join(folder, "home"))),
    ({ folder }) => ({ HOME: join(folder, "home"), USERPROFILE: join(folder, "home") }),
  );
  studio = await openStudioPage(host.url);
  await goTo(studio.page, "Models");
});

afterAll(async () => {
  await studio?.[Symbol.asyncDispose]();
  await host?.[Symbol.asyncDispose]();
});

const group = (title: string): Locator => studio.page.getByRole("region", { name: title });
const row = (name: string): Locator =>
  studio.page.locator(".model-row").filter({ has: studio.page.getByText(name, { exact: true }) });
const details = (): Locator => studio.page.getByTestId("model-details");

async function open(name: string): Promise<void> {
  await row(name).click();
  await details().getByRole("heading", { name }).waitFor();
}

it("lists what was found, and says of each what it is or why it cannot be used", async () => {
  const { page } = studio;
  await row("people").waitFor();
  expect(await group("Ready to use").locator(".model-row").count()).toBe(1);
  await group("Needs something").getByText("Needs a VAE and text encoders").waitFor();
  await group("Cannot be used")
    .getByText(/refiner/i)
    .first()
    .waitFor();
  await group("Cannot be used").locator(".model-row", { hasText: "half" }).waitFor();
  await group("Folders searched")
    .getByText(join(host.folder, "home", "ComfyUI", "models", "checkpoints"))
    .waitFor();
  await open("people");
  await expect.poll(() => fact(page, "Family").innerText()).toBe("SD 1.5, one file");
  expect(await fact(page, "UNet widths").innerText()).toBe("32 / 64 / 128 / 128");
  expect(await fact(page, "Predicts").innerText()).toBe("noise (epsilon)");
  expect(await fact(page, "Numbers").innerText()).toMatch(/^f32 in [\d,]+ tensors$/);
  await page.getByRole("button", { name: "1 tensor that nothing reads" }).click();
  await page.getByText("merge.recipe").waitFor();
});

it("mounts a model and says what that took", async () => {
  const { page } = studio;
  await open("people");
  await details().getByRole("button", { name: "Mount", exact: true }).click();
  await details().getByRole("button", { name: "Unmount" }).waitFor();
  const [mounted] = await host.client.models.mounted();
  expect(await fact(page, "Computes on").innerText()).toMatch(/, f(16|32)$/);
  expect(await fact(page, "Peak memory").innerText()).toMatch(/ [MG]B$/);
  expect(mounted?.graphSeconds).toBeGreaterThan(0);
  await row("people").getByText("mounted", { exact: true }).waitFor();
});

it("makes a test picture, with previews of its steps", async () => {
  const { page } = studio;
  await open("people");
  const before = (await host.client.previews.counters()).pictures;
  await details().getByRole("button", { name: "Test picture" }).click();
  const picture = details().getByTestId("picture");
  await expect
    .poll(() => picture.getAttribute("src"), { timeout: 60_000 })
    .toMatch(/^\/picture\/[0-9a-f]{64}\.png$/);
  const { pictures } = await host.client.previews.counters();
  expect(pictures).toBe(before + 1);
  const seen = await picture.evaluate((image) =>
    image instanceof HTMLImageElement ? image.naturalWidth : 0,
  );
  expect(seen).toBeGreaterThanOrEqual(64);
  await details()
    .getByText(/ · 12 steps · \d+ × \d+ · /)
    .waitFor();
  expect(await page.getByRole("alert").count()).toBe(0);
});

it("gives a UNet what it lacks, from a VAE file and another model's text encoders", async () => {
  const { page } = studio;
  await open("painter");
  await details().getByRole("combobox", { name: "VAE" }).click();
  await page.getByRole("option", { name: "clear" }).click();
  await group("Needs something").getByText("Needs text encoders").waitFor();
  await details().getByRole("combobox", { name: "Text encoders" }).click();
  await page.getByRole("option", { name: "people" }).click();
  await group("Ready to use").locator(".model-row", { hasText: "painter" }).waitFor();
  await details().getByRole("button", { name: "Test picture" }).waitFor();
});

it("keeps the licence that the user states", async () => {
  await open("people");
  const name = details().getByText("not stated", { exact: true });
  await name.dblclick();
  const field = details().getByRole("textbox", { name: "Change the licence" });
  await field.fill("CC BY 4.0");
  await field.press("Enter");
  await details().getByText("CC BY 4.0").waitFor();
  const { models } = await host.client.models.list();
  expect(models.find((model) => model.name === "people")?.licence).toBe("CC BY 4.0");
});

it("hashes a model in the background when asked to", async () => {
  const { page } = studio;
  await open("people");
  const known = (await host.client.models.list()).models.find((model) => model.name === "people");
  if (known?.sha256 === null) {
    await details().getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name: "Hash it now" }).click();
  }
  const [model] = await until(
    async () => (await host.client.models.list()).models.filter((each) => each.name === "people"),
    ([each]) => each?.sha256 !== null && each !== undefined,
    "the hash",
  );
  await details()
    .getByText(model?.sha256 ?? "none", { exact: true })
    .waitFor();
});

it("takes a model by its path, says what is wrong with a path, and forgets it again", async () => {
  const { page } = studio;
  const folder = join(host.folder, "elsewhere");
  writeTinyCheckpoint(folder, { family: "sdxl", layout: "diffusers" });
  await page.getByRole("button", { name: "Add a checkpoint" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a checkpoint" });
  const path = dialog.getByRole("textbox", { name: /^Path of a \.safetensors/ });
  await path.fill(join(host.folder, "nothing-here.safetensors"));
  await path.press("Enter");
  await dialog.getByText(/nothing-here\.safetensors/).waitFor();
  expect(await namelessControls(page)).toEqual([]);
  await path.fill(folder);
  await path.press("Enter");
  await dialog.waitFor({ state: "hidden" });
  await toast(page, "elsewhere added").waitFor();
  await group("Ready to use").locator(".model-row", { hasText: "elsewhere" }).waitFor();
  await expect.poll(() => fact(page, "Family").innerText()).toBe("SDXL, diffusers folder");
  await details().getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Forget it" }).click();
  await row("elsewhere").waitFor({ state: "detached" });
  expect(readFileSync(join(folder, "model_index.json"), "utf8")).toContain("XL");
});

it("finds a file that was put into a folder, when it is searched again", async () => {
  const { page } = studio;
  const path = join(host.folder, "home", "ComfyUI", "models", "checkpoints", "later.safetensors");
  writeTinyCheckpoint(path, { family: "sd15", dtype: "F16" });
  await page.getByRole("button", { name: "Search the folders again" }).click();
  await group("Ready to use").locator(".model-row", { hasText: "later" }).waitFor();
  await row("later").getByText(/f16/).waitFor();
});

it("is walked through by arrows, and fits a small window", async () => {
  const { page } = studio;
  await row("people").focus();
  await page.keyboard.press("ArrowDown");
  await expect
    .poll(() => page.evaluate(() => document.activeElement?.getAttribute("aria-pressed")))
    .toBe("true");
  expect(await details().getByRole("heading").first().innerText()).not.toBe("people");
  expect(await namelessControls(page)).toEqual([]);
  await page.setViewportSize({ width: 900, height: 600 });
  expect(await overflowing(page)).toEqual([]);
  await page.setViewportSize({ width: 1440, height: 900 });
});

it("made no errors on the way", () => {
  expect(studio.troubles).toEqual([]);
});
