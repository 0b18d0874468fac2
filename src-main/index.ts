/** Electron's entry: the start-up order, one named step a line. */
import { join } from "node:path";
import { app } from "electron";
import { compose, type Studio } from "./compose.ts";
import { Content } from "./host/content.ts";
import { foldersOf } from "./library/folders.ts";
import { defaultLibraryFolder } from "./library-folder.ts";
import { packageRoot } from "./package-root.ts";
import { answerPages } from "./shell/bridge.ts";
import { pickFiles, showInFolder, tellStartFailed } from "./shell/dialogs.ts";
import { allowDragOut } from "./shell/drag-out.ts";
import { forkUtility } from "./shell/engine-process.ts";
import { setMenu } from "./shell/menu.ts";
import { showProgress } from "./shell/progress.ts";
import { registerScheme, serveScheme } from "./shell/protocol.ts";
import { denyPermissions, forbidByDefault } from "./shell/security.ts";
import { isOnlyInstance } from "./shell/single-instance.ts";
import { createWindow, studioWindow } from "./shell/windows.ts";

function chooseUserData(): void {
  const folder = process.env["FACET_USER_DATA"];
  if (folder !== undefined) app.setPath("userData", folder);
}

function libraryFolder(): string {
  return app.commandLine.getSwitchValue("library") || defaultLibraryFolder();
}

/**
 * The library opens while the window does; a page's first calls wait for it. Where it cannot be opened,
 * the process ends, so that nobody needs to hear of a failure.
 */
async function openStudio(library: string): Promise<Studio> {
  try {
    return await compose({
      library,
      launch: forkUtility,
      shell: { kind: "electron", pickFiles, showInFolder },
    });
  } catch (error) {
    tellStartFailed(error);
    app.exit(1);
    return new Promise<never>(() => undefined);
  }
}

function openWindow(): void {
  createWindow();
  app.on("activate", () => {
    if (studioWindow() === undefined) createWindow();
  });
  app.on("window-all-closed", () => {
    if (process.platform !== "darwin") app.quit();
  });
}

/** Jobs stop at a safe place and the database closes before the process ends. */
function closeBeforeQuitting(studio: Promise<Studio>): void {
  let closed = false;
  app.on("will-quit", (event) => {
    if (closed) return;
    event.preventDefault();
    void studio
      .then((open) => open.close())
      // Nothing can be told any more; the library mends what a crash would leave as well.
      .catch(() => undefined)
      .finally(() => {
        closed = true;
        app.quit();
      });
  });
}

function start(): void {
  const library = libraryFolder();
  denyPermissions();
  serveScheme(new Content({ bundle: join(packageRoot, "out", "renderer"), library }));
  const studio = openStudio(library);
  answerPages(studio.then(({ router }) => router));
  allowDragOut(foldersOf(library).staging);
  setMenu();
  openWindow();
  closeBeforeQuitting(studio);
  // Closing the studio ends the watch, in one way or another: that is no failure.
  studio.then(async ({ client }) => showProgress(await client.jobs.watch())).catch(() => undefined);
}

// What must be said before Electron is ready stands here, at top level: nothing later is certain to come first.
chooseUserData();
registerScheme();
forbidByDefault();
if (isOnlyInstance()) void app.whenReady().then(start);
else app.quit();
