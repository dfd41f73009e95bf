// The worker that does all that takes time, so that the page never stands still.
import { Network, usualFocal } from "./network";
import { Photo } from "./photo";
import { Problem } from "./problem";
import type { Frame, Opened, Reply, Request, View } from "./protocol";
import { Resizer, workingSize } from "./resize";
import { readRows } from "./rows";
import { writeFile } from "./write";

let opened: (Extract<Request, { kind: "open" }> & { network: Network }) | null = null;
let photo: Photo | null = null;
let turn: Promise<unknown> = Promise.resolve();

async function answer(id: number, request: Request): Promise<unknown> {
  if (request.kind === "open") {
    const progress = (loaded: number, total: number): void => post({ id, loaded, total });
    const about = request.about.models.find(({ name }) => name === request.model);
    if (!about) throw new Problem("error_model", { name: request.model });
    const network = await Network.open(about, request.base, request.engine, progress);
    await opened?.network.close();
    opened = { ...request, network };
    return { engine: network.engine, threads: network.threads } satisfies Opened;
  }
  if (!opened) throw new Problem("error_model", { name: "" });
  const { network } = opened;
  if (request.kind === "frame") return frame(network, request.bitmap);
  if (request.kind === "predict") {
    const next = new Photo(request.source, request.name, request.fov);
    try {
      const view = await next.predict(network);
      photo?.forget();
      photo = next;
      return view;
    } catch (error) {
      next.forget();
      throw error;
    }
  }
  if (!photo) throw new Problem("error_no_photo");
  if (request.kind === "whole") return photo.whole();
  const { colormaps, version } = opened.about;
  return writeFile(request.file, { photo, network, settings: request.settings, colormaps, version });
}

/** A picture of a live camera: the depth at the working size, in metres of an assumed camera. */
async function frame(network: Network, bitmap: ImageBitmap): Promise<Frame> {
  const started = performance.now();
  const { width, height } = bitmap;
  const resizer = new Resizer(width, height, ...workingSize(width, height, network.about.working_height));
  await readRows(bitmap, (y, row) => resizer.add(y, row));
  bitmap.close();
  const { toWidth, toHeight } = resizer;
  const levels = await network.run(resizer.result(), toWidth, toHeight, usualFocal(network.about, toWidth, toHeight));
  return { depth: levels[levels.length - 1].depth, milliseconds: performance.now() - started };
}

function post(reply: Reply, transfer: Transferable[] = []): void {
  (self as unknown as DedicatedWorkerGlobalScope).postMessage(reply, transfer);
}

function transferable(result: unknown): Transferable[] {
  if (result instanceof Float32Array) return [result.buffer];
  const view = result as Partial<View> | undefined;
  return view?.picture && view.depth && view.rgb ? [view.picture, view.depth.values.buffer, view.rgb.buffer] : [];
}

self.onmessage = ({ data }: MessageEvent<{ id: number; request: Request }>) => {
  const { id, request } = data;
  turn = turn.then(async () => {
    try {
      const result = await answer(id, request);
      post({ id, result }, transferable(result));
    } catch (error) {
      if (error instanceof Problem) return post({ id, problem: error.key, values: error.values });
      const memory = error instanceof RangeError || /memory|allocat/i.test(String(error));
      const name = request.kind === "predict" ? request.name : "";
      post({ id, problem: memory ? "error_memory" : "error_bug", values: { name, reason: String(error).slice(0, 200) } });
    }
  });
};
