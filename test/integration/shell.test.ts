/** What Electron's scheme answers and what may be dragged out, without Electron. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Content } from "../../src-main/host/content.ts";
import { answerPage } from "../../src-main/shell/answer.ts";
import { isStaged } from "../../src-main/shell/staged.ts";

const HASH = "ab".repeat(32);
const TOKEN = "export-0b6f2f0e-9b1c-4d43-8a57-6b1d8f0a7c11";

let folder: string;
let staging: string;
let content: Content;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facet-shell-"));
  const library = join(folder, "library");
  staging = join(library, "staging");
  await mkdir(join(folder, "bundle", "assets"), { recursive: true });
  await mkdir(join(library, "previews"), { recursive: true });
  await mkdir(join(staging, TOKEN), { recursive: true });
  await writeFile(join(folder, "secret"), "the secret");
  await writeFile(join(folder, "bundle", "index.html"), "<title>Facet</title>");
  await writeFile(join(folder, "bundle", "assets", "app.js"), "export {};");
  await writeFile(join(library, "previews", `${HASH}.webp`), "a preview");
  await writeFile(join(staging, TOKEN, "face.safetensors"), "weights");
  await symlink(join(folder, "secret"), join(staging, "link"));
  content = new Content({ bundle: join(folder, "bundle"), library });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const get = (url: string, method = "GET") => answerPage({ url, method }, content);

describe("the studio scheme", () => {
  it("serves the pages with the policy, and their own addresses", async () => {
    const page = get("studio://app/");
    expect(await page.text()).toBe("<title>Facet</title>");
    expect(page.headers.get("content-security-policy")).toContain("connect-src 'self';");
    expect(page.headers.get("x-content-type-options")).toBe("nosniff");
    expect(get("studio://app/explore?space=1").headers.get("content-type")).toMatch(/^text\/html/);
    expect(get("studio://app").status).toBe(200);
  });

  it("serves previews by hash and staged exports by token", async () => {
    expect(await get(`studio://app/picture/${HASH}.webp`).text()).toBe("a preview");
    const download = get(`studio://app/download/${TOKEN}`);
    expect(await download.text()).toBe("weights");
    expect(download.headers.get("content-disposition")).toContain('filename="face.safetensors"');
    expect(await get("studio://app/assets/app.js", "HEAD").text()).toBe("");
  });

  it.each([
    "studio://app/../secret",
    "studio://app/%2e%2e/secret",
    "studio://app/..%2fsecret",
    "studio://app/assets/..\\..\\secret",
    "studio://app//secret",
    "studio://app/picture/../../secret",
    `studio://app/download/..${"x".repeat(20)}`,
    `studio://app/picture/${"0".repeat(64)}.webp`,
    "studio://elsewhere/",
    "file:///etc/passwd",
    "studio://app/missing.js",
  ])("has nothing at %s", (url) => {
    expect(get(url).status).toBe(404);
  });

  it("takes nothing in", () => {
    for (const method of ["POST", "PUT", "DELETE"])
      expect(get("studio://app/", method).status).toBe(405);
  });
});

describe("a drag out of the window", () => {
  it("takes files that Facet staged and no others", () => {
    expect(isStaged(join(staging, TOKEN, "face.safetensors"), staging)).toBe(true);
    expect(isStaged(join(staging, TOKEN), staging)).toBe(false);
    expect(isStaged(join(staging, "link"), staging)).toBe(false);
    expect(isStaged(join(staging, "..", "..", "secret"), staging)).toBe(false);
    expect(isStaged(join(folder, "secret"), staging)).toBe(false);
    expect(isStaged(join(staging, "gone"), staging)).toBe(false);
    expect(isStaged(`${staging}-other/x`, staging)).toBe(false);
  });
});
