/** Makes the README's pictures from a real run: a made-up collection imported, fitted and looked at in Chromium. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { fillDemoLibrary } from "../test/support/demo-library.ts";
import { openStudioPage, startStudioHost } from "../test/support/studio-host.ts";
import { bundlePages } from "./bundle.ts";
import { root } from "./tools/paths.ts";

const folder = join(root, "resources", "pictures");

await bundlePages();
mkdirSync(folder, { recursive: true });
await using host = await startStudioHost((places) => fillDemoLibrary(places, 96));

async function go(page: Page, path: string): Promise<void> {
  await page.goto(`${new URL(page.url()).origin}/#${path}`);
  await page.waitForLoadState("networkidle");
}

async function picture(page: Page, name: string): Promise<void> {
  // Contents fade in within 120 ms; measures answer within a second.
  await page.waitForTimeout(1500);
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

for (const colorScheme of ["dark", "light"] as const) {
  await using opened = await openStudioPage(host.url, { colorScheme });
  const { page, troubles } = opened;
  await page.getByRole("navigation").first().waitFor();
  await go(page, "/settings");
  await page.getByText(colorScheme === "dark" ? "Dark" : "Light", { exact: true }).click();
  if (colorScheme === "dark") await picture(page, "settings");
  await go(page, "/library");
  await page.getByText("Ada, older").first().click();
  await picture(page, colorScheme === "dark" ? "library" : "library-light");
  if (colorScheme === "dark") {
    await page.getByRole("button", { name: /Explore from here/ }).click();
    await picture(page, "explore");
    await go(page, "/library");
    const cards = page.getByRole("option");
    await cards.nth(2).click();
    await cards.nth(3).click({ modifiers: ["ControlOrMeta"] });
    await cards.nth(5).click({ modifiers: ["ControlOrMeta"] });
    await page
      .getByRole("button", { name: /^Blend/ })
      .first()
      .click();
    await picture(page, "blend");
    await go(page, "/library");
    await page.keyboard.press("ControlOrMeta+a");
    await page
      .getByRole("button", { name: /^Export/ })
      .first()
      .click();
    await go(page, "/export");
    await picture(page, "export");
  }
  if (troubles.length > 0) throw new Error(`The pages had trouble:\n${troubles.join("\n")}`);
}
