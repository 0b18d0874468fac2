/** Words for ids of the contract: families, dialects, forms, places of a file. */

const families: Record<string, string> = { sdxl: "SDXL", sd15: "SD 1.5" };
const dialects: Record<string, string> = {
  "kohya-sgm": "kohya, sgm names",
  "kohya-diffusers": "kohya, diffusers paths",
  peft: "PEFT",
  "peft-raw": "PEFT, raw adapter names",
  "diffusers-legacy": "diffusers, lora.down/up",
  "diffusers-processor": "diffusers, attention processors",
  cloneofsimo: "cloneofsimo, positional",
  weights2weights: "weights2weights",
  lycoris: "LyCORIS",
  comfy: "ComfyUI",
  facet: "Facet recipe",
};
const components: Record<string, string> = {
  unet: "UNet",
  text_encoder: "text encoder",
  text_encoder_2: "second text encoder",
};
const forms: Record<string, string> = { standard: "Standard", aligned: "Aligned", delta: "Delta" };

const providers: Record<string, string> = {
  cpu: "CPU",
  cuda: "CUDA",
  tensorrt: "TensorRT",
  dml: "DirectML",
  coreml: "Core ML",
  webgpu: "WebGPU",
};

const samplers: Record<string, string> = {
  euler: "Euler",
  "euler-ancestral": "Euler ancestral",
  "dpmpp-2m": "DPM++ 2M",
  ddim: "DDIM",
  unipc: "UniPC",
  lcm: "LCM",
};
const schedules: Record<string, string> = {
  normal: "Normal",
  karras: "Karras",
  simple: "Simple",
  "sgm-uniform": "SGM uniform",
};
const conventions: Record<string, string> = { comfy: "ComfyUI", diffusers: "diffusers" };

/** Element types as checkpoints name them; the rest are shown as they are. */
export function dtypeName(id: string): string {
  return id.toLowerCase().replace("f8_e4m3", "fp8 (e4m3)").replace("f8_e5m2", "fp8 (e5m2)");
}
export function samplerName(id: string): string {
  return samplers[id] ?? id;
}
export function scheduleName(id: string): string {
  return schedules[id] ?? id;
}
export function conventionName(id: string): string {
  return conventions[id] ?? id;
}
export function providerName(id: string): string {
  return providers[id.toLowerCase()] ?? id;
}
export function familyName(id: string): string {
  return families[id] ?? id;
}
export function dialectName(id: string): string {
  return dialects[id] ?? id;
}
export function formName(id: string): string {
  return forms[id] ?? id;
}

/** "UNet only", "UNet and text encoder". */
export function componentNames(ids: readonly string[]): string {
  const names = ids.map((id) => components[id] ?? id);
  if (names.length === 1) return `${names[0] ?? ""} only`;
  return `${names.slice(0, -1).join(", ")}${names.length > 1 ? " and " : ""}${names.at(-1) ?? ""}`;
}

export const formSentences = {
  auto: "Tries all three on members left out of the fit and takes the one that keeps most.",
  standard: "SVD of each product, as in the LoRA Diffusion paper. For fidelity to it.",
  aligned: "Factors rotated onto a common reference. For LoRAs from different trainers.",
  delta: "Inner products of the products, no factors. Any mix of ranks.",
} as const;
