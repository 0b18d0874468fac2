/** Bundles the pages. electron.vite.config.ts takes this as its renderer part, and the host serves the same output. */
// oxlint-disable-next-line no-restricted-imports -- this file runs under Node; it is no part of the pages
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  plugins: [react()],
  build: {
    outDir: fileURLToPath(new URL("../out/renderer", import.meta.url)),
    emptyOutDir: true,
    target: "chrome120",
    // Fonts stay files: the content security policy allows `font-src 'self'` only, not data URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { input: fileURLToPath(new URL("index.html", import.meta.url)) },
  },
});
