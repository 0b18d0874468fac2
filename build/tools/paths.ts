/** Where this checkout and the tools inside it lie. */
import { join } from "node:path";

export const root: string = join(import.meta.dirname, "..", "..");

export const out: string = join(root, "out");

/**
 * The JavaScript behind each command: run with this very Node, which is the right one already, and
 * without the shell scripts of node_modules/.bin, which differ between systems.
 */
export const tools = {
  tsc: join(root, "node_modules", "typescript", "bin", "tsc"),
  oxlint: join(root, "node_modules", "oxlint", "bin", "oxlint"),
  oxfmt: join(root, "node_modules", "oxfmt", "bin", "oxfmt"),
  knip: join(root, "node_modules", "knip", "bin", "knip.js"),
  vitest: join(root, "node_modules", "vitest", "vitest.mjs"),
  playwright: join(root, "node_modules", "playwright-core", "cli.js"),
} as const;
