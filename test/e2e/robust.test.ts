/** What happens when things break or grow: two thousand cards, an engine that dies, a host that goes away. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeTensorFile } from "../support/safetensors.ts";
import { percent } from "../../src-renderer/lib/format.ts";
import { smallModules } from "../support/small-loras.ts";
import {
  openStudioPage,
  startStudioHost,
  type StudioHost,
  type StudioPage,
} from "../support/studio-host.ts";
import { card, endedJob, engineOf, goTo, grid, readout, until } from "./page.ts";

const MANY = 2000;
const MEMBERS = 8;

let host: StudioHost;
let studio: StudioPage;

/** Two thousand LoRAs of one module, left where they are; a space over the first of them. */
beforeAll(async () => {
  host = await startStudioHost();
  const people = join(host.folder, "people");
  mkdirSync(people);
  for (let index = 1; index <= MANY; index++) writeTinyLora(people, index);
  await host.client.library.import({ paths: [people], storage: "reference" });
  await endedJob(host, "import");
  const ids = await host.client.library.ids({ sort: "name" });
  await host.client.spaces.fit({ members: ids.slice(0, MEMBERS), name: "Eight" });
  expect((await endedJob(host, "fit")).state).toBe("done");
  studio = await openStudioPage(host.url);
});

afterAll(async () => {
  await studio?.[Symbol.asyncDispose]();
  await host?.[Symbol.asyncDispose]();
});

const nameOf = (index: number) => `person ${String(index).padStart(4, "0")}`;

function writeTinyLora(folder: string, index: number): void {
  const [module] = smallModules;
  if (module === undefined) throw new Error("no module");
  const values = (size: number, speed: number) =>
    Float32Array.from(
      { length: size },
      (_, at) => 0.05 * Math.sin(at * speed + index * (1 + at / size)),
    );
  writeTensorFile(join(folder, `${nameOf(index)}.safetensors`), {
    [`${module.kohya}.alpha`]: { shape: [], values: [1] },
    [`${module.kohya}.lora_down.weight`]: { shape: [1, module.in], values: values(module.in, 0.7) },
    [`${module.kohya}.lora_up.weight`]: { shape: [module.out, 1], values: values(module.out, 1.3) },
  });
}

it("scrolls through two thousand cards with few of them on the page", async () => {
  const { page } = studio;
  await page.getByText("2,000 LoRAs").first().waitFor();
  await page
    .getByRole("combobox", { name: "Sort" })
    .or(page.getByLabel("Sort", { exact: true }))
    .first()
    .click();
  await page.getByRole("option", { name: "Name" }).click();
  await card(page, nameOf(1)).waitFor();
  const drawn = () => grid(page).locator("[data-id]").count();
  expect(await drawn()).toBeLessThan(150);
  await card(page, nameOf(1)).click();
  await page.keyboard.press("End");
  await card(page, nameOf(MANY)).waitFor();
  await card(page, nameOf(1)).waitFor({ state: "detached" });
  expect(await drawn()).toBeLessThan(150);
  await grid(page).hover();
  await page.mouse.wheel(0, -100_000);
  await card(page, nameOf(1)).waitFor();
  await page.getByRole("textbox", { name: "Search the library" }).fill("1234");
  await expect.poll(drawn).toBe(1);
  await page.locator(".toolbar").getByRole("button", { name: "Clear the search" }).click();
});

it("goes on measuring after the engine died in the middle of a drag", async () => {
  const { page } = studio;
  await goTo(page, "Explore");
  const slider = page.getByRole("slider", { name: "Component 1", exact: true });
  await slider.waitFor();
  await expect.poll(() => readout(page, "Further out than").innerText()).toBe("0 %");
  const box = await slider.boundingBox();
  if (box === null) throw new Error("The slider has no place on the page.");
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + 10, y);
  await page.mouse.down();
  await page.mouse.move(box.x + 30, y, { steps: 4 });
  const pid = await engineOf(host, "interactive");
  process.kill(pid, "SIGKILL");
  await page.mouse.move(box.x + box.width * 0.6, y, { steps: 8 });
  await page.mouse.up();
  const value = Number(await slider.getAttribute("aria-valuenow"));
  expect(value).toBeGreaterThan(0.5);
  const [space] = await host.client.spaces.list();
  const coordinates = Array.from({ length: space?.components ?? 0 }, (_, at) =>
    at === 0 ? value : 0,
  );
  const { extremity } = await host.client.identities.measure({
    kind: "point",
    space: space?.id ?? "",
    coordinates,
  });
  expect(extremity).toBeGreaterThan(0);
  await expect
    .poll(() => readout(page, "Further out than").innerText())
    .toBe(percent(extremity ?? 0));
  expect(await page.getByText("This point could not be measured").count()).toBe(0);
  expect(await engineOf(host, "interactive")).not.toBe(pid);
  expect(studio.troubles).toEqual([]);
});

it("says calmly that the host is away, and goes on where it was when it is back", async () => {
  const { page } = studio;
  await goTo(page, "Library");
  await card(page, nameOf(1)).click();
  await host.kill();
  const banner = page.getByRole("status").filter({ hasText: "The connection to Facet is away" });
  await banner.waitFor();
  expect(await page.getByRole("alert").count()).toBe(0);
  expect(await card(page, nameOf(1)).isVisible()).toBe(true);
  await host.startAgain();
  await banner.getByRole("button", { name: "Try now" }).click();
  await banner.waitFor({ state: "hidden" });
  // The browser itself reports each address that did not answer; the page must not add to that.
  expect(
    studio.troubles.filter((trouble) => !/ERR_CONNECTION_REFUSED|WebSocket/.test(trouble)),
  ).toEqual([]);
  studio.troubles.length = 0;
  await page.getByTestId("inspector").getByRole("button", { name: "Add to favourites" }).click();
  await page
    .getByTestId("inspector")
    .getByRole("button", { name: "Take out of favourites" })
    .waitFor();
  await until(
    () => host.client.library.overview(),
    ({ favourites }) => favourites === 1,
    "the favourite",
  );
  // The watchers are back as well: what another page does shows up here.
  const { cards } = await host.client.library.list({ query: nameOf(2) });
  await host.client.library.update({
    ids: cards.map(({ id }) => id),
    changes: { name: "Renamed elsewhere" },
  });
  await page.getByRole("textbox", { name: "Search the library" }).fill("elsewhere");
  await card(page, "Renamed elsewhere").waitFor();
  await host.client.library.update({
    ids: cards.map(({ id }) => id),
    changes: { name: "Elsewhere again" },
  });
  await card(page, "Elsewhere again").waitFor();
});

it("made no errors on the way", () => {
  expect(studio.troubles).toEqual([]);
});
