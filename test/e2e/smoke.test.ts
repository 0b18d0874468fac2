/** The studio opens in a browser, is alive, and keeps strangers out. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { openStudioPage, startStudioHost, type StudioHost } from "../support/studio-host.ts";

let host: StudioHost;

beforeAll(async () => {
  host = await startStudioHost();
});

afterAll(async () => {
  await host[Symbol.asyncDispose]();
});

it("opens every page without an error, and shows no token in the address", async () => {
  await using studio = await openStudioPage(host.url);
  const { page, troubles } = studio;
  await page.getByRole("navigation").first().waitFor();
  for (const name of ["Library", "Explore", "Blend", "Export", "Settings"]) {
    await page.getByRole("navigation").first().getByText(name, { exact: true }).click();
    await page.getByRole("main").waitFor();
  }
  expect(page.url()).not.toContain("token");
  expect(troubles).toEqual([]);
});

it("survives a reload and opens in a second tab, which has the cookie only", async () => {
  await using studio = await openStudioPage(host.url);
  const { page, context, troubles } = studio;
  await page.getByRole("navigation").first().waitFor();
  await page.reload();
  await page.getByRole("navigation").first().waitFor();
  const second = await context.newPage();
  await second.goto(new URL("/", host.url).href);
  await second.getByRole("navigation").first().waitFor();
  expect(await second.getByText("Open Facet by the address").count()).toBe(0);
  expect(troubles).toEqual([]);
});

it("lets no page of another origin call it", async () => {
  await using studio = await openStudioPage(host.url);
  const stranger = await studio.context.newPage();
  // Another port is another origin, and the browser would send the host's cookie there as well.
  await stranger.route("http://localhost:9/", (route) =>
    route.fulfill({ contentType: "text/html", body: "<title>stranger</title>" }),
  );
  await stranger.goto("http://localhost:9/");
  const address = new URL("/", host.url);
  const outcome = await stranger.evaluate(async (origin) => {
    const socket = new WebSocket(`${origin.replace("http", "ws")}rpc`);
    const opened = await new Promise((resolve) => {
      socket.onopen = () => resolve(true);
      socket.onclose = () => resolve(false);
    });
    const upload = await fetch(`${origin}upload?name=x`, {
      method: "POST",
      body: "x",
      credentials: "include",
    }).then(
      (response) => response.status,
      () => "refused",
    );
    return { opened, upload };
  }, address.href);
  expect(outcome).toEqual({ opened: false, upload: "refused" });
});

it("answers nothing to a visitor without a token", async () => {
  const address = new URL("/", host.url).origin;
  const asked = await Promise.all([
    fetch(`${address}/picture/${"0".repeat(64)}.webp`),
    fetch(`${address}/upload?name=x`, { method: "POST", body: "x" }),
    fetch(`${address}/session`, { method: "POST" }),
  ]);
  expect(asked.map(({ status }) => status)).toEqual([401, 403, 401]);
});
