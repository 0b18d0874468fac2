/** What the command line makes of its words, without a library behind it. */
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { choose } from "../../../src-main/cli/find.ts";
import { byteText, table } from "../../../src-main/cli/output.ts";
import { componentValues, weights, wholeNumber } from "../../../src-main/cli/parse.ts";
import { runCommand } from "../../../src-main/cli/program.ts";

async function run(...words: string[]) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const code = await runCommand({
    words,
    env: {},
    terminal: { stdout, stderr },
    interrupt: new AbortController().signal,
    openStudio: () => Promise.reject(new Error("no library is needed here")),
  });
  const text = (stream: PassThrough) => String(stream.read() ?? "");
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

describe("usage", () => {
  it.each([
    [["frobnicate"], /unknown command/],
    [["inspect"], /missing required argument 'file'/],
    [["list", "--nope"], /unknown option '--nope'/],
    [["export", "a"], /--to <folder>/],
    [["export", "--to", "x"], /Name the LoRAs to export/],
    [["export", "a", "--to", "x", "--dialect", "lycoris"], /kohya, kohya-diffusers, peft/],
    [["blend", "--weights", "a=x"], /must be a number/],
    [["move", "--set", "first=1"], /not COMPONENT=SIGMA/],
    [["sample", "--count", "1.5"], /whole number from 1/],
    [["space", "fit", "--components", "0"], /whole number from 1 to 4096/],
  ])("%j is told in words, and as JSON, and ends with 2", async (words, reason) => {
    const plain = await run(...words);
    expect(plain).toMatchObject({ code: 2, stdout: "" });
    expect(plain.stderr).toMatch(reason);
    const { code, stdout, stderr } = await run(...words, "--json");
    expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({
      error: { code: "usage", message: expect.stringMatching(reason) },
    });
  });

  it("prints help and version on stdout and ends with 0", async () => {
    expect(await run("--help")).toMatchObject({
      code: 0,
      stderr: "",
      stdout: expect.stringContaining("Usage: facet"),
    });
    expect(await run("--version")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
  });

  it("tells other failures with 1", async () => {
    const { code, stdout } = await run("--json", "list");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      error: { code: "unexpected", message: "no library is needed here" },
    });
  });
});

describe("values", () => {
  it("reads components, with spaces and signs, and adds them up", () => {
    const first = componentValues("0=1.5, 3 = -2");
    expect(Array.from(first)).toEqual([
      [0, 1.5],
      [3, -2],
    ]);
    expect(Array.from(componentValues("3=1e-1", first))).toEqual([
      [0, 1.5],
      [3, 0.1],
    ]);
    expect(() => componentValues("0=")).toThrow();
    expect(() => componentValues("0=NaN")).toThrow();
    expect(() => componentValues(",")).toThrow();
  });

  it("reads weights behind the last equals sign", () => {
    expect(weights("a=0.5,b=-1,name=with=2,c")).toEqual([
      ["a", 0.5],
      ["b", -1],
      ["name=with", 2],
      ["c", 1],
    ]);
  });

  it("refuses numbers that only begin well", () => {
    expect(() => wholeNumber(0, 9)("1x")).toThrow();
    expect(() => wholeNumber(0, 9)("10")).toThrow(/0 to 9/);
    expect(wholeNumber(0, 9)("9")).toBe(9);
  });
});

describe("names", () => {
  const all = [
    { id: "aaa111", name: "Ada" },
    { id: "aab222", name: "aaa" },
    { id: "ccc333", name: "Twin" },
    { id: "ddd444", name: "Twin" },
  ];

  it("prefers an exact name to the beginning of an id", () => {
    expect(choose(all, "aaa", "LoRA").id).toBe("aab222");
    expect(choose(all, "aaa1", "LoRA").id).toBe("aaa111");
    expect(choose(all, "ccc333", "LoRA").id).toBe("ccc333");
  });

  it("lists what an unclear word fits", () => {
    expect(() => choose(all, "Twin", "LoRA")).toThrow(
      /fits 2 LoRAs: ccc333 \(Twin\), ddd444 \(Twin\)/,
    );
    expect(() => choose(all, "aa", "LoRA")).toThrow(/fits 2/);
    expect(() => choose(all, "zzz", "space")).toThrow(/no space .* zzz/);
  });
});

describe("print", () => {
  it("sets numbers right and words left", () => {
    expect(
      table(
        ["name", "size"],
        [
          ["a", 5],
          ["long", 12],
        ],
      ),
    ).toBe("name  size\na        5\nlong    12");
  });

  it("counts bytes in thousands", () => {
    expect(["0 B", "999 B", "1.0 kB", "23.2 MB"]).toEqual([0, 999, 1000, 23_200_000].map(byteText));
  });
});
