/** From a folder of LoRAs to a new identity: a space fitted, sliders moved in every way, the point kept and found again. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Locator } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { demoLora, writeDemoCollection } from "../support/demo-loras.ts";
import { writeLora } from "../support/loras.ts";
import {
  openStudioPage,
  startStudioHost,
  type StudioHost,
  type StudioPage,
} from "../support/studio-host.ts";
import {
  card,
  closeTray,
  endedJob,
  engineOf,
  goTo,
  keepAs,
  openTray,
  readout,
  until,
} from "./page.ts";

const MEMBERS = 12;

let host: StudioHost;
let studio: StudioPage;

beforeAll(async () => {
  host = await startStudioHost();
  const people = join(host.folder, "people");
  writeDemoCollection(people, MEMBERS);
  await host.client.library.import({ paths: [people] });
  await endedJob(host, "import");
  studio = await openStudioPage(host.url);
});

afterAll(async () => {
  await studio?.[Symbol.asyncDispose]();
  await host?.[Symbol.asyncDispose]();
});

const slider = (component: number) =>
  studio.page.getByRole("slider", { name: `Component ${component}`, exact: true });
const valueOf = async (of: Locator) => Number(await of.getAttribute("aria-valuenow"));
const hundredths = (value: number) => Math.round(value * 100) / 100;

async function space() {
  const [first] = await host.client.spaces.list();
  if (first === undefined) throw new Error("no space");
  return first;
}

async function idOf(name: string): Promise<string> {
  const { cards } = await host.client.library.list({ limit: 100 });
  const found = cards.find((each) => each.name === name);
  if (found === undefined) throw new Error(`${name} is not in the library`);
  return found.id;
}

const locate = async (name: string) =>
  host.client.identities.locate({ space: (await space()).id, id: await idOf(name) });

async function startAt(name: string): Promise<void> {
  const { page } = studio;
  await page.getByRole("button", { name: /Choose another start/ }).click();
  await page.getByRole("textbox", { name: "Where to start" }).fill(name);
  await page
    .getByRole("option", { name: new RegExp(`^${name}`) })
    .first()
    .waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name, exact: true }).waitFor();
}

/** Holds the engine that fits, so that a fit is under way for as long as a story needs it. */
async function whileEngineWaits(story: () => Promise<void>): Promise<void> {
  const pid = await engineOf(host, "background");
  process.kill(pid, "SIGSTOP");
  try {
    await story();
  } finally {
    process.kill(pid, "SIGCONT");
  }
}

