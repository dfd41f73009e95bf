// The worker as promises: what the page and lapdepth.js are made of.
import type { About } from "./about";
import type { EngineName } from "./network";
import { Problem } from "./problem";
import type { FileKind, FileSettings, Frame, NamedFile, Opened, Reply, Request, View } from "./protocol";
import type { Source } from "./rows";

interface Waiting {
  resolve: (result: never) => void;
  reject: (error: Error) => void;
  progress?: ((loaded: number, total: number) => void) | undefined;
}

export class Client {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, Waiting>();
  private next = 0;

  /** @param base address of the folder that the page lies in. */
  constructor(
    readonly about: About,
    private readonly base: string,
  ) {
    this.worker = new Worker(new URL("worker.js", base), { type: "module" });
    this.worker.onmessage = ({ data }: MessageEvent<Reply>) => this.take(data);
    this.worker.onerror = (event) => {
      event.preventDefault();
      this.waiting.forEach(({ reject }) => reject(new Problem("error_memory", { name: "" })));
      this.waiting.clear();
    };
  }

  /** Reads what the build says; throws a TypeError where the host does not answer. */
  static async start(base: string): Promise<Client> {
    const about = (await (await fetch(new URL("about.json", base))).json()) as About;
    return new Client(about, base);
  }

  open(model: string, engine: EngineName | null, progress?: (loaded: number, total: number) => void): Promise<Opened> {
    return this.ask({ kind: "open", about: this.about, base: this.base, model, engine }, progress);
  }

  predict(source: Source, name: string, fov: number | null): Promise<View> {
    return this.ask({ kind: "predict", source, name, fov });
  }

  frame(bitmap: ImageBitmap): Promise<Frame> {
    return this.ask({ kind: "frame", bitmap });
  }

  /** Metres of all of the last photo's pixels. */
  whole(): Promise<Float32Array> {
    return this.ask({ kind: "whole" });
  }

  file(file: FileKind, settings: FileSettings): Promise<NamedFile[]> {
    return this.ask({ kind: "file", file, settings });
  }

  private ask<T>(request: Request, progress?: (loaded: number, total: number) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const id = this.next++;
      this.waiting.set(id, { resolve, reject, progress });
      const moved = Object.values(request).filter((value) => value instanceof ImageBitmap);
      this.worker.postMessage({ id, request }, moved);
    });
  }

  private take(reply: Reply): void {
    const waiting = this.waiting.get(reply.id);
    if (!waiting) return;
    if ("loaded" in reply) return waiting.progress?.(reply.loaded, reply.total);
    this.waiting.delete(reply.id);
    if ("problem" in reply) waiting.reject(new Problem(reply.problem, reply.values));
    else waiting.resolve(reply.result as never);
  }
}
