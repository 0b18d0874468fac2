/** Where the library lies unless somebody says otherwise: one place for Electron, the host and the command line. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** `FACET_LIBRARY` where it is set, else the platform's place for an application's data. */
export function defaultLibraryFolder(
  environment: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const chosen = environment["FACET_LIBRARY"];
  if (chosen !== undefined && chosen !== "") return resolve(chosen);
  return join(dataFolder(environment, platform), "library");
}

function dataFolder(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  switch (platform) {
    case "darwin":
      return join(homedir(), "Library", "Application Support", "Facet");
    case "win32":
      return join(environment["LOCALAPPDATA"] ?? join(homedir(), "AppData", "Local"), "Facet");
    default:
      return join(environment["XDG_DATA_HOME"] || join(homedir(), ".local", "share"), "facet");
  }
}
