/** Who imports whom, held against the table of zones; and proof that the check looked at something. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { scan, scanFolders, withoutComments } from "../support/import-scan.ts";
import { violations, ZONES, zoneOf } from "../support/zones.ts";

const root = join(import.meta.dirname, "..", "..");
const files = scanFolders(root, ["src-main", "src-preload", "src-renderer"]);

/** A soft and a hard limit on a file's length; the soft one asks for a reason in its header. */
const LONG = 400;
const TOO_LONG = 800;

describe("the zones", () => {
  it("import only what the table allows", () => {
    expect(files.flatMap(violations)).toEqual([]);
  });

  it("point only at files that are there", () => {
    const there = new Set(files.map(({ path }) => path));
    const missing = files
      .flatMap(({ imports }) => imports)
      .filter(({ to }) => /^src-.*\.tsx?$/.test(to) && !there.has(to));
    expect(missing).toEqual([]);
  });

  it.each(ZONES)("were all looked at: $name", (zone) => {
    const own = files.filter(({ path }) => zoneOf(path) === zone);
    expect(own.length).toBeGreaterThanOrEqual(zone.least);
    const imports = own.reduce((sum, file) => sum + file.imports.length, 0);
    expect(imports).toBeGreaterThanOrEqual(own.length === 1 ? 1 : own.length / 2);
  });

  it("keep their files short", () => {
    const report = ZONES.map((zone) => {
      const lines = files
        .filter(({ path }) => zoneOf(path) === zone)
        .map((file) => file.lines)
        .toSorted((a, b) => a - b);
      const median = lines[Math.floor(lines.length / 2)];
      return `${zone.name}: ${lines.length} files, median ${median}, longest ${lines.at(-1)} lines`;
    });
    console.info(report.join("\n"));
    const long = files
      .filter(({ lines }) => lines > LONG)
      .map(({ path, lines }) => `${path}: ${lines}`);
    if (long.length > 0) console.info(`above ${LONG} lines:\n${long.join("\n")}`);
    expect(files.filter(({ lines }) => lines > TOO_LONG).map(({ path }) => path)).toEqual([]);
  });
});

describe("the check", () => {
  it.each([
    ["src-main/core/a.ts", 'import { readFile } from "node:fs";'],
    ["src-main/core/a.ts", 'import { z } from "zod";'],
    ["src-main/core/lora/a.ts", 'export { x } from "../../library/library.ts";'],
    ["src-main/core/a.ts", 'import type { Form } from "../../src-preload/contract/common.ts";'],
    ["src-main/core/graph/a.ts", 'import { create } from "@bufbuild/protobuf";'],
    ["src-main/core/graph/a.ts", 'import { lowerGraph } from "../onnx/lower.ts";'],
    ["src-main/core/onnx/a.ts", 'import { Tensor } from "onnxruntime-node";'],
    ["src-main/core/onnx/a.ts", 'import { join } from "node:path";'],
    ["src-main/files/a.ts", 'import "zod";'],
    ["src-main/library/a.ts", 'import * as ort from "onnxruntime-node";'],
    ["src-main/library/a.ts", 'const { app } = await import("electron");'],
    ["src-main/jobs/a.ts", 'import Database from "better-sqlite3";'],
    ["src-main/jobs/a.ts", 'import { run } from "../engine/tasks/fit.ts";'],
    ["src-main/spaces/a.ts", 'import { startHost } from "../host/http.ts";'],
    ["src-main/host/a.ts", 'import { app } from "electron";'],
    ["src-main/host/a.ts", 'import { x } from "../../src-renderer/lib/x.ts";'],
    ["src-main/engine/a.ts", 'import Database from "better-sqlite3";'],
    ["src-main/engine/a.ts", 'import { openLibrary } from "../library/library.ts";'],
    ["src-main/cli/a.ts", 'import {\n  one,\n  two,\n} from "../engine/router.ts";'],
    ["src-preload/contract/a.ts", 'import { os } from "@orpc/server";'],
    ["src-preload/contract/a.ts", 'import { x } from "../../src-main/core/errors.ts";'],
    ["src-renderer/app/a.tsx", 'import { x } from "../../src-main/core/errors.ts";'],
    ["src-renderer/app/a.tsx", 'import "node:path";'],
    ["src-main/shell/a.ts", "ipcMain.on('x', () => {});"],
    ["src-main/shell/a.ts", "dialog.showErrorBox('a', 'b');"],
    ["src-renderer/features/a.tsx", "window.studio?.connect();"],
    ["src-preload/contract/a.ts", "ipcRenderer.send('x');"],
  ])("finds what is planted in %s: %s", (path, code) => {
    expect(violations(scan(path, code))).toHaveLength(1);
  });

  it.each([
    ["src-main/core/lora/a.ts", 'import { x } from "./b.ts";\nexport * from "../errors.ts";'],
    [
      "src-main/library/a.ts",
      'import Database from "better-sqlite3";\nimport { x } from "node:fs";',
    ],
    [
      "src-main/core/onnx/a.ts",
      'import { create } from "@bufbuild/protobuf";\nimport { x } from "../graph/node.ts";',
    ],
    ["src-main/core/a.ts", '// import "electron";\n/* import "node:fs"; */\nexport const a = 1;'],
    ["src-main/shell/doors.ts", 'import { ipcMain } from "electron";'],
    ["src-renderer/studio/a.ts", "window.studio?.connect();"],
  ])("lets pass what is allowed in %s: %s", (path, code) => {
    expect(violations(scan(path, code))).toEqual([]);
  });

  it("reads addresses in strings as strings, not as comments", () => {
    expect(withoutComments('const a = "https://x"; // away')).toBe('const a = "https://x";  ');
    expect(scan("src-main/host/a.ts", 'const a = "//"; import("ws");').imports).toHaveLength(1);
  });
});
