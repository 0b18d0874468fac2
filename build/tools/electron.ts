/** Finds Electron's binary, and downloads it where that is possible. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./paths.ts";
import { runNode } from "./run.ts";

const PACKAGE = join(root, "node_modules", "electron");

/** To see whether the download's server answers at all; the download itself takes longer. */
const REACH_SECONDS = 20;
const DOWNLOAD_MINUTES = 8;

export type ElectronBinary =
  | { readonly kind: "found"; readonly path: string }
  | { readonly kind: "missing"; readonly reason: string };

/** The binary, if it is here. */
export function findElectron(): string | undefined {
  const name = join(PACKAGE, "path.txt");
  if (!existsSync(name)) return undefined;
  const folder = process.env["ELECTRON_OVERRIDE_DIST_PATH"] ?? join(PACKAGE, "dist");
  const path = join(folder, readFileSync(name, "utf8"));
  return existsSync(path) ? path : undefined;
}

/** The binary, downloaded if need be; where that fails, why, in a few words. */
export async function haveElectron(): Promise<ElectronBinary> {
  const here = findElectron();
  if (here !== undefined) return { kind: "found", path: here };
  const unreachable = await whyUnreachable();
  if (unreachable !== undefined) return { kind: "missing", reason: unreachable };
  console.log("Downloading Electron (about 110 MB, once).");
  const { code, timedOut } = await runNode(join(PACKAGE, "install.js"), [], {
    minutes: DOWNLOAD_MINUTES,
  });
  const path = findElectron();
  if (code === 0 && path !== undefined) return { kind: "found", path };
  const end = timedOut ? `did not end within ${DOWNLOAD_MINUTES} minutes` : "failed";
  return { kind: "missing", reason: `the download of Electron's binary ${end}` };
}

async function whyUnreachable(): Promise<string | undefined> {
  const mirror =
    process.env["ELECTRON_MIRROR"] ?? "https://github.com/electron/electron/releases/download/";
  const reason = `Electron's binary cannot be downloaded (${new URL(mirror).host} does not answer)`;
  try {
    const signal = AbortSignal.timeout(REACH_SECONDS * 1000);
    await fetch(mirror, { method: "HEAD", redirect: "manual", signal });
    return undefined;
  } catch {
    return reason;
  }
}
