/** Where LoRA folders are found on three systems, and what becomes of files that make no sense. */
import { describe, expect, it } from "vitest";
import { findLoraFolders, type Machine } from "../../../src-main/comfy/folders.ts";
import { foldersNamedIn } from "../../../src-main/comfy/model-paths.ts";
import { posix, win32 } from "node:path";

interface Tree {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string>;
  readonly folders?: readonly string[];
  readonly readOnly?: readonly string[];
}

function machine({
  platform,
  home,
  env = {},
  files = {},
  folders = [],
  readOnly = [],
}: Tree): Machine {
  return {
    platform,
    home,
    env,
    read: (path) => Promise.resolve(files[path] ?? null),
    look: (path) =>
      Promise.resolve({ folder: folders.includes(path), writable: !readOnly.includes(path) }),
  };
}

const found = async (tree: Tree, chosen: readonly string[] = []) =>
  (await findLoraFolders(chosen, machine(tree))).folders.map(({ path, source, tool, exists }) => [
    path,
    source,
    tool,
    exists,
  ]);

describe("LoRA folders of this machine", () => {
  it("finds nothing on an empty one, and shows no guesses", async () => {
    expect(await found({ platform: "linux", home: "/home/ada" })).toEqual([]);
  });

  it("Linux: a checkout, its extra paths, A1111", async () => {
    const yaml = `
comfyui:
  base_path: ~/big disk/models
  loras: loras
  is_default: true
a111:
  base_path: $WEBUI/
  loras: |
    models/Lora
    models/LyCORIS
`;
    const tree: Tree = {
      platform: "linux",
      home: "/home/ada",
      env: { WEBUI: "/srv/webui" },
      files: { "/home/ada/ComfyUI/extra_model_paths.yaml": yaml },
      folders: [
        "/home/ada/ComfyUI/models/loras",
        "/srv/webui/models/Lora",
        "/home/ada/stable-diffusion-webui/models/Lora",
      ],
    };
    expect(await found(tree, ["/mnt/out"])).toEqual([
      ["/mnt/out", "chosen", "", false],
      ["/home/ada/big disk/models/loras", "extra_model_paths.yaml", "ComfyUI", false],
      ["/srv/webui/models/Lora", "extra_model_paths.yaml", "A1111", true],
      ["/srv/webui/models/LyCORIS", "extra_model_paths.yaml", "A1111", false],
      ["/home/ada/ComfyUI/models/loras", "usual place", "ComfyUI", true],
      ["/home/ada/stable-diffusion-webui/models/Lora", "usual place", "A1111", true],
    ]);
  });

  it("Windows: the desktop app, its extra paths, the portable build, drives and slashes", async () => {
    const tree: Tree = {
      platform: "win32",
      home: "C:\\Users\\Ada",
      env: { APPDATA: "C:\\Users\\Ada\\AppData\\Roaming", MODELS: "E:\\models" },
      files: {
        "C:\\Users\\Ada\\AppData\\Roaming\\ComfyUI\\config.json": JSON.stringify({
          basePath: "D:\\Comfy",
          installState: "installed",
        }),
        "C:\\Users\\Ada\\AppData\\Roaming\\ComfyUI\\extra_models_config.yaml":
          "comfyui_desktop:\n  is_default: 'true'\n  base_path: D:\\Comfy\n  loras: models/loras/\n" +
          "comfyui_migration:\n  base_path: '%MODELS%'\n  loras: |\n    loras\n    D:/other/loras\n",
      },
      folders: [
        "D:\\Comfy\\models\\loras",
        "C:\\Users\\Ada\\Downloads\\ComfyUI_windows_portable\\ComfyUI\\models\\loras",
      ],
    };
    expect(await found(tree)).toEqual([
      ["D:\\Comfy\\models\\loras", "ComfyUI desktop", "ComfyUI", true],
      ["E:\\models\\loras", "extra_models_config.yaml", "ComfyUI", false],
      ["D:\\other\\loras", "extra_models_config.yaml", "ComfyUI", false],
      [
        "C:\\Users\\Ada\\Downloads\\ComfyUI_windows_portable\\ComfyUI\\models\\loras",
        "usual place",
        "ComfyUI",
        true,
      ],
    ]);
  });

  it("macOS: Desktop 2.0's model folders and shared paths", async () => {
    const settings = "/Users/ada/Library/Application Support/comfyui-desktop-2";
    const tree: Tree = {
      platform: "darwin",
      home: "/Users/ada",
      files: {
        [`${settings}/settings.json`]: JSON.stringify({ modelsDirs: ["/Volumes/Models", 7, ""] }),
        [`${settings}/shared_model_paths.yaml`]:
          "comfy.desktop_1:\n  base_path: /volumes/models\n  loras: loras\n",
      },
      folders: ["/Volumes/Models/loras", "/Users/ada/ComfyUI-Shared/models/loras"],
    };
    // The two spellings are one folder there.
    expect(await found(tree)).toEqual([
      ["/Volumes/Models/loras", "ComfyUI Desktop 2.0", "ComfyUI", true],
      ["/Users/ada/ComfyUI-Shared/models/loras", "usual place", "ComfyUI", true],
    ]);
  });

  it("says which folders cannot be written", async () => {
    const path = "/home/ada/ComfyUI/models/loras";
    const tree: Tree = { platform: "linux", home: "/home/ada", folders: [path], readOnly: [path] };
    expect((await findLoraFolders([], machine(tree))).folders).toMatchObject([
      { path, exists: true, writable: false },
    ]);
  });

  it("reports broken files and goes on", async () => {
    const tree: Tree = {
      platform: "linux",
      home: "/home/ada",
      files: {
        "/home/ada/.config/ComfyUI/config.json": "{",
        "/home/ada/.config/comfyui-desktop-2/settings.json": "[]",
        "/home/ada/ComfyUI/extra_model_paths.yaml": "a: [1\nb: }",
      },
      folders: ["/home/ada/ComfyUI/models/loras"],
    };
    const { folders, problems } = await findLoraFolders([], machine(tree));
    expect(folders).toHaveLength(1);
    expect(problems).toEqual([
      expect.stringContaining("/home/ada/.config/ComfyUI/config.json is not readable JSON"),
      expect.stringContaining("settings.json is not readable JSON"),
      expect.stringContaining("/home/ada/ComfyUI/extra_model_paths.yaml is not readable YAML"),
    ]);
  });
});

