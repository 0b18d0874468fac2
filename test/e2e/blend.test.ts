/** Blending: three identities, a point between them, three ways to mix, and the mix kept. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { fillDemoLibrary } from "../support/demo-library.ts";
import {
  openStudioPage,
  startStudioHost,
  type StudioHost,
  type StudioPage,
} from "../support/studio-host.ts";
import { card, goTo, keepAs, readout } from "./page.ts";

const parents = ["Ada", "Bela", "Cato"];

let host: StudioHost;
let studio: StudioPage;
let ids: string[];
let space: string;

beforeAll(async () => {
  host = await startStudioHost((places) => fillDemoLibrary(places, 8));
  const { cards } = await host.client.library.list({ limit: 100 });
  ids = parents.map((name) => cards.find((each) => each.name === name)?.id ?? "");
  space = (await host.client.spaces.list())[0]?.id ?? "";
  studio = await openStudioPage(host.url);
});

afterAll(async () => {
  await studio?.[Symbol.asyncDispose]();
  await host?.[Symbol.asyncDispose]();
});

async function weights(): Promise<number[]> {
  const all = await studio.page.getByRole("slider", { name: /^Weight of / }).all();
  return Promise.all(all.map(async (each) => Number(await each.getAttribute("aria-valuenow"))));
}

const sum = (list: readonly number[]) => list.reduce((total, each) => total + each, 0);

it("begins with the one next step and takes identities one by one", async () => {
  const { page } = studio;
  await goTo(page, "Blend");
  await page.getByRole("heading", { name: "Blend two or more identities" }).waitFor();
  await page.locator(".empty").getByRole("button", { name: "Add an identity" }).click();
  const search = page.getByRole("textbox", { name: "Add an identity to the blend" });
  await search.fill("Ada");
  await page.getByRole("option", { name: /^Ada\b(?!,| and)/ }).click();
  await page.getByRole("heading", { name: "Add one more to blend with Ada" }).waitFor();
  for (const name of parents.slice(1)) {
    if (!(await search.isVisible()))
      await page.getByRole("button", { name: "Add an identity", exact: true }).first().click();
    await search.fill(name);
    await page
      .getByRole("option", { name: new RegExp(`^${name}`) })
      .first()
      .click();
    await page.getByRole("slider", { name: `Weight of ${name}` }).waitFor();
  }
  await page.keyboard.press("Escape");
  expect(sum(await weights())).toBeCloseTo(1, 2);
});

it("follows the point on the pad, and the weights always sum to 1", async () => {
  const { page } = studio;
  const point = page.getByRole("slider", { name: "Blend point" });
  const box = await point.boundingBox();
  if (box === null) throw new Error("The point has no place on the page.");
  const from = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const before = await weights();
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  // The first parent stands at the top.
  await page.mouse.move(from.x, from.y - 80, { steps: 6 });
  await expect.poll(async () => (await weights())[0]).toBeGreaterThan((before[0] ?? 1) + 0.05);
  expect(sum(await weights())).toBeCloseTo(1, 2);
  await page.mouse.up();
  const moved = await weights();
  await page.keyboard.press("ControlOrMeta+z");
  await expect.poll(weights).toEqual(before);
  await page.keyboard.press("ControlOrMeta+Shift+z");
  await expect.poll(weights).toEqual(moved);
  await page.getByRole("textbox", { name: "Weight of Cato, typed" }).fill("0,5");
  await page.keyboard.press("Enter");
  await expect.poll(async () => (await weights())[2]).toBe(0.5);
  expect(sum(await weights())).toBeCloseTo(1, 2);
});

it("holds a locked weight while the others share the rest", async () => {
  const { page } = studio;
  await page.getByRole("button", { name: "Lock Cato" }).click();
  await page.getByRole("slider", { name: "Weight of Ada" }).focus();
  await page.keyboard.press("ArrowLeft");
  await expect.poll(async () => (await weights())[2]).toBe(0.5);
  expect(sum(await weights())).toBeCloseTo(1, 2);
  await page.getByRole("button", { name: "Unlock Cato" }).click();
});

it("mixes in three ways and says how far they lie apart", async () => {
  const { page } = studio;
  const [a, b, c] = [0.5, 0.3, 0.2];
  for (const [name, weight] of [
    ["Ada", "0.5"],
    ["Bela", "0.3"],
  ] as const) {
    await page.getByRole("textbox", { name: `Weight of ${name}, typed` }).fill(weight);
    await page.keyboard.press("Enter");
    if (name === "Ada") await page.getByRole("button", { name: "Lock Ada" }).click();
  }
  await expect.poll(weights).toEqual([a, b, c]);
  const list = ids.map((id, at) => ({ id, weight: [a, b, c][at] ?? 0 }));
  for (const [label, mode] of [
    ["Latent", "latent"],
    ["Spherical", "slerp"],
    ["Delta", "delta"],
  ] as const) {
    await page.getByText(label, { exact: true }).click();
    const measure = await host.client.identities.measure({
      kind: "blend",
      mode,
      parents: list,
      ...(mode === "delta" ? {} : { space }),
    });
    expect(measure.difference).toBeGreaterThan(0);
    await expect
      .poll(() => readout(page, "Latent and delta differ by").innerText())
      .toBe(`${((measure.difference ?? 0) * 100).toFixed(1)} %`);
  }
});

it("keeps the mix with its parents and weights", async () => {
  const { page } = studio;
  await keepAs(page, "Three of them");
  await goTo(page, "Library");
  await card(page, "Three of them").click();
  await page
    .getByText("Exact mix of the products of Ada 0.50, Bela 0.30, Cato 0.20, cut to rank 4.")
    .waitFor();
  const id = (await card(page, "Three of them").getAttribute("data-id")) ?? "";
  const record = await host.client.identities.recipe({ id });
  if (record?.recipe.kind !== "delta-blend") throw new Error("another recipe");
  expect(record.recipe.parents.map(({ parent, weight }) => [parent.name, weight])).toEqual([
    ["Ada", 0.5],
    ["Bela", 0.3],
    ["Cato", 0.2],
  ]);
  expect((await host.client.identities.verify({ id })).same).toBe(true);
});

it("blends what is selected in the library, and finds the blend again after a reload", async () => {
  const { page } = studio;
  await card(page, "Dora").click();
  await card(page, "Emil").click({ modifiers: ["ControlOrMeta"] });
  await page.getByRole("button", { name: "Blend 2" }).click();
  await page.getByRole("heading", { name: "Blend of 2" }).waitFor();
  await expect.poll(weights).toEqual([0.5, 0.5]);
  await expect
    .poll(async () => JSON.stringify((await host.client.system.recall({ key: "blend" })).value))
    .toContain("Emil");
  await page.reload();
  await page.getByRole("heading", { name: "Blend of 2" }).waitFor();
  await expect.poll(weights).toEqual([0.5, 0.5]);
});

it("made no errors on the way", () => {
  expect(studio.troubles).toEqual([]);
});
