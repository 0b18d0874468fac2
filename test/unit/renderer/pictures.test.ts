/** What a picture is asked for with, and how that is told: prompts, names, settings as text. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Picture, PictureSettings } from "../../../src-preload/contract/previews.ts";
import { seconds } from "../../../src-renderer/lib/format.ts";
import { parametersOf } from "../../../src-renderer/lib/parameters.ts";
import { fillPrompt, promptPieces } from "../../../src-renderer/lib/prompt.ts";
import { shortHash } from "../../../src-renderer/lib/short-hash.ts";

it("puts the trigger word into the prompt, and a person where there is none", () => {
  expect(fillPrompt("{trigger}, and {trigger} again", "sks woman")).toBe(
    "sks woman, and sks woman again",
  );
  expect(fillPrompt("portrait of {trigger}", null)).toBe("portrait of person");
  expect(fillPrompt("a $& tree", "$1")).toBe("a $& tree");
});

it("shows the prompt in pieces that join to what is sent", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("{trigger}", "a ", ",", "{", "}", "sks")),
      fc.option(fc.constantFrom("sks woman", "ada")),
      (parts, trigger) => {
        const prompt = parts.join("");
        const pieces = promptPieces(prompt, trigger);
        expect(pieces.map((piece) => piece.text).join("")).toBe(fillPrompt(prompt, trigger));
      },
    ),
  );
  expect(promptPieces("of {trigger} smiling", "sks")).toEqual([
    { text: "of ", trigger: false },
    { text: "sks", trigger: true },
    { text: " smiling", trigger: false },
  ]);
});

it("names thousands of points without two of one name", () => {
  const names = new Set<string>();
  for (let at = 0; at < 20_000; at++) names.add(shortHash(JSON.stringify([at / 100, -at])));
  expect(names.size).toBe(20_000);
});

it("tells times with two digits that count", () => {
  expect([0.214, 0.996, 4.23, 38.4, 200].map(seconds)).toEqual([
    "0.21 s",
    "1.0 s",
    "4.2 s",
    "38 s",
    "3 min 20 s",
  ]);
});

it("writes settings as A1111 does", () => {
  const settings: PictureSettings = {
    prompt: "portrait",
    negative: "blurry",
    seed: 7,
    steps: 20,
    sampler: "dpmpp-2m",
    schedule: "karras",
    cfg: 6,
    rescale: 0,
    width: null,
    height: null,
    clipSkip: 2,
    convention: "comfy",
  };
  const picture: Picture = {
    sha256: "0",
    path: "/p",
    width: 512,
    height: 640,
    seconds: 1,
    steps: 20,
    provider: "cpu",
    loras: [{ name: "Ada", applied: 3, total: 3 }],
    before: { decode: 0, change: 0, text: 0, sessions: 0 },
    notes: [],
  };
  expect(parametersOf(picture, settings, "base")).toBe(
    "portrait\nNegative prompt: blurry\nSteps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6, Seed: 7, Size: 512x640, Model: base, Clip skip: 2, LoRA: Ada",
  );
});
