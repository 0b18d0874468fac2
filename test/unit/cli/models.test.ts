/** `facet models`: what it asks of the studio, and what it prints. */
import { PassThrough } from "node:stream";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import type { StudioClient } from "../../../src-main/cli/command.ts";
import { runCommand } from "../../../src-main/cli/program.ts";
import type { Model } from "../../../src-preload/contract/models.ts";

const alpha: Model = {
  id: "aaa111",
  name: "alpha",
  path: "/m/alpha.safetensors",
  kind: "single-file",
  source: "usual place",
  bytes: 6_938_000_000,
  modifiedAt: 1,
  family: "sdxl",
  problem: null,
  missing: false,
  widths: "320 / 640 / 1280",
  prediction: "velocity",
  zeroTerminalSnr: true,
  dtypes: ["F16", "F32"],
  tensors: 2515,
  extras: ["x"],
  extrasTotal: 1,
  needs: [],
  vae: null,
  textFrom: null,
  licence: "openrail++",
  sha256: null,
  factor: 8,
};
const net: Model = {
  ...alpha,
  id: "bbb222",
  name: "net\nwork",
  kind: "unet-only",
  needs: ["vae", "text encoders"],
};
const broken: Model = {
  ...alpha,
  id: "ccc333",
  name: "broken",
  family: null,
  widths: "",
  dtypes: [],
  problem: '"/m/bro\u009Bken" is an inpainting model.',
};
const gone: Model = {
  ...alpha,
  id: "ddd444",
  name: "gone",
  missing: true,
  problem: "It is not there.",
};

/** A studio that writes down what it is asked, and looks twice before it knows all. */
async function run(...words: string[]) {
  const asked: unknown[] = [];
  let looks = 0;
  const models = [alpha, net, broken, gone];
  const client = {
    models: {
      list() {
        looks += 1;
        const looking = looks === 1;
        return Promise.resolve({
          models: looking ? [] : models,
          vaes: [{ path: "/m/kl.safetensors", name: "kl", source: "usual place" }],
          folders: [{ path: "/m", source: "usual place", exists: false }],
          problems: ["/m/x.yaml is not readable YAML"],
          looking,
        });
      },
      refresh: () => Promise.resolve({ models: asked.push("refresh") }),
      add: (input: unknown) => Promise.resolve([asked.push(["add", input])]),
      forget: (input: unknown) => Promise.resolve(asked.push(["forget", input])),
      change: (input: unknown) => Promise.resolve(asked.push(["change", input])),
    },
  };
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const code = await runCommand({
    words: ["models", ...words],
    env: {},
    terminal: { stdout, stderr },
    interrupt: new AbortController().signal,
    openStudio: () =>
      Promise.resolve({
        client: client as unknown as StudioClient,
        close: () => Promise.resolve(),
      }),
  });
  return { code, asked, stdout: String(stdout.read() ?? ""), stderr: String(stderr.read() ?? "") };
}

it("prints a line for each model once all folders were looked through", async () => {
  const { code, stdout } = await run();
  expect(code).toBe(0);
  const lines = stdout.split("\n");
  expect(lines[0]).toMatch(/^id +name +family +widths +prediction +type +size +licence +state$/);
  expect(lines[1]).toMatch(
    /^aaa111 +alpha +sdxl +320 \/ 640 \/ 1280 +velocity, zero SNR +single-file F16 +6\.9 GB +openrail\+\+ +ready, 1 tensors unused$/,
  );
  expect(lines[2]).toMatch(/net\\u000awork .* needs vae and text encoders$/);
  expect(lines[3]).toMatch(/broken .* not usable$/);
  expect(lines[4]).toMatch(/gone .* missing$/);
  expect(stdout).toContain('"/m/bro\\u009bken" is an inpainting model.');
  expect(stdout).toContain("/m (usual place, not there)");
  expect(stdout).toContain("/m/kl.safetensors");
  expect(stdout).toContain("not readable YAML");
});

it("prints the list as it is as JSON", async () => {
  const { stdout } = await run("--json");
  expect(JSON.parse(stdout)).toMatchObject({ models: [alpha, net, broken, gone], looking: false });
});

it("asks for what was said, models by name or id", async () => {
  const { code, asked } = await run(
    ...[
      "--forget",
      "old",
      "--add",
      "new",
      "--refresh",
      "--vae",
      "alpha=kl=1.safetensors",
      "--vae",
      "bbb=",
      "--text-from",
      "bbb222=alpha",
      "--licence",
      "gone=mine",
    ],
  );
  expect(code).toBe(0);
  expect(asked).toEqual([
    ["forget", { path: resolve("old") }],
    ["add", { path: resolve("new") }],
    "refresh",
    ["change", { id: "aaa111", vae: resolve("kl=1.safetensors") }],
    ["change", { id: "bbb222", vae: null }],
    ["change", { id: "bbb222", textFrom: "aaa111" }],
    ["change", { id: "ddd444", licence: "mine" }],
  ]);
});

it("says what is wrong with what was said", async () => {
  expect(await run("--forget", "old", "--vae", "alpha")).toMatchObject({
    code: 2,
    asked: [],
    stderr: expect.stringMatching(/"alpha" is not NAME=VALUE/),
  });
  expect(await run("--vae", "nobody=x")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/no model with the id or name nobody/),
  });
});
