/** Living with a library: find, look, edit, collect, delete, and find all of it again after a reload. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fillDemoLibrary } from "../support/demo-library.ts";
import { demoLora } from "../support/demo-loras.ts";
import { writeLora } from "../support/loras.ts";
import { readTensorFile, writeTensorFile } from "../support/safetensors.ts";
import {
  openStudioPage,
  startStudioHost,
  type StudioHost,
  type StudioPage,
} from "../support/studio-host.ts";
import { card, cardNames, fact, goTo, grid, toast, until } from "./page.ts";

const PEOPLE = 10;

let host: StudioHost;
let studio: StudioPage;

/** Ten people and two identities made of them; a file with keys that nobody knows; one saved again in other numbers. */
beforeAll(async () => {
  host = await startStudioHost(async (places) => {
    await fillDemoLibrary(places, PEOPLE);
    writeExtras(places.folder);
  });
  await host.client.library.import({
    paths: [join(host.folder, "odd.safetensors"), join(host.folder, "again.safetensors")],
  });
  await until(
    () => host.client.library.overview(),
    ({ all, unread }) => all === PEOPLE + 4 && unread === 0,
    "the library",
  );
  studio = await openStudioPage(host.url);
});

afterAll(async () => {
  await studio?.[Symbol.asyncDispose]();
  await host?.[Symbol.asyncDispose]();
});

function writeExtras(folder: string): void {
  const odd = join(folder, "odd.safetensors");
  writeLora(odd, demoLora(40));
  const { tensors, metadata } = readTensorFile(odd);
  writeTensorFile(
    odd,
    {
      ...Object.fromEntries(tensors),
      "lora_unet_nobody_knows.weight": { shape: [2], values: [1, 2] },
    },
    metadata,
  );
  const cato = demoLora(2);
  // The products stay the same; every stored number is another.
  const modules = cato.modules.map((module) => ({
    ...module,
    up: module.up.map((value) => value * 2),
    down: module.down.map((value) => value / 2),
  }));
  writeLora(join(folder, "again.safetensors"), { ...cato, modules });
}

async function idOf(name: string): Promise<string> {
  const { cards } = await host.client.library.list({ limit: 100 });
  const found = cards.find((each) => each.name === name);
  if (found === undefined) throw new Error(`${name} is not in the library`);
  return found.id;
}

const detailsOf = async (name: string) => host.client.library.get({ id: await idOf(name) });

async function search(text: string, found: readonly string[]): Promise<void> {
  const { page } = studio;
  await page.getByRole("textbox", { name: "Search the library" }).fill(text);
  await expect.poll(async () => (await cardNames(page)).toSorted()).toEqual([...found].toSorted());
}

it("finds by words and by terms", async () => {
  const { page } = studio;
  await card(page, "Ada").waitFor();
  await search("ada", ["Ada", "Ada, older", "Ada and Bela"]);
  await search("ada is:recipe -bela", ["Ada, older"]);
  await search("rating>=4", ["Dora", "Emil", "Fenja"]);
  await search("is:trouble", ["odd"]);
  await search("family:sdxl", []);
  await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
  await page.locator(".toolbar").getByRole("button", { name: "Clear the search" }).click();
  await expect.poll(async () => (await cardNames(page)).length).toBe(PEOPLE + 4);
});

it("shows how much of a file was understood, and which keys were not", async () => {
  const { page } = studio;
  await card(page, "odd").click();
  const { matched, total, modules } = await detailsOf("odd");
  expect(total - matched).toBe(1);
  await expect
    .poll(() => fact(page, "Understood").innerText())
    .toBe(`${matched} of ${total} keys, ${modules} modules`);
  await page.getByRole("button", { name: "1 key not understood" }).click();
  await page.getByText("lora_unet_nobody_knows.weight", { exact: true }).waitFor();
});

it("keeps tags, notes, rating and favourite through a reload", async () => {
  const { page } = studio;
  await card(page, "Gita").click();
  const inspector = page.getByTestId("inspector");
  await inspector.getByText("Gita", { exact: true }).first().waitFor();
  await inspector.getByRole("button", { name: "Add to favourites" }).click();
  await inspector.getByRole("button", { name: "Add a tag" }).click();
  await inspector.getByRole("textbox", { name: "Add a tag" }).fill("soft light");
  await page.keyboard.press("Enter");
  await inspector.getByRole("button", { name: "Search for the tag soft light" }).waitFor();
  const rating = inspector.getByRole("slider", { name: "Rating of Gita" });
  await rating.focus();
  for (let stars = 0; stars < 3; stars++) {
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => rating.getAttribute("aria-valuenow")).toBe(String(stars + 1));
  }
  await inspector.getByRole("textbox", { name: "Notes" }).fill("Too strong above 0.8");
  await page.keyboard.press("Tab");
  await expect
    .poll(() => detailsOf("Gita"))
    .toMatchObject({ favourite: true, rating: 3, notes: "Too strong above 0.8" });

  await page.reload();
  await card(page, "Gita").waitFor();
  expect(await inspector.getByRole("textbox", { name: "Notes" }).inputValue()).toBe(
    "Too strong above 0.8",
  );
  expect(await rating.getAttribute("aria-valuenow")).toBe("3");
  await search('tag:"soft light"', ["Gita"]);
  await search("strong is:favourite", ["Gita"]);
  await search("", await everyName());
  expect((await detailsOf("Gita")).tags).toContain("soft light");
});

