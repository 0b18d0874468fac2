/** What every story does on a page: going somewhere, dropping files, finding a card, waiting for a job. */
import { execFile } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import type { Locator, Page } from "playwright-core";
import type { Job } from "../../src-preload/contract/jobs.ts";
import type { StudioHost } from "../support/studio-host.ts";

type PageName = "Explore" | "Blend" | "Library" | "Export" | "Models" | "Settings";

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

/** Asks again until the answer is good; for what no page shows. */
export async function until<T>(
  ask: () => Promise<T>,
  good: (answer: T) => boolean,
  what: string,
): Promise<T> {
  const end = Date.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (good(answer)) return answer;
    if (Date.now() > end) throw new Error(`${what} did not come; last: ${JSON.stringify(answer)}`);
    await setTimeout(50);
  }
}

/** The newest job of a kind that began after `since`, once it has ended. */
export async function endedJob(host: StudioHost, kind: Job["kind"], since = 0): Promise<Job> {
  const find = async () =>
    (await host.client.jobs.list()).find(
      (job) => job.kind === kind && (job.startedAt ?? 0) >= since && job.finishedAt !== null,
    );
  const job = await until(find, (found) => found !== undefined, `the end of the ${kind}`);
  if (job === undefined) throw new Error("unreachable");
  return job;
}

export function toast(page: Page, text: string | RegExp): Locator {
  return page.locator(".toast").filter({ hasText: text });
}

/** The process of one of the host's engines. */
export async function engineOf(
  host: StudioHost,
  role: "interactive" | "background",
): Promise<number> {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid=,args="]);
  for (const line of stdout.split("\n")) {
    const [pid, parent] = line.trim().split(/\s+/);
    if (Number(parent) === host.process.pid && line.trim().endsWith(role)) return Number(pid);
  }
  throw new Error(`The host has no ${role} engine.`);
}

/** A number of the line below the instrument, as it is written. */
export function readout(page: Page, label: string): Locator {
  return page
    .getByRole("status", { name: "Measures" })
    .locator(".readout", { hasText: label })
    .locator("strong");
}

/** Names the draft on the page and keeps it. */
export async function keepAs(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "Keep as identity" }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.keyboard.press("Enter");
  await toast(page, `Kept as ${name}`).waitFor();
}
