#!/usr/bin/env node
/**
 * The `facet` command. Plain JavaScript, because any Node from 18 on must be able to read it: it runs
 * the sources of a checkout or the compiled files of a package, in a Node that can.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const NEEDED = 24;

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** The Node that the `node` package brings, here or in a folder above. */
function findNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve("node/package.json");
    const name = process.platform === "win32" ? "node.exe" : "node";
    const path = join(dirname(manifest), "bin", name);
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Node strips no types from files under node_modules, so an installed package runs its compiled files. */
function findProgram() {
  const source = join(root, "src-main", "cli.ts");
  const installed = root.split(sep).includes("node_modules");
  return !installed && existsSync(source)
    ? source
    : join(root, "out", "node", "src-main", "cli.js");
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

function runWith(node, program) {
  const child = spawn(node, [program, ...process.argv.slice(2)], { stdio: "inherit" });
  // The terminal sends Ctrl-C to both; the child decides when it is done.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("error", (error) => fail(`${node} could not be started: ${error.message}`));
  child.on("close", (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
}

const program = findProgram();
if (!existsSync(program)) {
  fail(`${program} is missing: this copy of Facet is incomplete. Install it again.`);
}
if (Number(process.versions.node.split(".")[0]) >= NEEDED) {
  await import(pathToFileURL(program).href);
} else {
  const node = findNode();
  if (node === undefined) {
    fail(
      `Facet needs Node ${NEEDED} or newer; this is Node ${process.versions.node}. ` +
        `Install it from https://nodejs.org, or put one beside Facet with: npm install node@${NEEDED}`,
    );
  }
  runWith(node, program);
}
