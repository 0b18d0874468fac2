/** The first start: an empty library, files dropped onto it, the good ones there and each bad one named. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readTensorFile, writeTensorFile } from "../support/safetensors.ts";
import { smallModules, writeSmallLora } from "../support/small-loras.ts";
import {
  openStudioPage,
  startStudioHost,
  type StudioHost,
  type StudioPage,
} from "../support/studio-host.ts";
import { p, pickle, zip } from "../support/torch-archive.ts";
import { card, closeTray, drop, fact, goTo, openTray } from "./page.ts";

let host: StudioHost;
let studio: StudioPage;
let folder: string;

beforeAll(async () => {
  host = await startStudioHost();
  folder = host.folder;
  studio = await openStudioPage(host.url);
});

afterAll(async () => {
  await studio?.[Symbol.asyncDispose]();
  await host?.[Symbol.asyncDispose]();
});

it("begins with the one next step", async () => {
  const { page } = studio;
  await page.getByRole("heading", { name: "Drop a folder of LoRAs here" }).waitFor();
  expect(await page.locator(".empty").getByRole("button").allInnerTexts()).toEqual(["Add files"]);
  await goTo(page, "Explore");
  await page.getByRole("heading", { name: "Fit a space to get sliders" }).waitFor();
  expect(await page.locator(".empty").getByRole("button").allInnerTexts()).toEqual(["Add files"]);
  await goTo(page, "Library");
});

it("takes files that are sent through the file field", async () => {
  const { page } = studio;
  const path = join(folder, "Ada.safetensors");
  writeSmallLora(path, 1);
  await page.locator(".empty").getByRole("button", { name: "Add files" }).click();
  await page.getByTestId("upload-input").setInputFiles(path);
  await card(page, "Ada").waitFor();
  expect(await host.client.library.ids({})).toHaveLength(1);
});

it("takes a mixed drop: what is good is there, what is not is named with its reason", async () => {
  const { page } = studio;
  const drops = writeMixedDrop(join(folder, "mixed"));
  await drop(page, drops);
  await card(page, "Bela").first().waitFor();
  await page.getByText("4 LoRAs").first().waitFor();

  const tray = await openTray(page);
  const row = tray.getByTestId("job-import").filter({ hasText: "skipped" });
  await row.getByRole("button", { name: "Show reasons" }).click();
  const problems = row.getByRole("listitem");
  await problems.first().waitFor();
  const said = (await problems.allInnerTexts()).join("\n");
  expect(said).toMatch(/^cut off\.safetensors .*bytes/m);
  expect(said).toMatch(/^upscaler\.safetensors .*adapter/m);
  expect(said).toMatch(/^danger\.pt .*os\.system/m);
  // Where an upload is put for a moment is nobody's business.
  expect(said).not.toContain("staging");
  await closeTray(page);
});

/** Two good ones of the same name, a cut one, one that is no LoRA, a pickle that would run a command, one of NaN. */
function writeMixedDrop(at: string): string[] {
  const inside = (name: string) => join(at, name);
  mkdirSync(inside("first"), { recursive: true });
  mkdirSync(inside("second"));
  writeSmallLora(inside("first/Bela.safetensors"), 2);
  writeSmallLora(inside("second/Bela.safetensors"), 3);
  const whole = readFileSync(inside("first/Bela.safetensors"));
  writeFileSync(inside("cut off.safetensors"), whole.subarray(0, whole.length - 1000));
  writeTensorFile(inside("upscaler.safetensors"), {
    "model.conv_first.weight": { shape: [2, 2], values: [1, 2, 3, 4] },
  });
  const command = pickle(
    p.protocol,
    p.global("os", "system"),
    p.tupleOf(p.text(`touch "${inside("it ran")}"`)),
    "R",
    ".",
  );
  writeFileSync(
    inside("danger.pt"),
    zip([
      ["danger/data.pkl", command],
      ["danger/version", Buffer.from("3\n")],
    ]),
  );
  const broken = readTensorFile(inside("second/Bela.safetensors"));
  writeTensorFile(
    inside("hollow.safetensors"),
    Object.fromEntries(
      [...broken.tensors].map(([name, { shape, values }]) => [
        name,
        { shape, values: name.includes("up") ? values.map(() => Number.NaN) : values },
      ]),
    ),
    broken.metadata,
  );
  return [
    "first/Bela.safetensors",
    "second/Bela.safetensors",
    "cut off.safetensors",
    "upscaler.safetensors",
    "danger.pt",
    "hollow.safetensors",
  ].map(inside);
}

it("says in the library what could be found out only by reading the whole file", async () => {
  const { page } = studio;
  const hollow = card(page, "hollow");
  await expect
    .poll(() => hollow.getAttribute("aria-label"), { timeout: 20_000 })
    .toMatch(/needs a look/);
  await hollow.click();
  await page
    .getByRole("note")
    .filter({ hasText: /NaN|not a number|finite/i })
    .waitFor();
  await goTo(page, "Library");
  await page.getByRole("button", { name: /^Needs a look/ }).click();
  await card(page, "hollow").waitFor();
  await page.getByRole("button", { name: /^All/ }).click();
});

it("imports a folder of the host's machine by its path", async () => {
  const { page } = studio;
  const people = join(folder, "people");
  mkdirSync(join(people, "more"), { recursive: true });
  writeSmallLora(join(people, "Cato.safetensors"), 4);
  writeSmallLora(join(people, "more", "Zoë “the face”.safetensors"), 5);
  await page.locator(".toolbar").getByRole("button", { name: "Add files" }).click();
  const picker = page.getByRole("dialog", { name: "Add files" });
  await picker.getByRole("textbox", { name: "Path of the folder" }).fill(join(folder, "nowhere"));
  await page.keyboard.press("Enter");
  await picker
    .getByText(/nowhere/)
    .first()
    .waitFor();
  await picker.getByRole("textbox", { name: "Path of the folder" }).fill(people);
  await page.keyboard.press("Enter");
  await picker
    .getByText("1 LoRA file here, besides those in the folders inside", { exact: true })
    .waitFor();
  await picker.getByRole("button", { name: "Import this folder" }).click();
  await card(page, "Zoë “the face”").click();
  expect(await fact(page, "Understood").innerText()).toBe(
    `${smallModules.length * 3} of ${smallModules.length * 3} keys, ${smallModules.length} modules`,
  );
});

it("made no errors on the way, and the pickle ran nothing", async () => {
  const { cards } = await host.client.library.list({ sort: "oldest" });
  expect(cards.map(({ name }) => name)).toEqual([
    "Ada",
    "Bela",
    "Bela (1)",
    "hollow",
    "Cato",
    "Zoë “the face”",
  ]);
  expect(existsSync(join(folder, "mixed", "it ran"))).toBe(false);
  expect(studio.troubles).toEqual([]);
});
