/** Finds the LoRA folders of ComfyUI, A1111 and Forge on this machine (formats.md 4.2, 4.3). Reads only. */
import { constants } from "node:fs";
import { access, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, posix, win32 } from "node:path";
import { isRecord, loraFoldersIn } from "./model-paths.ts";

export interface FoundFolder {
  readonly path: string;
  readonly source: string;
  readonly tool: string;
  readonly exists: boolean;
  readonly writable: boolean;
}

/** The machine as the search sees it, so that a test can be any machine. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text of a file; null where there is none that can be read. */
  read(path: string): Promise<string | null>;
  /** Whether a folder is there, and whether an export could write into it or make it. */
  look(path: string): Promise<{ folder: boolean; writable: boolean }>;
}

export function thisMachine(): Machine {
  return {
    platform: process.platform,
    home: homedir(),
    env: process.env,
    read: (path) => readFile(path, "utf8").catch(() => null),
    async look(path) {
      const folder = await stat(path).then(
        (found) => found.isDirectory(),
        () => false,
      );
      // An export makes a folder that is missing, but nothing above it.
      const writable = await access(folder ? path : dirname(path), constants.W_OK).then(
        () => true,
        () => false,
      );
      return { folder, writable };
    },
  };
}

export interface Search {
  readonly folders: FoundFolder[];
  /** Files that were found but could not be understood, in words. */
  readonly problems: string[];
}

interface Candidate {
  readonly path: string;
  readonly source: string;
  readonly tool: string;
  /** Named by the user or by a file: shown even where it does not exist. Guesses are shown only where they do. */
  readonly named: boolean;
}

/** @param chosen folders from the settings; they come first. */
export async function findLoraFolders(
  chosen: readonly string[],
  machine: Machine,
): Promise<Search> {
  const paths = machine.platform === "win32" ? win32 : posix;
  const problems: string[] = [];
  const candidates: Candidate[] = chosen.map((path) => ({
    path,
    source: "chosen",
    tool: "",
    named: true,
  }));
  const roots = usualRoots(machine);

  const fromYaml = async (file: string) => {
    const text = await machine.read(file);
    if (text === null) return;
    const found = loraFoldersIn(text, file, {
      home: machine.home,
      env: machine.env,
      paths,
      windows: machine.platform === "win32",
    });
    problems.push(...found.problems);
    for (const { path, section } of found.folders) {
      const tool = /^(a111|a1111|automatic1111|forge)/i.test(section) ? "A1111" : "ComfyUI";
      candidates.push({ path, source: paths.basename(file), tool, named: true });
    }
  };
  const fromJson = async (file: string): Promise<Record<string, unknown>> => {
    const text = await machine.read(file);
    if (text === null) return {};
    try {
      const document: unknown = JSON.parse(text);
      if (isRecord(document)) return document;
    } catch {
      // Said below, together with JSON that is no object.
    }
    problems.push(`${file} is not readable JSON`);
    return {};
  };

  const settings = settingsFolder(machine);
  const desktop = paths.join(settings, "ComfyUI");
  const { basePath } = await fromJson(paths.join(desktop, "config.json"));
  if (typeof basePath === "string" && basePath !== "") {
    const path = paths.join(basePath, "models", "loras");
    candidates.push({ path, source: "ComfyUI desktop", tool: "ComfyUI", named: true });
    roots.comfy.unshift(basePath);
  }
  const desktop2 = paths.join(settings, "comfyui-desktop-2");
  const { modelsDirs } = await fromJson(paths.join(desktop2, "settings.json"));
  for (const models of Array.isArray(modelsDirs) ? modelsDirs : []) {
    if (typeof models !== "string" || models === "") continue;
    const path = paths.join(models, "loras");
    candidates.push({ path, source: "ComfyUI Desktop 2.0", tool: "ComfyUI", named: true });
  }
  await fromYaml(paths.join(desktop, "extra_models_config.yaml"));
  await fromYaml(paths.join(desktop2, "shared_model_paths.yaml"));
  for (const root of roots.comfy) await fromYaml(paths.join(root, "extra_model_paths.yaml"));

  for (const root of roots.comfy) {
    const path = paths.join(root, "models", "loras");
    candidates.push({ path, source: "usual place", tool: "ComfyUI", named: false });
  }
  candidates.push({
    path: paths.join(machine.home, "ComfyUI-Shared", "models", "loras"),
    source: "usual place",
    tool: "ComfyUI",
    named: false,
  });
  for (const { root, tool } of roots.webui) {
    const path = paths.join(root, "models", "Lora");
    candidates.push({ path, source: "usual place", tool, named: false });
  }
  return { folders: await seen(candidates, machine), problems };
}

