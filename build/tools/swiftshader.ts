/** Finds what WebGPU needs without a graphics card: Chromium's SwiftShader and the Vulkan loader. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { findBrowser } from "./browser.ts";

const loaders = [
  "/usr/lib/x86_64-linux-gnu/libvulkan.so.1",
  "/usr/lib/aarch64-linux-gnu/libvulkan.so.1",
  "/usr/lib64/libvulkan.so.1",
  "/usr/lib/libvulkan.so.1",
];

export type SwiftShader =
  | { readonly kind: "found"; readonly environment: NodeJS.ProcessEnv }
  | { readonly kind: "missing"; readonly reason: string };

export function findSwiftShader(): SwiftShader {
  if (process.platform !== "linux")
    return { kind: "missing", reason: "SwiftShader is looked for on Linux only" };
  if (!loaders.some((path) => existsSync(path)))
    return { kind: "missing", reason: "no Vulkan loader: install libvulkan1" };
  const browser = findBrowser();
  const folders = ["/usr/lib/chromium", ...(browser === undefined ? [] : [dirname(browser)])];
  const driver = folders
    .map((folder) => join(folder, "vk_swiftshader_icd.json"))
    .find((path) => existsSync(path));
  if (driver === undefined) return { kind: "missing", reason: "no Chromium with SwiftShader" };
  return { kind: "found", environment: { VK_ICD_FILENAMES: driver } };
}
