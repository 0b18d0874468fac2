/** Bundles the pages, and Electron's main and preload, when their sources changed since last time. */
import { createHash } from "node:crypto";
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { out, root } from "./tools/paths.ts";

const PAGES = {
  stamp: join(out, "renderer", ".stamp"),
  sources: ["src-renderer/**/*", "src-preload/contract/**/*"],
};
const DESKTOP = {
  stamp: join(out, "main", ".stamp"),
  sources: ["src-main/**/*", "src-preload/**/*", "src-renderer/**/*", "electron.vite.config.ts"],
};

/** Content, not times: a checkout gives every file the time of the checkout. */
function fingerprint(sources: readonly string[]): string {
  const hash = createHash("sha256");
  const files = globSync([...sources, "package-lock.json", "tsconfig.base.json"], {
    cwd: root,
    withFileTypes: true,
  });
  const paths = files
    .filter((file) => file.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  for (const path of paths.toSorted()) {
    hash.update(path.slice(root.length)).update("\0").update(readFileSync(path)).update("\0");
  }
  return hash.digest("hex");
}

function isFresh(stamp: string, now: string): boolean {
  try {
    return readFileSync(stamp, "utf8") === now;
  } catch {
    return false;
  }
}

function writeStamp(stamp: string, content: string): void {
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, content);
}

/** The pages for the host. True where they had to be built. */
export async function bundlePages(): Promise<boolean> {
  const now = fingerprint(PAGES.sources);
  if (isFresh(PAGES.stamp, now)) return false;
  console.log("Bundling the pages.");
  const { build } = await import("vite");
  await build({ configFile: join(root, "src-renderer", "vite.config.ts"), logLevel: "warn" });
  writeStamp(PAGES.stamp, now);
  return true;
}

/** Main, engine, preload and pages for Electron. */
export async function bundleDesktop(): Promise<boolean> {
  const now = fingerprint(DESKTOP.sources);
  if (isFresh(DESKTOP.stamp, now)) return bundlePages();
  console.log("Bundling the desktop application.");
  const { build } = await import("electron-vite");
  await build({ configFile: join(root, "electron.vite.config.ts"), logLevel: "warn" });
  writeStamp(DESKTOP.stamp, now);
  writeStamp(PAGES.stamp, fingerprint(PAGES.sources));
  return true;
}

if (import.meta.main) {
  const desktop = process.argv.includes("--desktop");
  const built = await (desktop ? bundleDesktop() : bundlePages());
  if (!built) console.log("The bundle is up to date.");
}
