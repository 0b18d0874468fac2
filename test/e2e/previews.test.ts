/** Pictures that follow the sliders: a checkpoint mounted, a point moved, the picture another one, no session rebuilt. */
import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ModuleShape } from "../../src-main/core/lora/lora.ts";
import { writeLora } from "../support/loras.ts";
import { writeTinyCheckpoint } from "../support/models/tiny.ts";
import { tinyLora } from "../support/random-lora.ts";
import {
  openStudioPage,
  startStudioHost,
  type StudioHost,
  type StudioPage,
} from "../support/studio-host.ts";
import { card, endedJob, goTo, until } from "./page.ts";
import { namelessControls, overflowing } from "./rules.ts";

const people = ["Ada", "Bela", "Cato", "Dora", "Elif", "Fenja"];
/** Small, so that a story is about pages and not about waiting. */
const SIDE = 64;
const STEPS = 4;
/** A picture on a busy machine; all waits are for conditions. */
const PATIENCE = { timeout: 60_000 };

let host: StudioHost;
let studio: StudioPage;
let checkpoint: string;

/** Where a face would lie: the attention of all levels. */
const some = ({ path }: ModuleShape): boolean => /attn[12]\.to_[qv]$/.test(path);

beforeAll(async () => {
  host = await startStudioHost(
    () => Promise.resolve(),
    ({ folder }) => ({ HOME: join(folder, "home"), USERPROFILE: join(folder, "home") }),
  );
  const folder = join(host.folder, "people");
  mkdirSync(folder);
  for (const [index, name] of people.entries())
    writeLora(
      join(folder, `${name}.safetensors`),
      tinyLora("sd15", index + 1, { rank: 2, where: some }),
      {
        ss_tag_frequency: JSON.stringify({ "10_person": { [`${name.toLowerCase()} person`]: 9 } }),
      },
    );
  checkpoint = join(host.folder, "tiny.safetensors");
  writeTinyCheckpoint(checkpoint, { family: "sd15" });
  await host.client.library.import({ paths: [folder] });
  await endedJob(host, "import");
  await host.client.spaces.fit({ name: "Faces", members: { query: "" }, form: "aligned" });
  await endedJob(host, "fit");
  studio = await openStudioPage(host.url);
});

afterAll(async () => {
  await studio?.[Symbol.asyncDispose]();
  await host?.[Symbol.asyncDispose]();
});

const shown = (page: Page): Locator => page.getByTestId("picture");
const counters = () => host.client.previews.counters();

/** Address of the finished picture on the page; null while a preview of a step or none is shown. */
async function finished(page: Page): Promise<string | null> {
  if ((await shown(page).count()) === 0) return null;
  const source = await shown(page).getAttribute("src");
  return source !== null && /^\/picture\/[0-9a-f]{64}\.png$/.test(source) ? source : null;
}

async function picture(page: Page, not: string | null = null): Promise<string> {
  const found = await until(
    () => finished(page),
    (source) => source !== null && source !== not,
    "the picture",
  );
  if (found === null) throw new Error("unreachable");
  return found;
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly span: number;
  /** Largest difference to the other picture, of 255. */
  readonly difference: number;
}

/** What the browser sees in two pictures: hashes differ already where only the settings inside do. */
function compare(page: Page, one: string, other: string): Promise<Pixels> {
  return page.evaluate(
    async ([first, second]) => {
      const read = async (address: string) => {
        const bitmap = await createImageBitmap(await (await fetch(address)).blob());
        const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
        const context = canvas.getContext("2d");
        if (context === null) throw new Error("no canvas");
        context.drawImage(bitmap, 0, 0);
        return context.getImageData(0, 0, bitmap.width, bitmap.height);
      };
      const [a, b] = [await read(first), await read(second)];
      let difference = 0;
      let low = 255;
      let high = 0;
      for (let at = 0; at < a.data.length; at++) {
        if (at % 4 === 3) continue;
        const value = a.data[at] ?? 0;
        low = Math.min(low, value);
        high = Math.max(high, value);
        difference = Math.max(difference, Math.abs(value - (b.data[at] ?? 0)));
      }
      return { width: a.width, height: a.height, span: high - low, difference };
    },
    [one, other] as const,
  );
}

