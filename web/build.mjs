// The page itself, beside what scripts/web.py writes: node build.mjs FOLDER
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = resolve(process.argv[2] ?? join(here, "../build/web"));
const runtime = join(here, "node_modules/onnxruntime-web/dist");
const entry = (name) => ({ in: join(here, `src/${name}.ts`), out: name });

await mkdir(join(target, "runtime"), { recursive: true });
for (const name of await readdir(target)) if (name.startsWith("chunk-")) await rm(join(target, name)); // of earlier builds
await cp(join(here, "static"), target, { recursive: true });
for (const name of ["ort-wasm-simd-threaded", "ort-wasm-simd-threaded.asyncify"]) {
  for (const ending of ["mjs", "wasm"]) await cp(join(runtime, `${name}.${ending}`), join(target, `runtime/${name}.${ending}`));
}
const options = {
  outdir: target,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  conditions: ["onnxruntime-web-use-extern-wasm"],
  legalComments: "linked",
  logLevel: "warning",
};
await build({ ...options, entryPoints: ["main", "worker", "lapdepth"].map(entry), splitting: true, chunkNames: "chunk-[hash]" });

// The service worker keeps all small files from the first visit on; another build is another name.
const hash = createHash("sha256");
const files = [];
for (const file of (await readdir(target, { recursive: true, withFileTypes: true })).filter((each) => each.isFile())) {
  const path = join(file.parentPath, file.name);
  const name = relative(target, path).replaceAll("\\", "/");
  if (/^(models|runtime|examples)\/|^service_worker\.js|LEGAL/.test(name)) continue;
  hash.update(name).update(await readFile(path));
  files.push(name);
}
const define = { FILES: JSON.stringify(["./", ...files.sort()]), BUILD: JSON.stringify(hash.digest("hex").slice(0, 16)) };
await build({ ...options, entryPoints: [entry("service_worker")], format: "iife", define });
