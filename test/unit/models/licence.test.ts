/** What a model's folder says of its licence. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { licenceIn, licenceOf } from "../../../src-main/files/licence.ts";

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "facet-licence-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

it.each([
  [{ "README.md": "---\nlicense: openrail++\ntags: []\n---\n# SDXL" }, "openrail++"],
  [{ "readme.md": '\uFEFF---\r\nlicense: "mit"\r\n---\r\n' }, "mit"],
  [{ "README.md": "---\nlicense: other\nlicense_name: sdxl-turbo\n---" }, "sdxl-turbo"],
  [{ "README.md": "---\nlicense: other\n---" }, "other"],
  // A card that says nothing leaves it to the file.
  [
    {
      "README.md": "# A model\nlicense: no front matter",
      LICENSE: "\n  ===\nMIT License\n\nCopyright",
    },
    "MIT License",
  ],
  [{ "LICENSE.md": "# CreativeML Open RAIL-M #\n" }, "CreativeML Open RAIL-M"],
  [{ "licence.txt": "a\u0000b\u001B[31m" }, "a b [31m"],
  [{ "licenses-of-others.csv": "MIT" }, null],
  [{ LICENSE: "" }, null],
  [{}, null],
])("%j says %j", (files, licence) => {
  expect(licenceIn(folderWith(files))).toBe(licence);
});

it("never throws, and reads only the beginning", () => {
  expect(licenceIn("/nowhere")).toBeNull();
  const folder = folderWith({ LICENSE: `${"x".repeat(100_000)}\n` });
  expect(licenceIn(folder)).toHaveLength(200);
  const odd = folderWith({});
  mkdirSync(join(odd, "LICENSE"));
  expect(licenceIn(odd)).toBeNull();
});

it("is read from a file's metadata", () => {
  expect(licenceOf(new Map([["modelspec.license", " OpenRAIL++ "]]))).toBe("OpenRAIL++");
  expect(licenceOf(new Map([["license", "mit"]]))).toBe("mit");
  expect(licenceOf(new Map())).toBeNull();
});