async function moveFirst(page: Page, key = "ArrowRight", times = 8): Promise<void> {
  await page.getByRole("slider", { name: "Component 1", exact: true }).focus();
  for (let press = 0; press < times; press++) await page.keyboard.press(key);
}

async function openSettings(page: Page): Promise<Locator> {
  await page.getByRole("button", { name: /Change how the picture is made$/ }).click();
  const form = page.getByRole("dialog", { name: "How the picture is made" });
  await form.waitFor();
  return form;
}

async function setNumber(form: Locator, label: string, value: number): Promise<void> {
  const field = form.getByRole("textbox", { name: label });
  await field.fill(String(value));
  await field.press("Enter");
}

it("offers the one step towards pictures while there is no checkpoint", async () => {
  const { page } = studio;
  await goTo(page, "Explore");
  await page.getByRole("slider", { name: "Component 1", exact: true }).waitFor();
  await page.getByRole("img", { name: /^Profile of/ }).waitFor();
  expect(await page.getByRole("radio", { name: "Picture" }).count()).toBe(0);
  await page.getByRole("link", { name: "Add an SD 1.5 checkpoint" }).click();
  await page.getByRole("heading", { name: "Add a checkpoint to see pictures" }).waitFor();
  await page.getByRole("button", { name: "Add a checkpoint" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a checkpoint" });
  await dialog.getByRole("textbox", { name: /^Path of a \.safetensors/ }).fill(checkpoint);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "hidden" });
  const details = page.getByTestId("model-details");
  await details.getByRole("heading", { name: "tiny" }).waitFor();
  await details.getByRole("button", { name: "Mount", exact: true }).click();
  await details.getByRole("button", { name: "Unmount" }).waitFor(PATIENCE);
});

