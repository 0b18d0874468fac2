/** Reads ComfyUI's `extra_model_paths.yaml` and its kin: which folders they name for models. Never writes them. */
import type { PlatformPath } from "node:path";
import { parse } from "yaml";

interface NamedFolder {
  readonly path: string;
  /** What it is named for, e.g. `loras`. */
  readonly key: string;
  /** The section that names it, e.g. `comfyui`, `a111`. */
  readonly section: string;
  readonly isDefault: boolean;
}

interface ModelPaths {
  readonly folders: readonly NamedFolder[];
  /** What could not be understood, in words. */
  readonly problems: readonly string[];
}

interface Surroundings {
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly paths: PlatformPath;
  /** Windows expands `%NAME%` besides `$NAME`. */
  readonly windows: boolean;
}

/**
 * @param file the YAML's own path: relative entries are relative to its folder.
 * @param keys the kinds of models that are asked for, e.g. `loras`.
 */
export function foldersNamedIn(
  text: string,
  file: string,
  keys: readonly string[],
  surroundings: Surroundings,
): ModelPaths {
  let document: unknown;
  try {
    // Python's loader is YAML 1.1: `yes` and `on` are true there. A key given twice keeps its last value in both.
    document = parse(text, { version: "1.1", uniqueKeys: false, logLevel: "error" });
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    return { folders: [], problems: [`${file} is not readable YAML: ${reason}`] };
  }
  if (document === null || document === undefined) return { folders: [], problems: [] };
  if (!isRecord(document)) return { folders: [], problems: [`${file} holds no sections`] };
  const folders: NamedFolder[] = [];
  const problems: string[] = [];
  for (const [section, content] of Object.entries(document)) {
    if (content === null) continue;
    if (!isRecord(content)) {
      problems.push(`${file}: ${section} is not a section of folders`);
      continue;
    }
    const base = baseOf(content, file, surroundings);
    for (const key of keys) {
      const named = content[key];
      if (named === undefined || named === null) continue;
      if (typeof named !== "string") {
        problems.push(
          `${file}: ${section}.${key} must be a path or a | block with one path a line`,
        );
        continue;
      }
      for (const line of named.split("\n")) {
        const entry = line.trim();
        if (entry === "") continue;
        folders.push({
          path: surroundings.paths.resolve(base, entry),
          key,
          section,
          isDefault: content["is_default"] === true,
        });
      }
    }
  }
  // ComfyUI puts a default section's folders first: that is where it would save.
  folders.sort((left, right) => Number(right.isDefault) - Number(left.isDefault));
  return { folders, problems };
}

function baseOf(
  section: Record<string, unknown>,
  file: string,
  surroundings: Surroundings,
): string {
  const folder = surroundings.paths.dirname(file);
  const base = section["base_path"];
  return typeof base === "string"
    ? surroundings.paths.resolve(folder, expand(base.trim(), surroundings))
    : folder;
}

/** `~` and environment variables, as Python's expanduser and expandvars do; an unknown variable stays as written. */
function expand(path: string, { home, env, paths, windows }: Surroundings): string {
  const atHome = path === "~" || /^~[/\\]/.test(path) ? paths.join(home, path.slice(1)) : path;
  const value = (whole: string, name: string) => env[name] ?? whole;
  const dollars = atHome.replaceAll(
    /\$(?:\{([^}]+)\}|(\w+))/g,
    (whole, braced?: string, plain?: string) => value(whole, braced ?? plain ?? ""),
  );
  return windows
    ? dollars.replaceAll(/%([^%]+)%/g, (whole, name: string) => value(whole, name))
    : dollars;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
