/** Finds what every source file imports, without a compiler: TypeScript 7 has no programming interface for it. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative, sep } from "node:path";

export interface Import {
  /** The importing file, from the repository's root, with forward slashes. */
  readonly from: string;
  /** A file of ours, as `from`, or a package's name, or `node:fs`. */
  readonly to: string;
}

export interface SourceFile {
  readonly path: string;
  readonly lines: number;
  /** Without comments. */
  readonly code: string;
  readonly imports: readonly Import[];
}

/** `import … from "x"`, `export … from "x"`, `import "x"`, `import("x")`, `require("x")`. */
const IMPORTS = [
  /(?:^|[;}\s])(?:import|export)\s[^;"'`]*?\sfrom\s*["']([^"']+)["']/g,
  /(?:^|[;}\s])import\s*["']([^"']+)["']/g,
  /\b(?:import|require)\s*\(\s*["'`]([^"'`]+)["'`]/g,
];

/** Blanks comments; strings stay, for imports are strings. */
export function withoutComments(text: string): string {
  return text.replaceAll(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|\/\*[^]*?\*\/|(?<![:\\"'`])\/\/[^\n]*/g,
    (_comment, string: string | undefined) => string ?? " ",
  );
}

/** The package of a specifier: `@scope/name/part` belongs to `@scope/name`. */
function packageOf(specifier: string): string {
  if (specifier.startsWith("node:")) return specifier;
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

export function scan(path: string, text: string): SourceFile {
  const code = withoutComments(text);
  const specifiers = IMPORTS.flatMap((pattern) =>
    [...code.matchAll(pattern)].map(([, name]) => name ?? ""),
  );
  return {
    path,
    code,
    lines: text.split("\n").length,
    imports: specifiers.map((specifier) => ({
      from: path,
      to: specifier.startsWith(".")
        ? posix.normalize(posix.join(dirname(path), specifier))
        : packageOf(specifier),
    })),
  };
}

/** Every .ts and .tsx below the folders given. */
export function scanFolders(root: string, folders: readonly string[]): SourceFile[] {
  return folders
    .flatMap((folder) => globSync(join(root, folder, "**", "*.{ts,tsx}")))
    .map((file) => scan(relative(root, file).split(sep).join("/"), readFileSync(file, "utf8")));
}
