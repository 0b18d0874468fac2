/** What the lock file must say so that `npm ci` works on a bare machine: any npm, no compiler, any registry. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { root } from "../../../build/tools/paths.ts";

const Entry = z.looseObject({
  version: z.string().optional(),
  resolved: z.string().optional(),
  gypfile: z.boolean().optional(),
  hasInstallScript: z.boolean().optional(),
  optional: z.boolean().optional(),
  optionalDependencies: z.record(z.string(), z.string()).optional(),
});
const read = (name: string): unknown => JSON.parse(readFileSync(join(root, name), "utf8"));
const { packages } = z
  .object({ packages: z.record(z.string(), Entry) })
  .parse(read("package-lock.json"));
const manifest = z
  .looseObject({
    allowScripts: z.record(z.string(), z.boolean()),
    dependencies: z.record(z.string(), z.string()),
    devDependencies: z.record(z.string(), z.string()),
  })
  .parse(read("package.json"));

describe("the lock file", () => {
  it("names no registry", () => {
    const named = Object.entries(packages).filter(([, { resolved }]) =>
      resolved?.startsWith("http"),
    );
    expect(named.map(([path]) => path)).toEqual([]);
  });

  it("keeps better-sqlite3 from being compiled", () => {
    // npm runs node-gyp wherever it sees a binding.gyp, unless the lock file's entry says `"gypfile": false`:
    // the package's own word is not read. `npm install` drops the line; put it back by hand.
    expect(packages["node_modules/better-sqlite3"]?.gypfile).toBe(false);
  });

  it("has every platform's part of the tools that have parts", () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) =>
          packages[`node_modules/${name}`] === undefined &&
          packages[`${path}/node_modules/${name}`] === undefined,
      ),
    );
    expect(missing).toEqual([]);
  });

  it("has no install script that package.json does not decide on", () => {
    const scripts = Object.entries(packages)
      .filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([path]) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length));
    const optional = (name: string) => packages[`node_modules/${name}`]?.optional === true;
    const decided = Object.keys(manifest.allowScripts);
    expect(scripts.filter((name) => !decided.includes(name) && !optional(name))).toEqual([]);
  });

  it("stands for exact versions: a range could bring another Electron, which downloads at install", () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies };
    expect(
      Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)),
    ).toEqual([]);
  });
});
