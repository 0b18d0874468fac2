/** The studio's window: where it was last time, its own colour before the page paints, no powers. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { app, BrowserWindow, nativeTheme, screen, type Rectangle } from "electron";
import { z } from "zod";
import { writeAtomically } from "../files/atomic-write.ts";
import { packageRoot } from "../package-root.ts";
import { PAGE_ORIGIN } from "./addresses.ts";

const SMALLEST = { width: 900, height: 600 };
const FIRST = { width: 1440, height: 900 };

/** The grounds of the two themes; what shows until the page has painted. */
const GROUND = { dark: "#161616", light: "#f4f4f4" };

const Placement = z.object({
  x: z.int(),
  y: z.int(),
  width: z.int().min(SMALLEST.width),
  height: z.int().min(SMALLEST.height),
  maximized: z.boolean(),
});
type Placement = z.infer<typeof Placement>;

export function createWindow(): BrowserWindow {
  const placement = readPlacement();
  const window = new BrowserWindow({
    ...(placement ?? FIRST),
    minWidth: SMALLEST.width,
    minHeight: SMALLEST.height,
    show: false,
    title: "Facet",
    icon: join(packageRoot, "resources", "icons", "facet.png"),
    backgroundColor: nativeTheme.shouldUseDarkColors ? GROUND.dark : GROUND.light,
    webPreferences: {
      preload: join(import.meta.dirname, "../preload/index.cjs"),
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webSecurity: true,
      spellcheck: false,
    },
  });
  if (placement?.maximized === true) window.maximize();
  window.once("ready-to-show", () => window.show());
  window.on("close", () => rememberPlacement(window));
  void window.loadURL(`${PAGE_ORIGIN}/`);
  return window;
}

/** The one window; there is never a second. */
export function studioWindow(): BrowserWindow | undefined {
  return BrowserWindow.getAllWindows()[0];
}

function placementFile(): string {
  return join(app.getPath("userData"), "window.json");
}

function readPlacement(): Placement | undefined {
  try {
    const parsed = Placement.safeParse(JSON.parse(readFileSync(placementFile(), "utf8")));
    return parsed.success && isOnScreen(parsed.data) ? parsed.data : undefined;
  } catch {
    // The first start, or a file that somebody edited: the window opens at its first size.
    return undefined;
  }
}

/** A display may be gone since last time; enough of the title bar must be left to hold. */
function isOnScreen(bounds: Rectangle): boolean {
  return screen.getAllDisplays().some(({ workArea }) => {
    const width =
      Math.min(bounds.x + bounds.width, workArea.x + workArea.width) -
      Math.max(bounds.x, workArea.x);
    const top = bounds.y >= workArea.y && bounds.y < workArea.y + workArea.height - 40;
    return width >= 120 && top;
  });
}

function rememberPlacement(window: BrowserWindow): void {
  const placement: Placement = { ...window.getNormalBounds(), maximized: window.isMaximized() };
  const bytes = new TextEncoder().encode(JSON.stringify(placement));
  writeAtomically(placementFile(), [bytes], { overwrite: true });
}