/** Each folder once, under the first name it was found by, with what the disk says of it. */
async function seen(candidates: readonly Candidate[], machine: Machine): Promise<FoundFolder[]> {
  const paths = machine.platform === "win32" ? win32 : posix;
  const unique = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const path = paths.normalize(candidate.path).replace(/(?<=[^/\\:])[/\\]+$/, "");
    const key = machine.platform === "linux" ? path : path.toLowerCase();
    if (!unique.has(key)) unique.set(key, { ...candidate, path });
  }
  const looked = await Promise.all(
    Array.from(unique.values(), async (candidate) => ({
      candidate,
      ...(await machine.look(candidate.path)),
    })),
  );
  return looked
    .filter(({ candidate, folder }) => folder || candidate.named)
    .map(({ candidate, folder, writable }) => ({
      path: candidate.path,
      source: candidate.source,
      tool: candidate.tool || guessTool(candidate.path),
      exists: folder,
      writable,
    }));
}

function guessTool(path: string): string {
  if (/forge/i.test(path)) return "Forge";
  if (/webui|automatic|a1111/i.test(path)) return "A1111";
  return /comfy/i.test(path) ? "ComfyUI" : "";
}

/** Where Electron keeps an app's user data. */
function settingsFolder(machine: Machine): string {
  switch (machine.platform) {
    case "win32":
      return machine.env["APPDATA"] ?? win32.join(machine.home, "AppData", "Roaming");
    case "darwin":
      return posix.join(machine.home, "Library", "Application Support");
    default:
      return machine.env["XDG_CONFIG_HOME"] ?? posix.join(machine.home, ".config");
  }
}

/** InvokeAI is missing on purpose: it keeps models under keys of its own, and files copied in are not seen. */
function usualRoots(machine: Machine): {
  comfy: string[];
  webui: { root: string; tool: string }[];
} {
  const paths = machine.platform === "win32" ? win32 : posix;
  const inHome = (...parts: string[]) => paths.join(machine.home, ...parts);
  const comfy = [
    inHome("ComfyUI"),
    inHome("Documents", "ComfyUI"),
    inHome("comfy", "ComfyUI"),
    inHome("AI", "ComfyUI"),
  ];
  const homes = [machine.home];
  if (machine.platform === "win32") {
    const drive = machine.env["SystemDrive"] ?? "C:";
    for (const folder of [machine.home, inHome("Downloads"), inHome("Desktop"), `${drive}\\`]) {
      comfy.push(paths.join(folder, "ComfyUI_windows_portable", "ComfyUI"));
    }
    comfy.push(`${drive}\\ComfyUI`);
    homes.push(`${drive}\\`);
  }
  // Rented machines and containers.
  if (machine.platform === "linux") comfy.push("/workspace/ComfyUI", "/opt/ComfyUI");
  const webui = homes.flatMap((folder) => [
    { root: paths.join(folder, "stable-diffusion-webui"), tool: "A1111" },
    { root: paths.join(folder, "stable-diffusion-webui-forge"), tool: "Forge" },
    { root: paths.join(folder, "sd-webui-forge-neo"), tool: "Forge" },
    { root: paths.join(folder, "webui_forge", "webui"), tool: "Forge" },
  ]);
  return { comfy, webui };
}
