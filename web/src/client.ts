// The worker, as the page and lapdepth.js call it.
import { proxy, transfer, wrap } from "comlink";
import type { About } from "./about";
import type { Progress } from "./model_cache";
import type { EngineName } from "./network";
import type { View } from "./protocol";
import type { Source } from "./rows";
import type { Plane } from "./upsample";
import type { Api } from "./worker";

export type Client = Awaited<ReturnType<typeof connect>>;

/** @param base address of the folder that the page lies in. */
export async function connect(base: string) {
  const about = (await (await fetch(new URL("about.json", base))).json()) as About;
  const worker = wrap<Api>(new Worker(new URL("worker.js", base), { type: "module" }));
  return {
    about,
    worker,
    open: (model: string, engine: EngineName | null, progress: Progress = () => undefined) =>
      worker.open(about, base, model, engine, proxy(progress)),
    predict: (source: Source, name: string, fov: number | null) =>
      worker.predict(moved(source), name, fov) as Promise<View>,
    frame: (bitmap: ImageBitmap) => worker.frame(moved(bitmap)) as Promise<Plane>,
  };
}

const moved = <T extends Source>(source: T): T => (source instanceof Blob ? source : transfer(source, [source]));
