/** The table of zones in ARCHITECTURE.md as a list of rules, and the check of a file against it. */
import type { Import, SourceFile } from "./import-scan.ts";

interface Zone {
  readonly name: string;
  readonly holds: (path: string) => boolean;
  /** Files of ours that it may import, besides its own. */
  readonly ours: readonly string[];
  /** Packages, by name; `node:` stands for all of Node's. */
  readonly packages: readonly string[] | "any";
  /** Fewer modules than this means that the check looked in the wrong place. */
  readonly least: number;
}

const CORE = "src-main/core/";
const CONTRACT = "src-preload/contract/";
const SHARED = ["src-main/package-root.ts", "src-main/library-folder.ts"];

/** Packages with one door: only files below these paths import them. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  "onnxruntime-node": ["src-main/engine/"],
  "better-sqlite3": ["src-main/library/"],
  electron: ["src-main/shell/", "src-main/index.ts", "src-preload/index.ts"],
};

/** Services of main: they know each other's folders, but neither the engine's insides nor the shells above them. */
const SERVICES = [
  "files",
  "library",
  "jobs",
  "spaces",
  "identities",
  "comfy",
  "export",
  "system",
  "training",
  "models",
  "previews",
  "procedures",
];
const services = SERVICES.map((name) => `src-main/${name}/`);

/** Of the engine, main sees how to start one and how to call it. */
const ENGINE_DOOR = ["src-main/engine/client.ts", "src-main/engine/launcher.ts"];

const inside = (prefix: string) => (path: string) => path.startsWith(prefix);

/** The first zone that holds a file is its zone. */
export const ZONES: readonly Zone[] = [
  {
    name: "core/onnx",
    holds: inside("src-main/core/onnx/"),
    ours: [CORE],
    packages: ["onnx-buf", "@bufbuild/protobuf"],
    least: 10,
  },
  { name: "core", holds: inside(CORE), ours: [], packages: [], least: 40 },
  {
    name: "files",
    holds: inside("src-main/files/"),
    ours: [CORE],
    packages: ["node:"],
    least: 3,
  },
  {
    name: "engine",
    holds: (path) => path.startsWith("src-main/engine/") || path === "src-main/engine.ts",
    ours: [CORE, CONTRACT, "src-main/files/", "src-main/engine/", "src-main/export/", ...SHARED],
    packages: [
      "node:",
      "onnxruntime-node",
      "onnx-buf",
      "@bufbuild/protobuf",
      "@orpc/server",
      "@orpc/client",
      "@orpc/contract",
      "zod",
      "sharp",
    ],
    least: 10,
  },
  {
    name: "services",
    holds: (path) => services.some((folder) => path.startsWith(folder)),
    ours: [CORE, CONTRACT, ...services, ...ENGINE_DOOR, ...SHARED],
    packages: [
      "node:",
      "better-sqlite3",
      "@orpc/server",
      "@orpc/client",
      "@orpc/contract",
      "zod",
      "yaml",
      "pino",
      "sharp",
    ],
    least: 25,
  },
  {
    name: "shells",
    holds: inside("src-main/"),
    ours: [
      CORE,
      CONTRACT,
      ...services,
      ...ENGINE_DOOR,
      ...SHARED,
      "src-main/host/",
      "src-main/cli/",
      "src-main/shell/",
      "src-main/compose.ts",
    ],
    packages: [
      "node:",
      "electron",
      "ws",
      "commander",
      "@orpc/server",
      "@orpc/client",
      "@orpc/contract",
      "zod",
      "pino",
    ],
    least: 25,
  },
  {
    name: "contract",
    holds: inside(CONTRACT),
    ours: [],
    packages: ["zod", "@orpc/contract"],
    least: 10,
  },
  {
    name: "preload",
    holds: inside("src-preload/"),
    ours: [CONTRACT],
    packages: ["electron"],
    least: 1,
  },
  {
    name: "renderer",
    holds: inside("src-renderer/"),
    ours: [CONTRACT],
    packages: "any",
    least: 30,
  },
];

/** What a page must not have, whatever else it uses. */
const NOT_FOR_PAGES =
  /^(?:node:|electron$|better-sqlite3$|onnxruntime-node$|sharp$|ws$|@orpc\/server$)/;

/** The bundler's own file runs in Node and lies among the pages. */
const RENDERER_TOOLS = new Set(["src-renderer/vite.config.ts"]);

export function zoneOf(path: string): Zone {
  const zone = ZONES.find(({ holds }) => holds(path));
  if (zone === undefined) throw new Error(`${path} lies in no zone.`);
  return zone;
}

/** Every broken rule of one file, in words. */
export function violations(file: SourceFile): string[] {
  return [...file.imports.flatMap((each) => brokenBy(each)), ...doorsBroken(file)];
}

function brokenBy({ from, to }: Import): string[] {
  if (RENDERER_TOOLS.has(from)) return [];
  const zone = zoneOf(from);
  const say = (why: string) => [`${from} imports ${to}: ${why}`];
  if (to.startsWith("src-")) {
    const allowed = zone.holds(to) && zoneOf(to) === zone;
    const other = zone.ours.some((prefix) => to.startsWith(prefix));
    return allowed || other ? [] : say(`${zone.name} may not see it`);
  }
  const doors = DOORS[to];
  if (doors !== undefined && !doors.some((door) => from.startsWith(door))) {
    return say(`its only door is ${doors.join(", ")}`);
  }
  if (zone.packages === "any") return NOT_FOR_PAGES.test(to) ? say("pages have none of it") : [];
  const allowed = zone.packages.some((name) =>
    name === "node:" ? to.startsWith("node:") : to === name,
  );
  return allowed ? [] : say(`${zone.name} does without it`);
}

/** Things that are no import and have one door all the same. */
const WORDS: readonly { word: RegExp; where: (path: string) => boolean; door: string }[] = [
  {
    word: /\bipcMain\b/,
    where: inside("src-main/"),
    door: "src-main/shell/doors.ts",
  },
  {
    word: /\bdialog\s*\.\s*show/,
    where: inside("src-main/"),
    door: "src-main/shell/dialogs.ts",
  },
  {
    word: /\bipcRenderer\b/,
    where: inside("src-"),
    door: "src-preload/index.ts",
  },
  {
    word: /\bwindow\.studio\b/,
    where: inside("src-renderer/"),
    door: "src-renderer/studio/",
  },
];

function doorsBroken({ path, code }: SourceFile): string[] {
  return WORDS.filter(
    ({ word, where, door }) => where(path) && !path.startsWith(door) && word.test(code),
  ).map(({ word, door }) => `${path} uses ${word.source}: its only door is ${door}`);
}
