/** Builds the till: one page under /till/, hashed assets beside it, and a service worker that keeps all of it on the device. */
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { VitePWA } from "vite-plugin-pwa";
import { defineConfig } from "vitest/config";

const here = new URL(".", import.meta.url).pathname.replace(/\/$/, "");

export default defineConfig({
  root: `${here}/src/till`,
  base: "/till/",
  publicDir: `${here}/public/till`,
  resolve: { alias: { $: `${here}/src` }, conditions: ["browser"] },
  build: {
    outDir: `${here}/../src/payme/web/till`,
    emptyOutDir: true,
    assetsInlineLimit: 0,
    // The content policy allows no inline script, and every browser that runs the till loads modules ahead by itself.
    modulePreload: { polyfill: false },
  },
  define: { __APP_VERSION__: JSON.stringify("1.0.0") },
  plugins: [
    svelte({ configFile: `${here}/svelte.config.js` }),
    VitePWA({
      strategies: "injectManifest",
      srcDir: ".",
      filename: "sw.ts",
      injectRegister: false,
      scope: "/till/",
      injectManifest: { globPatterns: ["**/*.{js,css,wasm,html,woff2,svg,png,webmanifest}"], globIgnores: ["sw.js"] },
      manifest: {
        id: "/till/",
        name: "PayMe till",
        short_name: "Till",
        description: "Sells with or without a network.",
        start_url: "/till/",
        scope: "/till/",
        display: "standalone",
        background_color: "#f6f4ee",
        theme_color: "#f6f4ee",
        icons: [
          { src: "icon-192.png", sizes: "192x192", type: "image/png" },
          { src: "icon-512.png", sizes: "512x512", type: "image/png", purpose: "any" },
          { src: "icon-512.png", sizes: "512x512", type: "image/png", purpose: "maskable" },
        ],
      },
    }),
  ],
  test: { root: here, include: ["tests/**/*.test.ts"], environment: "node" },
});