it("fits a space from the page, with its progress in the tray and its result one click away", async () => {
  const { page } = studio;
  await goTo(page, "Explore");
  await page.getByRole("button", { name: "Fit a space", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Fit a space" });
  await dialog.getByLabel("Name", { exact: true }).fill("Faces");
  const row = page.getByRole("dialog", { name: "Jobs" }).getByTestId("job-fit");
  await whileEngineWaits(async () => {
    await dialog.getByRole("button", { name: `Fit over ${MEMBERS} LoRAs` }).click();
    await dialog.waitFor({ state: "hidden" });
    await openTray(page);
    await row
      .getByRole("progressbar", { name: "Progress of Fit Faces" })
      .waitFor({ state: "attached" });
    expect(await row.getByRole("button", { name: "Pause" }).isVisible()).toBe(true);
  });
  await row.getByRole("button", { name: "Explore the space" }).click();
  await slider(1).waitFor();
  const { name, members, components } = await space();
  expect({ name, members }).toEqual({ name: "Faces", members: MEMBERS });
  expect(await page.getByRole("slider", { name: /^Component \d+$/ }).count()).toBe(components);
});

it("cancels a second fit, which leaves nothing behind", async () => {
  const { page } = studio;
  await page.getByRole("button", { name: /^Space: Faces/ }).click();
  await page.getByRole("menuitem", { name: "Fit a space…" }).click();
  const dialog = page.getByRole("dialog", { name: "Fit a space" });
  await whileEngineWaits(async () => {
    await dialog.getByRole("button", { name: `Fit over ${MEMBERS} LoRAs` }).click();
    await dialog.waitFor({ state: "hidden" });
    const tray = await openTray(page);
    await tray.getByTestId("job-fit").first().getByRole("button", { name: "Cancel" }).click();
  });
  const tray = page.getByRole("dialog", { name: "Jobs" });
  await tray.getByTestId("job-fit").filter({ hasText: "Cancelled" }).waitFor();
  await closeTray(page);
  expect(await host.client.spaces.list()).toHaveLength(1);
});

it("starts where an identity lies", async () => {
  await goTo(studio.page, "Explore");
  await startAt("Bela");
  const { coordinates, residual } = await locate("Bela");
  for (const component of [1, 2, 3]) {
    expect(await valueOf(slider(component))).toBe(
      hundredths(coordinates[component - 1] ?? Number.NaN),
    );
  }
  expect(residual).toBeLessThan(0.1);
  // What the space cannot express is lost already where the sliders start.
  await expect
    .poll(() => readout(studio.page, "Distance from Bela").innerText())
    .toBe(residual.toFixed(2));
});

it("drags relatively, from anywhere on the row, and takes one drag back in one step", async () => {
  const { page } = studio;
  const first = slider(1);
  const before = await valueOf(first);
  const box = await first.boundingBox();
  if (box === null) throw new Error("The slider has no place on the page.");
  const from = { x: box.x + box.width * 0.9, y: box.y + box.height / 2 };
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  // The pointer lies far from the thumb; nothing jumps to it.
  expect(await valueOf(first)).toBe(before);
  await page.mouse.move(from.x - 40, from.y, { steps: 5 });
  const after = hundredths(before - (40 / box.width) * 8);
  await expect.poll(() => valueOf(first)).toBeCloseTo(after, 1);
  await page.keyboard.down("Shift");
  await page.mouse.move(from.x - 80, from.y, { steps: 5 });
  await page.keyboard.up("Shift");
  await page.mouse.up();
  await expect.poll(() => valueOf(first)).toBeCloseTo(after - (4 / box.width) * 8, 1);
  await page.keyboard.press("ControlOrMeta+z");
  await expect.poll(() => valueOf(first)).toBe(before);
  await page.keyboard.press("ControlOrMeta+Shift+z");
  await expect.poll(() => valueOf(first)).toBeCloseTo(after - (4 / box.width) * 8, 1);
});

it("takes typed values and arrows, resets by a double click, holds what is locked", async () => {
  const { page } = studio;
  const second = slider(2);
  const start = await valueOf(second);
  const field = page.getByRole("textbox", { name: "Component 2, value in sigma" });
  await field.fill("−1,25");
  await page.keyboard.press("Enter");
  await expect.poll(() => valueOf(second)).toBe(-1.25);
  await second.focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Shift+ArrowLeft");
  await expect.poll(() => valueOf(second)).toBe(-1.06);
  expect(await field.inputValue()).toBe("−1.06");
  await page.keyboard.press("l");
  await expect.poll(() => second.getAttribute("aria-disabled")).toBe("true");
  await page.keyboard.press("ArrowRight");
  // Forced: what is locked calls itself disabled, which is what is tried here.
  await second.dblclick({ force: true });
  expect(await valueOf(second)).toBe(-1.06);
  expect(await field.isDisabled()).toBe(true);
  await second.focus();
  await page.keyboard.press("l");
  await second.dblclick();
  await expect.poll(() => valueOf(second)).toBe(start);
});

it("measures what it shows", async () => {
  const { page } = studio;
  const field = page.getByRole("textbox", { name: "Component 3, value in sigma" });
  await field.fill("9");
  await page.keyboard.press("Enter");
  await page.getByText("Component 3 is past 99 % of members").waitFor();
  await field.fill("2");
  await page.keyboard.press("Enter");
  const count = (await space()).components;
  const coordinates: number[] = [];
  for (let at = 1; at <= count; at++) coordinates.push(await valueOf(slider(at)));
  expect(coordinates[2]).toBe(2);
  const measure = await host.client.identities.measure({
    kind: "point",
    space: (await space()).id,
    coordinates,
    from: await idOf("Bela"),
  });
  expect(measure.distance).toBeGreaterThan(0.05);
  await expect
    .poll(() => readout(page, "Distance from Bela").innerText())
    .toBe(measure.distance?.toFixed(2));
});

it("tells how much of a stranger the space cannot express", async () => {
  const { page } = studio;
  const path = join(host.folder, "Stranger.safetensors");
  const odd = demoLora(30);
  const modules = odd.modules.map((module, at) =>
    at % 2 === 0 ? { ...module, up: module.up.toReversed() } : module,
  );
  writeLora(path, { ...odd, modules });
  const since = Date.now();
  await host.client.library.import({ paths: [path] });
  await endedJob(host, "import", since);
  await startAt("Stranger");
  const { residual, member } = await locate("Stranger");
  expect(member).toBe(false);
  expect(residual).toBeGreaterThan(0.3);
  await expect
    .poll(() => readout(page, "Residual").innerText())
    .toBe(`${(residual * 100).toFixed(1)} %`);
  await page.keyboard.press("ControlOrMeta+z");
  await page.getByRole("heading", { name: "Bela, changed" }).waitFor();
});

it("keeps the point as an identity that is made again from its recipe", async () => {
  const { page } = studio;
  const shown = await valueOf(slider(3));
  await keepAs(page, "Bela, with more");
  await goTo(page, "Library");
  await card(page, "Bela, with more").click();
  await page.getByText("Bela, moved in Faces").waitFor();
  const id = await idOf("Bela, with more");
  const record = await host.client.identities.recipe({ id });
  expect(record?.recipe.kind === "point" ? record.recipe.coordinates[2] : null).toBe(shown);
  expect((await host.client.identities.verify({ id })).same).toBe(true);
});

it("finds the point, its locks and its way back again after a reload", async () => {
  const { page } = studio;
  await goTo(page, "Explore");
  await slider(1).focus();
  await page.keyboard.press("l");
  const values = [await valueOf(slider(1)), await valueOf(slider(3))];
  await until(
    async () => JSON.stringify((await host.client.system.recall({ key: "explore" })).value),
    (stored) => stored.includes('"locked":[0]'),
    "the stored point",
  );
  await page.reload();
  await slider(1).waitFor();
  expect([await valueOf(slider(1)), await valueOf(slider(3))]).toEqual(values);
  expect(await slider(1).getAttribute("aria-disabled")).toBe("true");
  await page.getByRole("heading", { name: "Bela, changed" }).waitFor();
  await page.keyboard.press("ControlOrMeta+z");
  await expect.poll(() => slider(1).getAttribute("aria-disabled")).toBe("false");
});

it("made no errors on the way, and no files that belong to nothing", async () => {
  const { id } = await space();
  const files = readdirSync(join(host.library, "spaces"));
  expect(files.toSorted()).toEqual([`${id}.json`, `${id}.safetensors`]);
  expect(studio.troubles).toEqual([]);
});
