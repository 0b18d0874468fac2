/** The `facet` command as it is installed: any Node may start it, and it finds one that can run the rest. */
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { root } from "../../build/tools/paths.ts";

const run = promisify(execFile);

let folder: string;
let installed: string;
let command: string;

/** An installed package in small: the command, and a program that says which Node runs it, with what. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facet bin "));
  installed = join(folder, "node_modules", "facet-studio");
  command = join(installed, "build", "facet.js");
  await mkdir(join(installed, "build"), { recursive: true });
  await mkdir(join(installed, "src-main"), { recursive: true });
  await mkdir(join(installed, "out", "node", "src-main"), { recursive: true });
  await writeFile(join(installed, "package.json"), '{"name":"facet-studio","type":"module"}');
  await copyFile(join(root, "build", "facet.js"), command);
  // A package's sources must not be run: Node would refuse their types.
  await writeFile(join(installed, "src-main", "cli.ts"), "throw new Error('the sources ran');");
  await writeFile(
    join(installed, "out", "node", "src-main", "cli.js"),
    "console.log(JSON.stringify([process.versions.node, process.argv.slice(2)]));" +
      "process.exitCode = 3;",
  );
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Makes a Node say that it is an old one, until it starts another. */
async function pretendOld(): Promise<string[]> {
  const file = join(folder, "old.mjs");
  await writeFile(
    file,
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.0' } });",
  );
  return ["--import", file];
}

interface Failure {
  code: number;
  stdout: string;
  stderr: string;
}

async function failureOf(parameters: string[]): Promise<Failure> {
  const outcome = await run(process.execPath, parameters).catch((error: unknown) => error);
  return outcome as Failure;
}

it("runs the compiled files of a package, passes words on and hands the exit code back", async () => {
  const { code, stdout } = await failureOf([command, "inspect", "a b.safetensors", "--json"]);
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toEqual([
    process.versions.node,
    ["inspect", "a b.safetensors", "--json"],
  ]);
});

it("says what to install where there is no Node that can run it", async () => {
  const { code, stderr } = await failureOf([...(await pretendOld()), command, "list"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/needs Node 24 or newer; this is Node 18\.20\.0\..*npm install node@24/);
});

it.skipIf(process.platform === "win32")("takes the Node of the node package", async () => {
  const bin = join(folder, "node_modules", "node", "bin");
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, "..", "package.json"), '{"name":"node","version":"24.0.0"}');
  await symlink(process.execPath, join(bin, "node"));
  const { code, stdout } = await failureOf([...(await pretendOld()), command, "list", "--json"]);
  await rm(join(bin, ".."), { recursive: true });
  expect([code, JSON.parse(stdout)]).toEqual([3, [process.versions.node, ["list", "--json"]]]);
});

it("says so where the package was not compiled", async () => {
  const program = join(installed, "out", "node", "src-main", "cli.js");
  await rm(program);
  const { code, stderr } = await failureOf([command]);
  expect(code).toBe(1);
  expect(stderr).toContain(`${program} is missing`);
});

it("runs the sources of a checkout", async () => {
  const { stdout } = await run(process.execPath, [join(root, "build", "facet.js"), "--version"]);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