it("shows the point as a picture, made as its settings say", async () => {
  const { page } = studio;
  await goTo(page, "Explore");
  const form = await openSettings(page);
  await setNumber(form, "Steps", STEPS);
  await form.getByRole("combobox", { name: "Size" }).click();
  await form.getByRole("option", { name: "Another size" }).click();
  await setNumber(form, "Width", SIDE);
  await setNumber(form, "Height", SIDE);
  expect(await namelessControls(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await until(
    async () => {
      const source = await finished(page);
      return source === null ? null : compare(page, source, source);
    },
    (seen) => seen?.width === SIDE && seen.height === SIDE,
    "a small picture",
  );
  const source = await picture(page);
  const seen = await compare(page, source, source);
  // A flat picture would be equal to any other one.
  expect(seen.span).toBeGreaterThan(40);
  await page
    .getByRole("status", { name: "The picture" })
    .getByText(new RegExp(`· ${STEPS} steps · ${SIDE} × ${SIDE} · `))
    .waitFor();
  await page.getByText(/^\d+ modules applied\./).waitFor();
});

it("follows a slider with another picture, and opens no session for it", async () => {
  const { page } = studio;
  const before = await picture(page);
  const old = await counters();
  await moveFirst(page);
  const after = await picture(page, before);
  const now = await counters();
  expect(now.sessionsOpened).toBe(old.sessionsOpened);
  expect(now.pictures).toBeGreaterThan(old.pictures);
  const { difference } = await compare(page, before, after);
  expect(difference).toBeGreaterThan(2);
});

it("finds a picture that was made before, without making it again", async () => {
  const { page } = studio;
  const after = await picture(page);
  const { pictures } = await counters();
  await page.keyboard.press("ControlOrMeta+z");
  const before = await picture(page, after);
  await page.keyboard.press("ControlOrMeta+Shift+z");
  expect(await picture(page, before)).toBe(after);
  expect((await counters()).pictures).toBe(pictures);
});

it("is compared with the start by a divider, dragged or moved by keys", async () => {
  const { page } = studio;
  const divider = page.getByRole("slider", { name: /^Divider between .* and now$/ });
  await divider.waitFor(PATIENCE);
  const at = async () => Number(await divider.getAttribute("aria-valuenow"));
  await divider.focus();
  const before = await at();
  await page.keyboard.press("ArrowRight");
  await expect.poll(at).toBe(before + 5);
  await page.keyboard.press("End");
  await expect.poll(at).toBe(100);
  const box = await shown(page).boundingBox();
  if (box === null) throw new Error("The picture has no place on the page.");
  await page.mouse.move(box.x + box.width * 0.9, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.25, box.y + box.height / 2, { steps: 4 });
  await page.mouse.up();
  await expect.poll(at).toBe(25);
  await page.keyboard.press("c");
  await divider.waitFor({ state: "detached" });
  await page.keyboard.press("c");
  await divider.waitFor();
});

it("keeps the picture as the thumbnail of a snapshot", async () => {
  const { page } = studio;
  const source = await picture(page);
  await page.getByRole("button", { name: "Snapshot" }).click();
  const thumbnail = page.getByRole("button", { name: "Go to Variant 1" }).locator("img");
  await expect.poll(() => thumbnail.getAttribute("src")).toBe(source);
});

it("shows previews of the steps, and is cancelled", async () => {
  const { page } = studio;
  const form = await openSettings(page);
  await setNumber(form, "Steps", 150);
  await page.keyboard.press("Escape");
  const state = page.getByRole("status", { name: "The picture" });
  await state.getByText(/^step \d+ of 150( · .* s a step)?$/).waitFor(PATIENCE);
  await page.locator('[data-testid="picture"][src^="data:image/webp"]').waitFor(PATIENCE);
  await page.getByRole("progressbar", { name: "Progress of the picture" }).waitFor();
  await state.getByRole("button", { name: "Cancel" }).click();
  await state.getByRole("button", { name: "Make the picture" }).waitFor();
  const again = await openSettings(page);
  await setNumber(again, "Steps", STEPS);
  await page.keyboard.press("Escape");
  await picture(page);
});

it("makes nothing by itself where it need not follow", async () => {
  const { page } = studio;
  const form = await openSettings(page);
  await form.getByRole("switch", { name: "Follow the sliders" }).click();
  await page.keyboard.press("Escape");
  const before = await picture(page);
  const { pictures } = await counters();
  await moveFirst(page, "ArrowLeft", 3);
  const make = page.getByRole("button", { name: "Make the picture" });
  await make.waitFor();
  expect((await counters()).pictures).toBe(pictures);
  await make.click();
  await picture(page, before);
  await openSettings(page);
  await form.getByRole("switch", { name: "Follow the sliders" }).click();
  await page.keyboard.press("Escape");
});

it("takes another seed only where the seed is not locked", async () => {
  const { page } = studio;
  const seed = page.getByRole("textbox", { name: "Seed of the picture" });
  const first = await seed.inputValue();
  expect(await page.getByRole("button", { name: "The seed is locked" }).isDisabled()).toBe(true);
  const before = await picture(page);
  await page.getByRole("button", { name: "Unlock the seed" }).click();
  await page.getByRole("button", { name: "Another seed" }).click();
  await expect.poll(() => seed.inputValue()).not.toBe(first);
  const after = await picture(page, before);
  expect((await compare(page, before, after)).difference).toBeGreaterThan(2);
  await seed.fill(first);
  await page.keyboard.press("Enter");
  await expect.poll(() => finished(page), PATIENCE).toBe(before);
});

it("begins with a preset, keeps one of the user's, and finds it after a reload", async () => {
  const { page } = studio;
  const chip = page.getByRole("button", { name: "Prompt and negative prompt" });
  await chip.click();
  const form = page.getByRole("dialog", { name: "Prompt" });
  await form.getByRole("button", { name: "Pencil" }).click();
  await expect.poll(() => chip.innerText()).toMatch(/^pencil drawing of \S+/);
  await form.getByRole("textbox", { name: "Prompt", exact: true }).fill("{trigger} on a boat");
  await form.getByRole("button", { name: "Save as preset" }).click();
  await form.getByRole("textbox", { name: "Name of the preset" }).fill("Sea");
  await page.keyboard.press("Enter");
  await form.getByRole("button", { name: "Sea", exact: true }).waitFor();
  expect(await namelessControls(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await until(
    async () => JSON.stringify((await host.client.system.recall({ key: "picture" })).value),
    (stored) => stored.includes("on a boat") && stored.includes('"Sea"'),
    "the stored prompt",
  );
  await picture(page);
  await page.reload();
  await expect.poll(() => chip.innerText(), PATIENCE).toMatch(/on a boat$/);
  await picture(page);
  await chip.click();
  await form.getByRole("button", { name: "Sea", exact: true }).waitFor();
  await page.keyboard.press("Escape");
});

it("says what went wrong, and to which file, and makes the picture once it can", async () => {
  const { page } = studio;
  const away = `${checkpoint}.away`;
  const before = await picture(page);
  renameSync(checkpoint, away);
  try {
    await moveFirst(page, "ArrowLeft", 4);
    const failed = page.getByRole("alert");
    await failed.getByText("The picture was not made").waitFor(PATIENCE);
    await failed
      .getByText(/tiny\.safetensors/)
      .first()
      .waitFor();
    // The last picture stays.
    expect(await finished(page)).toBe(before);
    renameSync(away, checkpoint);
    await failed.getByRole("button", { name: "Try again" }).click();
    await picture(page, before);
    await failed.waitFor({ state: "detached" });
  } finally {
    try {
      renameSync(away, checkpoint);
    } catch {
      // It is back already.
    }
  }
});

it("shows a blend as a picture that follows its weights", async () => {
  const { page } = studio;
  await goTo(page, "Library");
  await card(page, "Ada").click();
  await card(page, "Bela").click({ modifiers: ["ControlOrMeta"] });
  await page.getByRole("button", { name: "Blend 2" }).click();
  await page.getByRole("heading", { name: "Blend of 2" }).waitFor();
  const before = await picture(page);
  const { sessionsOpened } = await counters();
  await page.getByRole("slider", { name: "Weight of Ada" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  const after = await picture(page, before);
  expect((await compare(page, before, after)).difference).toBeGreaterThan(0);
  expect((await counters()).sessionsOpened).toBe(sessionsOpened);
  expect(await namelessControls(page)).toEqual([]);
  await page.keyboard.press("p");
  await page.getByTestId("blend-pad").waitFor();
  await shown(page).waitFor({ state: "detached" });
  await page.keyboard.press("p");
  await picture(page);
});

it("makes a picture of one identity in the Library, and puts it on its card", async () => {
  const { page } = studio;
  await goTo(page, "Library");
  await card(page, "Dora").click();
  const inspector = page.getByTestId("inspector");
  await inspector.getByRole("button", { name: "Make a picture" }).click();
  await picture(page);
  await inspector.getByRole("button", { name: "Another seed" }).waitFor();
  await inspector.getByRole("button", { name: "Show it on the card" }).click();
  await card(page, "Dora").locator("img").waitFor();
  // What was made of one identity is not shown of another.
  await card(page, "Cato").click();
  await inspector.getByRole("button", { name: "Make a picture" }).waitFor();
  expect(await shown(page).count()).toBe(0);
  await card(page, "Dora").click();
  await picture(page);
});

it("fits a small window with its pictures", async () => {
  const { page } = studio;
  await page.setViewportSize({ width: 900, height: 600 });
  for (const name of ["Explore", "Blend"] as const) {
    await goTo(page, name);
    await picture(page);
    expect(await overflowing(page), name).toEqual([]);
    const box = await shown(page).boundingBox();
    expect(box?.height, name).toBeGreaterThan(200);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
});

it("made no errors on the way", () => {
  expect(studio.troubles).toEqual([]);
});
