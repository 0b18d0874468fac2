/** The frame around all pages: settings, themes, the keyboard, names for screen readers, sizes of windows. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fillDemoLibrary } from "../support/demo-library.ts";
import { writeSmallLora } from "../support/small-loras.ts";
import {
  openStudioPage,
  startStudioHost,
  type StudioHost,
  type StudioPage,
} from "../support/studio-host.ts";
import { card, endedJob, goTo, grid, openTray } from "./page.ts";
import {
  colours,
  contrast,
  faintTexts,
  focused,
  looks,
  namelessControls,
  overflowing,
} from "./rules.ts";

const pages = ["Explore", "Blend", "Library", "Export", "Models", "Settings"] as const;
type PageName = (typeof pages)[number];

let host: StudioHost;
let studio: StudioPage;

beforeAll(async () => {
  host = await startStudioHost((places) => fillDemoLibrary(places, 8));
  studio = await openStudioPage(host.url);
  const { page } = studio;
  // Something on every page: a blend of two, a queue of two, details of one.
  await card(page, "Ada").click();
  await card(page, "Bela").click({ modifiers: ["ControlOrMeta"] });
  await page.getByRole("button", { name: "Export 2" }).click();
  await page.getByText("2 identities queued").waitFor();
  await goTo(page, "Library");
  await page.getByRole("button", { name: "Blend 2" }).click();
  await page.getByRole("heading", { name: "Blend of 2" }).waitFor();
  await goTo(page, "Library");
  await card(page, "Cato").click();
});

afterAll(async () => {
  await studio?.[Symbol.asyncDispose]();
  await host?.[Symbol.asyncDispose]();
});

/** Goes there and waits for what the page is about. */
async function settled(name: PageName): Promise<void> {
  const { page } = studio;
  await goTo(page, name);
  const proof = {
    Explore: page.getByRole("slider", { name: "Component 1", exact: true }),
    Blend: page.getByRole("slider", { name: "Weight of Bela" }),
    Library: page.locator(".neighbour").first(),
    Export: page.getByText("Ada.safetensors").first(),
    Models: page.getByRole("heading", { name: "Folders searched" }),
    Settings: page.getByText("ONNX Runtime"),
  };
  await proof[name].waitFor();
  await page.locator(".mantine-Skeleton-root").first().waitFor({ state: "hidden" });
}

it("shows what the machine offers and remembers how files are taken in", async () => {
  const { page } = studio;
  await settled("Settings");
  const doctor = await host.client.system.doctor();
  for (const text of [
    doctor.facet,
    doctor.node,
    doctor.onnxruntime,
    doctor.sqlite,
    doctor.library.path,
  ]) {
    await page.getByText(text, { exact: true }).first().waitFor();
  }
  expect(await page.locator(".settings-sign").count()).toBe(doctor.providers.length);
  await page.getByText("Leave where they are").click();
  await expect.poll(async () => (await host.client.system.settings()).storage).toBe("reference");
  const path = join(host.folder, "stays.safetensors");
  writeSmallLora(path, 3);
  const since = Date.now();
  await host.client.library.import({ paths: [path] });
  await endedJob(host, "import", since);
  const { cards } = await host.client.library.list({ query: "stays" });
  const details = await host.client.library.get({ id: cards[0]?.id ?? "" });
  expect([details.storage, details.path]).toEqual(["referenced", path]);
});

it("is dark, light, or as the system is", async () => {
  const { page } = studio;
  await settled("Settings");
  const scheme = () => page.evaluate(() => document.documentElement.dataset["mantineColorScheme"]);
  expect(await scheme()).toBe("dark");
  await page.getByText("Light", { exact: true }).click();
  await expect.poll(scheme).toBe("light");
  await page.reload();
  await settled("Settings");
  expect(await scheme()).toBe("light");
  await page.getByText("As the system", { exact: true }).click();
  await expect.poll(scheme).toBe("dark");
  await page.emulateMedia({ colorScheme: "light" });
  await expect.poll(scheme).toBe("light");
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(scheme).toBe("dark");
  await page.getByText("Dark", { exact: true }).click();
  await expect.poll(async () => (await host.client.system.settings()).theme).toBe("dark");
});

