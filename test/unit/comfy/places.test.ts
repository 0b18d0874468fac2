/** Where base models may lie, by what each tool calls the folders. */
import { expect, it } from "vitest";
import { eachOnce, type Machine, modelPlaces } from "../../../src-main/comfy/places.ts";

function machine(home: string, files: Readonly<Record<string, string>> = {}): Machine {
  return {
    platform: home.includes("\\") ? "win32" : "linux",
    home,
    env: {},
    read: (path) => Promise.resolve(files[path] ?? null),
    look: () => Promise.reject(new Error("the disk is not asked here")),
  };
}
const kinds = ["checkpoints", "unet", "diffusers", "vae"] as const;

it("names ComfyUI's folders and A1111's, whether they are there or not", async () => {
  const { places } = await modelPlaces(kinds, machine("/home/ada"));
  const below = (root: string) =>
    places.filter(({ path }) => path.startsWith(`${root}/`)).map(({ kind, path }) => [kind, path]);
  const comfy = "/home/ada/ComfyUI";
  expect(below(comfy)).toEqual([
    ["checkpoints", `${comfy}/models/checkpoints`],
    ["unet", `${comfy}/models/diffusion_models`],
    ["unet", `${comfy}/models/unet`],
    ["diffusers", `${comfy}/models/diffusers`],
    ["vae", `${comfy}/models/vae`],
  ]);
  expect(below("/home/ada/stable-diffusion-webui")).toEqual([
    ["checkpoints", "/home/ada/stable-diffusion-webui/models/Stable-diffusion"],
    ["vae", "/home/ada/stable-diffusion-webui/models/VAE"],
  ]);
  expect(places.every(({ named }) => !named)).toBe(true);
});

it("reads what YAML names for each kind, under old names and new", async () => {
  const yaml = `
a111:
  base_path: /srv/webui
  checkpoints: models/Stable-diffusion
  vae: models/VAE
  loras: models/Lora
comfyui:
  base_path: /data
  is_default: true
  checkpoints: |
    one
    two
  unet: old
  diffusion_models: [new]
`;
  const file = "/home/ada/ComfyUI/extra_model_paths.yaml";
  const { places, problems } = await modelPlaces(kinds, machine("/home/ada", { [file]: yaml }));
  expect(
    places.filter(({ named }) => named).map(({ kind, path, tool }) => [kind, path, tool]),
  ).toEqual([
    ["checkpoints", "/data/one", "ComfyUI"],
    ["checkpoints", "/data/two", "ComfyUI"],
    ["unet", "/data/old", "ComfyUI"],
    ["checkpoints", "/srv/webui/models/Stable-diffusion", "A1111"],
    ["vae", "/srv/webui/models/VAE", "A1111"],
  ]);
  expect(problems).toEqual([expect.stringMatching(/comfyui\.diffusion_models must be a path/)]);
});

it("expects of a desktop app its checkpoints alone, and each folder once", async () => {
  const settings = "C:\\Users\\Ada\\AppData\\Roaming\\ComfyUI\\config.json";
  const ada = machine("C:\\Users\\Ada", { [settings]: JSON.stringify({ basePath: "D:\\Comfy" }) });
  const { places } = await modelPlaces(kinds, ada);
  const desktop = places.filter(({ source }) => source === "ComfyUI desktop");
  expect(desktop).toHaveLength(5);
  expect(desktop.filter(({ named }) => named).map(({ path }) => path)).toEqual([
    "D:\\Comfy\\models\\checkpoints",
  ]);
  const once = eachOnce(
    [...places, ...desktop.map((place) => ({ ...place, path: place.path.toUpperCase() }))],
    ada,
  );
  expect(once.filter(({ path }) => /^d:\\comfy\\/i.test(path))).toEqual(desktop);
});
