/** Builds the desktop application: main and the engine as ESM, the preload as CommonJS, the pages as the host has them. */
import { join } from "node:path";
import { defineConfig } from "electron-vite";
import renderer from "./src-renderer/vite.config.ts";

const root = import.meta.dirname;

export default defineConfig({
  main: {
    build: {
      outDir: join(root, "out", "main"),
      rolldownOptions: {
        input: {
          index: join(root, "src-main", "index.ts"),
          engine: join(root, "src-main", "engine.ts"),
          "library-worker": join(root, "src-main", "library-worker.ts"),
          "export-worker": join(root, "src-main", "export-worker.ts"),
        },
        // Shared parts lie beside the entries: files find their neighbours by their own folder.
        output: { format: "es", chunkFileNames: "[name]-[hash].js" },
      },
    },
  },
  preload: {
    build: {
      outDir: join(root, "out", "preload"),
      rolldownOptions: {
        input: { index: join(root, "src-preload", "index.ts") },
        // A sandboxed preload cannot be a module, and "type": "module" would make it one.
        output: { format: "cjs", entryFileNames: "[name].cjs" },
      },
    },
  },
  renderer,
});
