// The worker, as the page and lapdepth.js call it.
import { proxy, transfer, wrap, type Remote } from "comlink";
import type { About } from "./about";
import type { Progress } from "./model_cache";
import type { EngineName } from "./network";
import type { Opened, View } from "./protocol";
import type { Source } from "./rows";
import type { Plane } from "./upsample";
import type { Api } from "./worker";

export class Client {
  readonly worker: Remote<Api>;

  /** @param base address of the folder that the page lies in. */
  constructor(readonly about: About, private readonly base: string) {
    this.worker = wrap<Api>(new Worker(new URL("worker.js", base), { type: "module" }));
  }

  static async start(base: string): Promise<Client> {
    return new Client((await (await fetch(new URL("about.json", base))).json()) as About, base);
  }

  open(model: string, engine: EngineName | null, progress: Progress = () => undefined): Promise<Opened> {
    return this.worker.open(this.about, this.base, model, engine, proxy(progress));
  }

  predict(source: Source, name: string, fov: number | null): Promise<View> {
    return this.worker.predict(moved(source), name, fov) as Promise<View>;
  }

  frame(bitmap: ImageBitmap): Promise<Plane> {
    return this.worker.frame(moved(bitmap)) as Promise<Plane>;
  }
}

const moved = <T extends Source>(source: T): T => (source instanceof Blob ? source : transfer(source, [source]));