const everyName = async () =>
  (await host.client.library.list({ limit: 100 })).cards.map(({ name }) => name);

it("makes a collection and fills it with several at once, and undo takes them out", async () => {
  const { page } = studio;
  await page.getByRole("button", { name: "New collection" }).click();
  await page.getByRole("textbox", { name: "Name of the new collection" }).fill("Winter");
  await page.keyboard.press("Enter");
  const winter = page.getByRole("button", { name: /^Winter/ });
  await winter.waitFor();
  await card(page, "Ada").click();
  await card(page, "Cato").click({ modifiers: ["ControlOrMeta"] });
  await page.getByText("2 LoRAs selected").waitFor();
  await card(page, "Cato").dragTo(winter);
  await toast(page, "2 LoRAs added to “Winter”").waitFor();
  await winter.click();
  await expect.poll(async () => (await cardNames(page)).toSorted()).toEqual(["Ada", "Cato"]);
  const collections = async () =>
    (await host.client.library.overview()).collections.find(({ name }) => name === "Winter")?.count;
  expect(await collections()).toBe(2);
  await page.keyboard.press("ControlOrMeta+z");
  await expect.poll(collections).toBe(0);
  await page.getByRole("heading", { name: "This collection is empty" }).waitFor();
  await page.keyboard.press("ControlOrMeta+Shift+z");
  await expect.poll(collections).toBe(2);
  await page.getByRole("button", { name: /^All/ }).click();
});

it("selects a range with Shift and everything with Ctrl A", async () => {
  const { page } = studio;
  const names = await cardNames(page);
  await card(page, names[1] ?? "").click();
  await card(page, names[4] ?? "").click({ modifiers: ["Shift"] });
  await page.getByText("4 LoRAs selected").waitFor();
  await page.keyboard.press("ControlOrMeta+a");
  await page.getByText(`${names.length} LoRAs selected`).waitFor();
  await page.keyboard.press("Escape");
  await page.getByText("Select a LoRA to see what Facet understood of it.").waitFor();
});

it("deletes with a way back, and restores from the trash", async () => {
  const { page } = studio;
  await card(page, "Hamza").click();
  await page.keyboard.press("Delete");
  await card(page, "Hamza").waitFor({ state: "detached" });
  await toast(page, "1 LoRA moved to the trash").getByRole("button", { name: "Undo" }).click();
  await card(page, "Hamza").waitFor();
  await card(page, "Hamza").click();
  await page.keyboard.press("Delete");
  await card(page, "Hamza").waitFor({ state: "detached" });
  expect((await host.client.library.overview()).trash).toBe(1);
  await page.getByRole("button", { name: /^Trash/ }).click();
  await card(page, "Hamza").click();
  await page.getByTestId("inspector").getByRole("button", { name: "Restore" }).click();
  await page.getByRole("heading", { name: "The trash is empty" }).waitFor();
  await page.getByRole("button", { name: /^All/ }).click();
  await card(page, "Hamza").waitFor();
  expect((await detailsOf("Hamza")).name).toBe("Hamza");
});

it("finds a copy that was saved again, whatever its name and numbers", async () => {
  const { page } = studio;
  await page.getByRole("button", { name: /^Look alike/ }).click();
  const group = page.getByRole("region", { name: /Look-alikes of (Cato|again)/ });
  await group.waitFor();
  expect((await group.locator("[data-id] .card-name").allTextContents()).toSorted()).toEqual([
    "Cato",
    "again",
  ]);
  await page.getByRole("button", { name: /^All/ }).click();
  await card(page, "again").click();
  const nearest = page.locator(".neighbour").first();
  expect(await nearest.getAttribute("aria-label")).toMatch(/^Cato, similarity 1\.00$/);
});

it("renames in place and offers the same by a right click", async () => {
  const { page } = studio;
  await card(page, "again").click({ button: "right" });
  await page.getByRole("menuitem", { name: "Add to favourites" }).click();
  await expect.poll(async () => (await detailsOf("again")).favourite).toBe(true);
  await page.getByTestId("inspector").getByRole("button", { name: "Rename" }).click();
  await page.getByRole("textbox", { name: "Rename" }).fill("Cato, saved again");
  await page.keyboard.press("Enter");
  await card(page, "Cato, saved again").waitFor();
  await page.keyboard.press("ControlOrMeta+z");
  await card(page, "again").waitFor();
  expect(await grid(page).isVisible()).toBe(true);
});

it("made no errors on the way", async () => {
  await goTo(studio.page, "Library");
  expect(studio.troubles).toEqual([]);
});
