// A model's file: from the browser's cache, under its hash, else from the page's own host.
import type { ModelAbout } from "./about";
import { Problem } from "./problem";

export type Progress = (loaded: number, total: number) => void;

const CACHE = "lapdepth-models";

export async function fetchModel(url: URL, about: ModelAbout, progress: Progress): Promise<Uint8Array> {
  // Both are missing where the page comes over plain HTTP from another machine.
  const cache = await globalThis.caches?.open(CACHE).catch(() => undefined);
  const kept = await cache?.match(url);
  if (kept) {
    const content = new Uint8Array(await kept.arrayBuffer());
    if (await isWhole(content, about)) return content;
    await cache?.delete(url);
  }
  const content = await download(url, about, progress);
  if (!(await isWhole(content, about))) throw new Problem("error_model", { name: about.name });
  await forgetOthers(cache, url, about);
  await cache?.put(url, new Response(content.slice())).catch(() => undefined); // a full disk costs only time
  return content;
}

async function download(url: URL, about: ModelAbout, progress: Progress): Promise<Uint8Array> {
  const content = new Uint8Array(about.bytes);
  let loaded = 0;
  try {
    const reply = await fetch(url);
    if (!reply.ok || !reply.body) throw new Error(String(reply.status));
    const reader = reply.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      content.set(part.value, loaded);
      loaded += part.value.length;
      progress(loaded, about.bytes);
    }
  } catch {
    throw new Problem("error_model", { name: about.name });
  }
  return content.subarray(0, loaded);
}

async function isWhole(content: Uint8Array, about: ModelAbout): Promise<boolean> {
  return content.length === about.bytes && [about.sha256, null].includes(await sha256(content));
}

/** In hexadecimal; null where the page comes over plain HTTP from another machine. */
export async function sha256(content: Uint8Array): Promise<string | null> {
  if (!globalThis.crypto?.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content as BufferSource));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Earlier files of the same model, which this one replaces. */
async function forgetOthers(cache: Cache | undefined, url: URL, { name }: ModelAbout): Promise<void> {
  for (const { url: old } of (await cache?.keys()) ?? []) {
    const file = old.slice(old.lastIndexOf("/") + 1);
    if (old !== url.href && file.replace(/-[0-9a-f]{16}\.onnx$/, "") === name) await cache?.delete(old);
  }
}
