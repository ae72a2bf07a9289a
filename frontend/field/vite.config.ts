import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { VantResolver } from "@vant/auto-import-resolver";
import vue from "@vitejs/plugin-vue";
import Components from "unplugin-vue-components/vite";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

import { serviceWorker } from "./build/worker.ts";

/**
 * What the app runs in: Chrome and Android web views from 66 (2018), among them X5 and XWeb, in which WeChat, WeCom and
 * DingTalk show pages, and Safari from 12. An Android phone sold five years ago has a newer one even if it was never
 * updated. Older ones see a sentence that says so (index.html). docs/explanation/the-phone.md repeats this.
 */
export const TARGET = ["chrome66", "safari12"];
const PROJECT = readFileSync(fileURLToPath(new URL("../../pyproject.toml", import.meta.url)), "utf8");
const OUT = fileURLToPath(new URL("../../src/lianfang/surfaces/field/static/field", import.meta.url));

/** Vant's icon font comes with the style sheet; the copy on another server that it also names is never asked for. */
const noForeignFont: Plugin = {
  name: "lianfang-no-foreign-font",
  enforce: "pre",
  transform: (code, id) =>
    id.endsWith(".css") ? code.replace(/,\s*url\(["']?(?:https?:)?\/\/[^)]*\)\s*format\([^)]*\)/g, "") : undefined,
};

export default defineConfig({
  base: "/field/",
  define: { __VERSION__: JSON.stringify(/^version = "(.+)"/m.exec(PROJECT)?.[1] ?? "") },
  plugins: [
    noForeignFont,
    vue(),
    Components({ resolvers: [VantResolver()], dts: false }),
    serviceWorker({
      source: fileURLToPath(new URL("src/sw.ts", import.meta.url)),
      base: "/field/",
      target: TARGET,
      laterOnly: /zxing|\.wasm$/,
    }),
  ],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: TARGET,
    cssTarget: TARGET,
    manifest: true,
    modulePreload: { polyfill: true },
    assetsInlineLimit: 2048,
    reportCompressedSize: false,
    rolldownOptions: { checks: { bundlerTimings: false } },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8000" } },
  test: {
    environment: "node",
    include: ["tests/**/*.test.ts"],
    setupFiles: ["tests/setup.ts"],
    restoreMocks: true,
    testTimeout: 30_000,
    // its components import their style sheets, which only Vite reads
    server: { deps: { inline: ["vant"] } },
  },
});
