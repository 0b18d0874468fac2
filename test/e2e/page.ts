/** What every story does on a page: going somewhere, dropping files, finding a card, waiting for a job. */
import { expect } from "vitest";
import type { Locator, Page } from "playwright-core";
import type { Job } from "../../src-preload/contract/jobs.ts";
import type { StudioHost } from "../support/studio-host.ts";

type PageName = "Explore" | "Blend" | "Library" | "Export" | "Settings";

export async function goTo(page: Page, name: PageName): Promise<void> {
  const rail = page.getByRole("navigation", { name: "Pages" });
  await rail.getByText(name, { exact: true }).click();
  await rail.locator('[aria-current="page"]', { hasText: name }).waitFor();
}

/** Drops real files or folders, as the desktop would: scripts cannot make such a drop, the browser's protocol can. */
export async function drop(page: Page, paths: readonly string[]): Promise<void> {
  const protocol = await page.context().newCDPSession(page);
  const data = { items: [], files: [...paths], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const) {
    await protocol.send("Input.dispatchDragEvent", { type, x: 700, y: 450, data });
  }
  await protocol.detach();
}

export function grid(page: Page): Locator {
  return page.getByLabel("LoRAs", { exact: true });
}

export function card(page: Page, name: string): Locator {
  return grid(page)
    .locator("[data-id]")
    .filter({ has: page.getByText(name, { exact: true }) });
}

/** Names of the cards on the screen, in order. */
export function cardNames(page: Page): Promise<string[]> {
  return grid(page).locator("[data-id] .card-name").allTextContents();
}

/** The fact of the details panel behind its name. */
export function fact(page: Page, name: string): Locator {
  return page
    .locator("dt", { hasText: new RegExp(`^${name}$`) })
    .locator("xpath=following-sibling::dd[1]");
}

export async function openTray(page: Page): Promise<Locator> {
  const tray = page.getByTestId("jobs-tray");
  if ((await tray.getAttribute("aria-expanded")) !== "true") await tray.click();
  const list = page.getByRole("dialog", { name: "Jobs" });
  await list.waitFor();
  return list;
}

export async function closeTray(page: Page): Promise<void> {
  await page.keyboard.press("Escape");
  await page.getByRole("dialog", { name: "Jobs" }).waitFor({ state: "hidden" });
}

/** The newest job of a kind, once it has ended. */
export async function endedJob(host: StudioHost, kind: Job["kind"], after = 0): Promise<Job> {
  return expect
    .poll(
      async () => {
        const jobs = await host.client.jobs.list();
        return jobs.find((job) => job.kind === kind && (job.finishedAt ?? 0) > after);
      },
      { timeout: 30_000, interval: 50 },
    )
    .toBeDefined()
    .then(async () => {
      const jobs = await host.client.jobs.list();
      const found = jobs.find((job) => job.kind === kind && (job.finishedAt ?? 0) > after);
      if (found === undefined) throw new Error(`no ${kind} has ended`);
      return found;
    });
}
