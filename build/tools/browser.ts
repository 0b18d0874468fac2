/** Finds a Chromium for the end-to-end tests, and installs one where there is none. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { tools } from "./paths.ts";
import { findProgram, run, runNode } from "./run.ts";

const NAMES = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "microsoft-edge",
  "msedge",
];

const ADVICE =
  "No Chromium was found and none could be installed. Install one (Debian: apt-get install chromium) " +
  "or name one in CHROME_PATH, then run npm test again.";

/** Where browsers usually are; undefined where none is. */
export function findBrowser(): string | undefined {
  const chosen = process.env["CHROME_PATH"];
  if (chosen !== undefined && chosen !== "") {
    if (existsSync(chosen)) return chosen;
    throw new Error(`CHROME_PATH names ${chosen}, which is not there.`);
  }
  for (const name of NAMES) {
    const found = findProgram(name);
    if (found !== undefined) return found;
  }
  return [...usualPlaces(), playwrightBrowser()].find((path) => existsSync(path));
}

/** A browser that starts, installed if need be. */
export async function haveBrowser(): Promise<string> {
  for (const attempt of [() => Promise.resolve(), installPackage, downloadBrowser]) {
    await attempt();
    const found = findBrowser();
    if (found !== undefined && (await starts(found))) return found;
  }
  throw new Error(ADVICE);
}

function usualPlaces(): string[] {
  const { env } = process;
  switch (process.platform) {
    case "darwin":
      return ["Google Chrome", "Chromium", "Microsoft Edge"].map(
        (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
      );
    case "win32":
      return [env["PROGRAMFILES"], env["PROGRAMFILES(X86)"], env["LOCALAPPDATA"]].flatMap(
        (folder) =>
          folder === undefined
            ? []
            : [
                join(folder, "Google", "Chrome", "Application", "chrome.exe"),
                join(folder, "Microsoft", "Edge", "Application", "msedge.exe"),
              ],
      );
    default:
      return ["/opt/google/chrome/chrome", "/snap/bin/chromium"];
  }
}

/** The one that Playwright downloads; its folder is named after the version that this Playwright wants. */
function playwrightBrowser(): string {
  return chromium.executablePath();
}

/** A file of that name may be a stub that only says how to install it. Chrome on Windows prints no version. */
async function starts(path: string): Promise<boolean> {
  if (process.platform === "win32") return true;
  const { code } = await run(path, ["--version"], { minutes: 0.5 });
  return code === 0;
}

async function installPackage(): Promise<void> {
  const aptGet = findProgram("apt-get");
  if (aptGet === undefined || process.getuid?.() !== 0) return;
  console.log("No Chromium here: installing Debian's package.");
  const environment = { DEBIAN_FRONTEND: "noninteractive" };
  await run(aptGet, ["update", "-q"], { minutes: 3, environment });
  const install = ["install", "-y", "-q", "--no-install-recommends", "chromium"];
  const { code, output } = await run(aptGet, install, { minutes: 8, environment });
  if (code !== 0) console.log(output.split("\n").slice(-5).join("\n"));
}

async function downloadBrowser(): Promise<void> {
  console.log("No Chromium here: downloading Playwright's.");
  const { code, output } = await runNode(tools.playwright, ["install", "chromium"], { minutes: 6 });
  if (code !== 0) console.log(output.split("\n").slice(-5).join("\n"));
}
