/** The way through the studio in a real browser: a folder dropped in, a space fitted, a slider moved, a file out. */
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { root } from "../../build/tools/paths.ts";
import { smallModules, writeSmallLora } from "../support/small-loras.ts";
import {
  openStudioPage,
  startStudioHost,
  type StudioHost,
  type StudioPage,
} from "../support/studio-host.ts";

const MEMBERS = 12;

let host: StudioHost;
let studio: StudioPage;
let people: string;

/** Twelve LoRAs, some in a folder within, one of an awkward name; one broken file; one that is none. */
beforeAll(async () => {
  host = await startStudioHost();
  people = join(host.folder, "my people");
  await mkdir(join(people, "more"), { recursive: true });
  for (let index = 0; index < MEMBERS; index++) {
    const name = index === 0 ? "Zoë's “face”" : `person ${index}`;
    writeSmallLora(join(people, index < 9 ? "" : "more", `${name}.safetensors`), index + 1);
  }
  const whole = await readFile(join(people, "person 1.safetensors"));
  await writeFile(join(people, "cut off.safetensors"), whole.subarray(0, whole.length - 1000));
  await writeFile(join(people, "notes.txt"), "not a LoRA");
  studio = await openStudioPage(host.url);
});

afterAll(async () => {
  await studio?.[Symbol.asyncDispose]();
  await host?.[Symbol.asyncDispose]();
});

/** Drops real files or folders, as the desktop would: scripts cannot make such a drop, the browser's protocol can. */
async function drop(page: Page, paths: string[]): Promise<void> {
  const protocol = await page.context().newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const) {
    await protocol.send("Input.dispatchDragEvent", { type, x: 700, y: 450, data });
  }
  await protocol.detach();
}

const goTo = (page: Page, name: string) =>
  page.getByRole("navigation", { name: "Pages" }).getByText(name, { exact: true }).click();

/** Cards say more than their name: rank, and why one needs a look. */
const cardOf = (page: Page, name: string) =>
  page.getByRole("listbox", { name: "LoRAs" }).getByRole("option", { name });

it("takes a dropped folder in, and says which file it could not read", async () => {
  const { page } = studio;
  await goTo(page, "Library");
  await page.getByText("Drop a folder of LoRAs here").waitFor();
  await drop(page, [people]);
  await cardOf(page, "Zoë's “face”").waitFor();
  await page.getByText(`${MEMBERS} LoRAs`).first().waitFor();
  await page.getByTestId("jobs-tray").click();
  await page.getByRole("button", { name: "Show reasons" }).click();
  // The reason names the numbers: what the header asks for, and what there is.
  await page
    .getByText(/cut off\.safetensors.*\d{3}/)
    .first()
    .waitFor();
  await page.keyboard.press("Escape");
});

it("fits a space over them and gives sliders that keys and pointer move", async () => {
  const { page } = studio;
  await goTo(page, "Explore");
  await page.getByRole("button", { name: /^Fit/ }).first().click();
  await page.getByRole("button", { name: `Fit over ${MEMBERS} LoRAs` }).click();
  const slider = page.getByRole("slider", { name: "Component 1", exact: true });
  await slider.waitFor();
  const value = async () => Number(await slider.getAttribute("aria-valuenow"));
  const before = await value();
  await slider.focus();
  for (let press = 0; press < 5; press++) await page.keyboard.press("ArrowRight");
  await expect.poll(value).toBeCloseTo(before + 0.5, 6);
  const box = await slider.boundingBox();
  if (box === null) throw new Error("The slider has no place on the page.");
  const middle = { x: box.x + box.width / 4, y: box.y + box.height / 2 };
  await page.mouse.move(middle.x, middle.y);
  await page.mouse.down();
  // A drag is relative: touching the track somewhere else moves nothing.
  expect(await value()).toBeCloseTo(before + 0.5, 6);
  await page.mouse.move(middle.x + 20, middle.y, { steps: 4 });
  await page.mouse.up();
  expect(await value()).toBeGreaterThan(before + 0.5);
});

const Inspected = z.object({
  dialect: z.string(),
  modules: z.int(),
  matched: z.int(),
  total: z.int(),
  metadata: z.record(z.string(), z.string()),
});

it("keeps the point as an identity and hands out a file that reads completely", async () => {
  const { page } = studio;
  await page.getByRole("button", { name: "Download" }).click();
  const downloading = page.waitForEvent("download");
  await page.getByLabel("Name", { exact: true }).fill("Somebody new");
  await page.keyboard.press("Enter");
  const download = await downloading;
  expect(download.suggestedFilename()).toBe("Somebody new.safetensors");
  const file = join(host.folder, download.suggestedFilename());
  await download.saveAs(file);
  const facet = join(root, "build", "facet.js");
  const { stdout } = await promisify(execFile)(process.execPath, [
    facet,
    "inspect",
    file,
    "--json",
  ]);
  const inspected = Inspected.parse(JSON.parse(stdout));
  expect(inspected).toMatchObject({ modules: smallModules.length, matched: inspected.total });
  expect(JSON.parse(inspected.metadata["facet.recipe"] ?? "{}")).toMatchObject({
    name: "Somebody new",
    recipe: { kind: "point" },
  });
  await goTo(page, "Library");
  await cardOf(page, "Somebody new").waitFor();
});

it("made no errors on the way", () => {
  expect(studio.troubles).toEqual([]);
});
