/** A picture's settings as text, in the words that A1111 writes into pictures and other tools read. */
import type { Picture, PictureSettings } from "../../src-preload/contract/previews.ts";
import { samplerName, scheduleName } from "./words.ts";

export function parametersOf(picture: Picture, settings: PictureSettings, model: string): string {
  const rows: [string, string][] = [
    ["Steps", String(picture.steps)],
    ["Sampler", samplerName(settings.sampler)],
    ["Schedule type", scheduleName(settings.schedule)],
    ["CFG scale", String(settings.cfg)],
    ["Seed", String(settings.seed)],
    ["Size", `${picture.width}x${picture.height}`],
    ["Model", model],
    ...(settings.clipSkip === null
      ? []
      : ([["Clip skip", String(settings.clipSkip)]] satisfies [string, string][])),
    ...picture.loras.map(({ name }): [string, string] => ["LoRA", name]),
  ];
  return [
    settings.prompt,
    ...(settings.negative === "" ? [] : [`Negative prompt: ${settings.negative}`]),
    rows.map(([name, value]) => `${name}: ${value}`).join(", "),
  ].join("\n");
}
