/** Where ComfyUI, its desktop apps, A1111 and Forge keep models of any kind, as their files and habits say. Reads only. */
import { posix, win32 } from "node:path";
import { foldersNamedIn, isRecord } from "./model-paths.ts";

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

export type ModelKind = "loras" | "checkpoints" | "unet" | "vae" | "diffusers";

/**
 * Names of a kind: in ComfyUI both the folder below `models` and the key in its YAML (older ones say `unet` for
 * `diffusion_models`); in A1111 and Forge the folder below `models`.
 */
const names: Readonly<
  Record<ModelKind, { readonly comfy: readonly string[]; readonly webui: readonly string[] }>
> = {
  loras: { comfy: ["loras"], webui: ["Lora"] },
  checkpoints: { comfy: ["checkpoints"], webui: ["Stable-diffusion"] },
  unet: { comfy: ["diffusion_models", "unet"], webui: [] },
  vae: { comfy: ["vae"], webui: ["VAE"] },
  diffusers: { comfy: ["diffusers"], webui: [] },
};

export interface Place {
  readonly kind: ModelKind;
  readonly path: string;
  /** Who says so, in words. */
  readonly source: string;
  readonly tool: string;
  /** Named by the user or by a file: shown even where it does not exist. Guesses are shown only where they do. */
  readonly named: boolean;
}

export interface Places {
  readonly places: readonly Place[];
  /** Files that were found but could not be understood, in words. */
  readonly problems: readonly string[];
}

/** The first of the kinds is where a tool's folder is expected even while it is missing. Nothing is asked of the disk but the tools' own files. */
export async function modelPlaces(kinds: readonly ModelKind[], machine: Machine): Promise<Places> {
  const paths = pathsOf(machine);
  const problems: string[] = [];
  const places: Place[] = [];
  const roots = usualRoots(machine);

  const below = (
    models: string,
    folders: "comfy" | "webui",
    from: Omit<Place, "kind" | "path">,
  ) => {
    for (const kind of kinds) {
      for (const name of names[kind][folders]) {
        const named = from.named && kind === kinds[0];
        places.push({ ...from, named, kind, path: paths.join(models, name) });
      }
    }
  };
  const fromYaml = async (file: string) => {
    const text = await machine.read(file);
    if (text === null) return;
    const kindOf = new Map(kinds.flatMap((kind) => names[kind].comfy.map((name) => [name, kind])));
    const found = foldersNamedIn(text, file, [...kindOf.keys()], {
      home: machine.home,
      env: machine.env,
      paths,
      windows: machine.platform === "win32",
    });
    problems.push(...found.problems);
    for (const { path, key, section } of found.folders) {
      const kind = kindOf.get(key);
      if (kind === undefined) continue;
      const tool = /^(a111|a1111|automatic1111|forge)/i.test(section) ? "A1111" : "ComfyUI";
      places.push({ kind, path, source: paths.basename(file), tool, named: true });
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

  const tool = "ComfyUI";
  const settings = settingsFolder(machine);
  const desktop = paths.join(settings, "ComfyUI");
  const { basePath } = await fromJson(paths.join(desktop, "config.json"));
  if (typeof basePath === "string" && basePath !== "") {
    const models = paths.join(basePath, "models");
    below(models, "comfy", { source: "ComfyUI desktop", tool, named: true });
    roots.comfy.unshift(basePath);
  }
  const desktop2 = paths.join(settings, "comfyui-desktop-2");
  const { modelsDirs } = await fromJson(paths.join(desktop2, "settings.json"));
  for (const models of Array.isArray(modelsDirs) ? modelsDirs : []) {
    if (typeof models !== "string" || models === "") continue;
    below(models, "comfy", { source: "ComfyUI Desktop 2.0", tool, named: true });
  }
  await fromYaml(paths.join(desktop, "extra_models_config.yaml"));
  await fromYaml(paths.join(desktop2, "shared_model_paths.yaml"));
  for (const root of roots.comfy) await fromYaml(paths.join(root, "extra_model_paths.yaml"));

  const guess = { source: "usual place", named: false };
  const shared = paths.join(machine.home, "ComfyUI-Shared");
  for (const root of [...roots.comfy, shared]) {
    below(paths.join(root, "models"), "comfy", { ...guess, tool });
  }
  for (const webui of roots.webui) {
    below(paths.join(webui.root, "models"), "webui", { ...guess, tool: webui.tool });
  }
  return { places, problems };
}

/** Each folder once, under the first name it was found by. */
export function eachOnce(places: readonly Place[], machine: Machine): Place[] {
  const paths = pathsOf(machine);
  const unique = new Map<string, Place>();
  for (const place of places) {
    const path = paths.normalize(place.path).replace(/(?<=[^/\\:])[/\\]+$/, "");
    const key = machine.platform === "linux" ? path : path.toLowerCase();
    if (!unique.has(key)) unique.set(key, { ...place, path });
  }
  return [...unique.values()];
}

function pathsOf(machine: Machine): typeof posix {
  return machine.platform === "win32" ? win32 : posix;
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