it.each(["dark", "light"] as const)(
  "can be read: every text has a contrast of 4.5 in the %s theme",
  async (theme) => {
    const { page } = studio;
    await host.client.system.changeSettings({ theme });
    await page.reload();
    await expect
      .poll(() => page.evaluate(() => document.documentElement.dataset["mantineColorScheme"]))
      .toBe(theme);
    const texts = ["--text", "--text-2", "--text-3", "--accent", "--caution", "--danger"];
    const grounds = ["--ground", "--panel"];
    const found = await colours(page, [...texts, ...grounds]);
    const faint = texts.flatMap((text) =>
      grounds.flatMap((ground) => {
        const [one, other] = [found.get(text), found.get(ground)];
        const ratio = one === undefined || other === undefined ? 0 : contrast(one, other);
        return ratio >= 4.5 ? [] : [`${text} on ${ground}: ${ratio.toFixed(2)}`];
      }),
    );
    expect(faint).toEqual([]);
    const unreadable: string[] = [];
    for (const name of pages) {
      await settled(name);
      for (const { text, one, other, size } of await faintTexts(page)) {
        const ratio = contrast(one, other);
        // Large text needs less; nothing here is that large but headings.
        if (ratio < (size >= 24 ? 3 : 4.5))
          unreadable.push(`${name}: "${text}" ${ratio.toFixed(2)}`);
      }
    }
    expect(unreadable).toEqual([]);
  },
);

it("gives every control a name", async () => {
  const { page } = studio;
  for (const name of pages) {
    await settled(name);
    expect(await namelessControls(page), name).toEqual([]);
  }
  await openTray(page);
  expect(await namelessControls(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await goTo(page, "Explore");
  await page.getByRole("button", { name: /^Space: / }).click();
  await page.getByRole("menuitem", { name: "Fit a space…" }).click();
  await page.getByRole("dialog", { name: "Fit a space" }).waitFor();
  expect(await namelessControls(page)).toEqual([]);
  await page.keyboard.press("Escape");
});

it.each([
  [900, 600],
  [1440, 900],
])("fits a window of %i by %i", async (width, height) => {
  const { page } = studio;
  await page.setViewportSize({ width, height });
  for (const name of pages) {
    await settledAt(name);
    expect(await overflowing(page), name).toEqual([]);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
});

/** In a small window some of the proofs are folded away. */
async function settledAt(name: PageName): Promise<void> {
  await goTo(studio.page, name);
  await studio.page.getByRole("main").first().waitFor();
  await studio.page.locator(".mantine-Skeleton-root").first().waitFor({ state: "hidden" });
}

it("looks the same whichever page was opened first", async () => {
  const { page } = studio;
  for (const name of pages) await settled(name);
  for (const name of pages) {
    await settled(name);
    const later = await looks(page);
    await page.reload();
    await settled(name);
    await expect.poll(() => looks(page), { message: name }).toEqual(later);
  }
});

it("shows where the focus is, wherever Tab leads", async () => {
  const { page } = studio;
  for (const name of pages) {
    await settled(name);
    const seen = new Set<string>();
    for (let press = 0; press < 30; press++) {
      await page.keyboard.press("Tab");
      const focus = await focused(page);
      if (focus === null) continue;
      expect(focus.marked, `${name}: ${focus.what}`).toBe(true);
      seen.add(focus.what);
    }
    expect(seen.size, name).toBeGreaterThan(8);
  }
});

it("is reached by keys: pages by digits, commands by the palette", async () => {
  const { page } = studio;
  for (const [at, name] of pages.entries()) {
    await page.keyboard.press(at % 2 === 0 ? `Control+${at + 1}` : `Alt+${at + 1}`);
    await page.locator('.rail [aria-current="page"]', { hasText: name }).waitFor();
  }
  await page.keyboard.press("ControlOrMeta+k");
  const search = page.getByRole("textbox", { name: "Search or run" });
  await search.fill("go to blend");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Blend of 2" }).waitFor();
  await page.keyboard.press("ControlOrMeta+k");
  await search.fill("Gita");
  await page.getByText("Search the library for “Gita”").waitFor();
  await page.keyboard.press("Enter");
  await card(page, "Gita").waitFor();
  await expect.poll(() => grid(page).locator("[data-id]").count()).toBe(1);
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Shortcuts of this page" }).waitFor();
  await page.keyboard.press("Escape");
});

it("made no errors on the way", () => {
  expect(studio.troubles).toEqual([]);
});
