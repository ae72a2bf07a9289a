/**
 * After the app: build the service worker with the list of files to keep on the phone, and a compressed copy beside each file.
 *
 * The list holds what every shift needs: whatever the first load and the pages need. What is named in `laterOnly` (the
 * bundled scanner) is fetched, and kept, when it is first used.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { constants, brotliCompressSync, gzipSync } from "node:zlib";
import { build, type Plugin } from "vite";

const COMPRESSED = /\.(js|css|html|svg|webmanifest|wasm|json)$/;
const KEPT = /\.(js|css|html|svg|png|webmanifest|woff2?)$/;

export function serviceWorker(options: { source: string; base: string; target: string[]; laterOnly: RegExp }): Plugin {
  let out = "";
  return {
    name: "lianfang-service-worker",
    apply: "build",
    configResolved(config) {
      out = config.build.outDir;
    },
    async closeBundle() {
      const kept = files(out).filter((name) => KEPT.test(name) && !options.laterOnly.test(name));
      const precache = kept.map((name) => ({ url: options.base + name, revision: revision(out, name) }));
      await buildWorker(options, out, precache);
      for (const name of files(out).filter((one) => COMPRESSED.test(one))) compress(join(out, name));
    },
  };
}

async function buildWorker(
  options: { source: string; target: string[] },
  out: string,
  precache: { url: string; revision: string | null }[],
): Promise<void> {
  await build({
    configFile: false,
    logLevel: "warn",
    publicDir: false,
    define: { "self.__PRECACHE": JSON.stringify(precache), "process.env.NODE_ENV": '"production"' },
    build: {
      outDir: out,
      emptyOutDir: false,
      target: options.target,
      lib: { entry: options.source, formats: ["iife"], name: "worker", fileName: () => "sw.js" },
    },
  });
}

/** Names with a hash in them never change; the others carry the hash of what they hold. */
function revision(out: string, name: string): string | null {
  if (name.startsWith("assets/")) return null;
  return createHash("sha256").update(readFileSync(join(out, name))).digest("hex").slice(0, 16);
}

function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(folder, name)).isFile() && !/^\.vite|\.(gz|br)$/.test(name))
    .map((name) => relative(folder, join(folder, name)))
    .sort();
}

function compress(path: string): void {
  const plain = readFileSync(path);
  writeFileSync(`${path}.gz`, gzipSync(plain, { level: 9 }));
  writeFileSync(`${path}.br`, brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
}
