// Offline after the first visit: the page's small files are kept at once, the runtime and examples
// when they are first used; models are kept by model_cache.ts. It also lets WebAssembly use
// threads, on any host: a page with these headers is cross-origin isolated.
export {};

declare const FILES: string[];
declare const BUILD: string;

const worker = self as unknown as ServiceWorkerGlobalScope;
const CACHE = `lapdepth-page-${BUILD}`;

worker.addEventListener("install", (event) => event.waitUntil(keep()));
worker.addEventListener("activate", (event) => event.waitUntil(begin()));

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const isOurs = request.method === "GET" && request.url.startsWith(worker.registration.scope);
  if (isOurs && !url.pathname.includes("/models/")) event.respondWith(answer(request));
});

async function keep(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" })));
  await worker.skipWaiting();
}

async function begin(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith("lapdepth-page-") && name !== CACHE) await caches.delete(name);
  }
  await worker.clients.claim();
}

async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request, { ignoreSearch: true });
  if (kept) return isolated(kept);
  const reply = await fetch(request);
  if (reply.status === 200) await cache.put(request, reply.clone()).catch(() => undefined);
  return isolated(reply);
}

function isolated(reply: Response): Response {
  if (reply.type === "opaque" || reply.status === 0 || reply.redirected) return reply;
  const headers = new Headers(reply.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "cross-origin");
  return new Response(reply.body, { status: reply.status, statusText: reply.statusText, headers });
}