describe("extra_model_paths.yaml", () => {
  const here = { home: "/home/ada", env: { A: "/a", EMPTY: "" }, paths: posix, windows: false };
  const read = (text: string) =>
    foldersNamedIn(text, "/comfy/extra_model_paths.yaml", ["loras"], here);
  const paths = (text: string) => read(text).folders.map(({ path }) => path);

  it("joins to base_path, which may be relative to the file or missing", () => {
    expect(paths("s:\n  base_path: ../models\n  loras: l")).toEqual(["/models/l"]);
    expect(paths("s:\n  loras: l")).toEqual(["/comfy/l"]);
    expect(paths("s:\n  base_path: /b\n  loras: /elsewhere/l")).toEqual(["/elsewhere/l"]);
    expect(paths("s:\n  base_path: ${A}/x\n  loras: l")).toEqual(["/a/x/l"]);
    expect(paths("s:\n  base_path: $UNKNOWN/x\n  loras: l")).toEqual(["/comfy/$UNKNOWN/x/l"]);
  });

  it("puts a default section first, as ComfyUI does", () => {
    expect(paths("a:\n  loras: /1\nb:\n  is_default: true\n  loras: /2")).toEqual(["/2", "/1"]);
    // YAML 1.1, as Python reads it.
    expect(paths("a:\n  loras: /1\nb:\n  is_default: yes\n  loras: /2")).toEqual(["/2", "/1"]);
  });

  it("passes over what is not about LoRAs", () => {
    expect(read("s:\n  checkpoints: c\n  custom_nodes: n\nempty:\n")).toEqual({
      folders: [],
      problems: [],
    });
    expect(read("# only a comment\n")).toEqual({ folders: [], problems: [] });
    expect(read("")).toEqual({ folders: [], problems: [] });
  });

  it("says what ComfyUI would not take", () => {
    expect(read("s:\n  loras: [a, b]").problems).toEqual([
      expect.stringMatching(/s\.loras must be a path/),
    ]);
    expect(read("- a\n- b").problems).toEqual([expect.stringMatching(/no sections/)]);
    expect(read("s: text").problems).toEqual([expect.stringMatching(/s is not a section/)]);
  });

  it("does not follow a bomb of aliases", () => {
    const bomb = ["a: &a [x,x,x,x,x,x,x,x,x,x]"];
    for (let level = 1; level < 9; level++) {
      const name = String.fromCodePoint(97 + level);
      const below = String.fromCodePoint(96 + level);
      bomb.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${below}`).join(",")}]`);
    }
    expect(read(bomb.join("\n")).folders).toEqual([]);
    expect(read(bomb.join("\n")).problems.length).toBeGreaterThan(0);
  });

  it("knows drives and percent signs on Windows", () => {
    const windows = { home: "C:\\Users\\Ada", env: { M: "E:\\m" }, paths: win32, windows: true };
    const text = "s:\n  base_path: '%M%'\n  loras: |\n    loras\n    ~not\n";
    expect(
      foldersNamedIn(text, "C:\\comfy\\x.yaml", ["loras"], windows).folders.map(({ path }) => path),
    ).toEqual(["E:\\m\\loras", "E:\\m\\~not"]);
  });
});
