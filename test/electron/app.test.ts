/** The desktop application: one window without powers, the bridge, and what it refuses. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { _electron, type ElectronApplication, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findElectron } from "../../build/tools/electron.ts";
import { root } from "../../build/tools/paths.ts";

let folder: string;
let app: ElectronApplication;
let page: Page;

async function launch(): Promise<ElectronApplication> {
  const executablePath = findElectron();
  if (executablePath === undefined) {
    throw new Error("Electron's binary is not here: npx install-electron fetches it.");
  }
  // As root, which some containers are, Chromium's sandbox cannot be set up.
  const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return _electron.launch({
    executablePath,
    args: [root, ...asRoot],
    env: {
      ...(process.env as Record<string, string>),
      FACET_USER_DATA: join(folder, "user data"),
      FACET_LIBRARY: join(folder, "library"),
    },
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facet-electron-"));
  app = await launch();
  page = await app.firstWindow();
  await page.waitForLoadState("domcontentloaded");
});

afterAll(async () => {
  await app?.close();
  await rm(folder, { recursive: true, force: true });
});

describe("the window", () => {
  it("opens the bundle by its own scheme and shows it", async () => {
    expect(page.url()).toMatch(/^studio:\/\/app\//);
    await page.getByRole("navigation").first().waitFor();
    const visible = () =>
      app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((w) => w.isVisible()));
    await expect.poll(visible).toEqual([true]);
  });

  it("gives its page no powers", async () => {
    const preferences = await app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows().map((window) => {
        // Electron documents it, its types leave it out.
        const contents = window.webContents as unknown as {
          getLastWebPreferences(): Record<string, unknown>;
        };
        const last = contents.getLastWebPreferences();
        return {
          contextIsolation: last["contextIsolation"],
          sandbox: last["sandbox"],
          nodeIntegration: last["nodeIntegration"],
          webSecurity: last["webSecurity"],
          webviewTag: last["webviewTag"],
          allowRunningInsecureContent: last["allowRunningInsecureContent"] ?? false,
        };
      }),
    );
    expect(preferences).toEqual([
      {
        contextIsolation: true,
        sandbox: true,
        nodeIntegration: false,
        webSecurity: true,
        webviewTag: false,
        allowRunningInsecureContent: false,
      },
    ]);
    const globals = await page.evaluate(() =>
      ["require", "process", "module", "ipcRenderer", "Buffer"].filter((name) => name in window),
    );
    expect(globals).toEqual([]);
  });

  it("keeps its smallest size", async () => {
    const size = await app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.getMinimumSize(),
    );
    expect(size).toEqual([900, 600]);
  });
});

describe("the bridge", () => {
  it("has three operations and nothing else", async () => {
    const shape = await page.evaluate(() =>
      Object.entries((window as unknown as { studio: object }).studio).map(
        ([name, value]) => `${name}: ${typeof value}`,
      ),
    );
    expect(shape.toSorted()).toEqual([
      "connect: function",
      "pathOf: function",
      "shell: string",
      "startDrag: function",
    ]);
  });

  it("hands the page a port on which the contract answers", async () => {
    // The pages come alive over the port: without it they would say that the connection is lost.
    const port = await page.evaluate(
      () =>
        new Promise<boolean>((resolve) => {
          window.addEventListener("message", (event) => {
            if (event.data === "facet:port") resolve(event.ports.length === 1);
          });
          (window as unknown as { studio: { connect(): void } }).studio.connect();
        }),
    );
    expect(port).toBe(true);
    await page.reload();
    await page.getByRole("navigation").first().waitFor();
    await page.getByText("Library", { exact: true }).first().click();
    await page.getByRole("main").waitFor();
    expect(await page.getByText(/connection.*lost/i).count()).toBe(0);
  });

  it("hears no message but those of its own page", async () => {
    const survived = await app.evaluate(({ ipcMain, BrowserWindow }) => {
      const sender = BrowserWindow.getAllWindows()[0]?.webContents;
      let drags = 0;
      if (sender !== undefined) sender.startDrag = () => (drags += 1);
      const message = { paths: ["/etc/passwd"], icon: "" };
      ipcMain.emit("studio:start-drag", { senderFrame: null, sender }, message);
      ipcMain.emit(
        "studio:start-drag",
        { senderFrame: { origin: "https://evil.example" }, sender },
        message,
      );
      // From the right page, but a file that Facet did not stage.
      ipcMain.emit("studio:start-drag", { senderFrame: sender?.mainFrame, sender }, message);
      return drags;
    });
    expect(survived).toBe(0);
  });
});

describe("a page that misbehaves", () => {
  it("can neither leave, nor open windows, nor get permissions", async () => {
    await page.evaluate(() => {
      window.open("https://example.com/");
      location.href = "https://example.com/";
    });
    const permission = await page.evaluate(() =>
      navigator.permissions.query({ name: "geolocation" }).then(({ state }) => state),
    );
    expect(permission).toBe("denied");
    expect(page.url()).toMatch(/^studio:\/\/app\//);
    expect(app.windows()).toHaveLength(1);
  });

  it("reads nothing outside the bundle and the library's previews", async () => {
    const statuses = await page.evaluate(() =>
      Promise.all(
        [
          "studio://app/../../package.json",
          "studio://app/%2e%2e/%2e%2e/package.json",
          "studio://app/picture/..%2f..%2ffacet.sqlite",
          "studio://app/picture/facet.sqlite",
          "studio://elsewhere/index.html",
        ].map((address) =>
          fetch(address).then(
            (response) => response.status,
            () => 0,
          ),
        ),
      ),
    );
    for (const status of statuses) expect([0, 404]).toContain(status);
  });
});

it("is the only one of its user", async () => {
  const second = await launch().catch(() => undefined);
  if (second !== undefined) {
    await second.waitForEvent("close").catch(() => undefined);
  }
  expect(app.windows()).toHaveLength(1);
});
