/** Opens an address in the default browser, where there is a desktop with one. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Whether windows can be shown; macOS and Windows always have a desktop. */
export function hasDisplay(
  environment: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): boolean {
  if (platform !== "linux") return true;
  return Boolean(environment["DISPLAY"] || environment["WAYLAND_DISPLAY"]);
}

/** False where there is nothing to open it with: the printed address is enough then. */
export function openInBrowser(address: string): boolean {
  if (process.env["CI"] !== undefined || !hasDisplay()) return false;
  const [program, ...before] = opener();
  if (program === undefined) return false;
  const child = spawn(program, [...before, address], { stdio: "ignore", detached: true });
  // No browser is no failure.
  child.on("error", () => undefined);
  child.unref();
  return true;
}

function opener(): string[] {
  switch (process.platform) {
    case "darwin":
      return ["open"];
    case "win32":
      // Not `cmd /c start`: that would read the address as a command line.
      return ["rundll32", "url.dll,FileProtocolHandler"];
    default: {
      const folders = (process.env["PATH"] ?? "").split(delimiter);
      return folders.some((folder) => existsSync(join(folder, "xdg-open"))) ? ["xdg-open"] : [];
    }
  }
}
