/** Settings as A1111 writes them: prompt, negative prompt, and a line of names and values. */
import type { SamplerName } from "../schedule/plan.ts";
import type { ComfyScheduler } from "../schedule/comfy.ts";
import type { PictureRecord } from "./picture-record.ts";

/** A1111's names (modules/sd_samplers_kdiffusion.py and sd_schedulers.py). */
const samplers: Record<SamplerName, string> = {
  euler: "Euler",
  "euler-ancestral": "Euler a",
  "dpmpp-2m": "DPM++ 2M",
  ddim: "DDIM",
  unipc: "UniPC",
  lcm: "LCM",
};
const schedules: Record<ComfyScheduler, string> = {
  normal: "Normal",
  karras: "Karras",
  simple: "Simple",
  "sgm-uniform": "SGM Uniform",
  "ddim-uniform": "DDIM",
};

export function parametersText({ settings, model, loras }: PictureRecord): string {
  // Where every reader looks for LoRAs.
  const called = loras.map(({ file, strength }) => `<lora:${stem(file)}:${strength}>`);
  const prompt = [settings.prompt, ...called].filter((part) => part !== "").join(" ");
  const values: readonly (readonly [string, string | number | null])[] = [
    ["Steps", settings.steps],
    ["Sampler", samplers[settings.sampler]],
    ["Schedule type", schedules[settings.schedule]],
    ["CFG scale", settings.cfg],
    ["Seed", settings.seed],
    ["Size", `${settings.width}x${settings.height}`],
    ["Model hash", model.sha256?.slice(0, 10) ?? null],
    ["Model", stem(model.name)],
    ["VAE", model.vae],
    ["Clip skip", settings.clipSkip],
    ["CFG rescale", settings.rescale === 0 ? null : settings.rescale],
    ["RNG", "CPU"],
    ["Version", "Facet"],
  ];
  const line = values.flatMap(([name, value]) =>
    value === null ? [] : [`${name}: ${quoted(String(value))}`],
  );
  // Its reader wants the second line even where nothing follows.
  return `${prompt}\nNegative prompt: ${settings.negative}\n${line.join(", ")}`;
}

function quoted(value: string): string {
  return /[,:\n]/.test(value) ? JSON.stringify(value) : value;
}

/** Names of files without folder and ending. */
function stem(file: string): string {
  const name = file.split(/[/\\]/).at(-1) ?? file;
  return name.replace(/\.(?:safetensors|ckpt|pt)$/i, "");
}
