// The worker that does all that takes time, so that the page never stands still.
import { expose, transfer } from "comlink";
import type { About } from "./about";
import type { Progress } from "./model_cache";
import { Network, usualFocal, type EngineName } from "./network";
import { Photo } from "./photo";
import { Problem, problemOf } from "./problem";
import type { FileKind, FileSettings, NamedFile, Opened, View } from "./protocol";
import { Resizer, workingSize } from "./resize";
import { readRows, type Source } from "./rows";
import type { Plane } from "./upsample";
import { writeFile } from "./write";

let about: About;
let network: Network | null = null;
let photo: Photo | null = null;
let turn: Promise<unknown> = Promise.resolve();

/** Runs one thing after the other; what is thrown becomes a problem. */
function inTurn<T>(run: () => Promise<T>, name = ""): Promise<T> {
  const result = turn.then(run).catch((error) => {
    throw { ...problemOf(error, name) }; // Comlink passes plain objects as they are
  });
  turn = result.catch(() => undefined);
  return result;
}

function loaded(): Network {
  if (!network) throw new Problem("error_model", { name: "" });
  return network;
}

const api = {
  /** @param base address of the folder that the page lies in. */
  open: (all: About, base: string, model: string, engine: EngineName | null, progress: Progress): Promise<Opened> =>
    inTurn(async () => {
      about = all;
      const wanted = about.models.find(({ name }) => name === model);
      if (!wanted) throw new Problem("error_model", { name: model });
      const next = await Network.open(wanted, base, engine, progress);
      await network?.close();
      network = next;
      return { engine: next.engine, threads: next.threads };
    }),

  predict: (source: Source, name: string, fov: number | null): Promise<View> =>
    inTurn(async () => {
      const next = new Photo(source, name, fov);
      const view = await next.predict(loaded());
      photo?.forget();
      photo = next;
      return transfer(view, [view.picture, view.depth.values.buffer, view.rgb.buffer]);
    }, name),

  /** A picture of a live camera: the depth at the working size, in metres of an assumed camera. */
  frame: (bitmap: ImageBitmap): Promise<Plane> =>
    inTurn(async () => {
      const { about } = loaded();
      const { width, height } = bitmap;
      const resizer = new Resizer(width, height, ...workingSize(width, height, about.working_height));
      await readRows(bitmap, (y, row) => resizer.add(y, row));
      bitmap.close();
      const { toWidth, toHeight } = resizer;
      const levels = await loaded().run(resizer.result(), toWidth, toHeight, usualFocal(about, toWidth, toHeight));
      return levels[levels.length - 1].depth;
    }),

  /** Metres of all of the last photo's pixels. */
  whole: (): Promise<Float32Array> =>
    inTurn(async () => {
      const depth = await shown().whole();
      return transfer(depth, [depth.buffer]);
    }),

  file: (kind: FileKind, settings: FileSettings): Promise<NamedFile[]> =>
    inTurn(async () => {
      const { colormaps, version } = about;
      return writeFile(kind, { photo: shown(), settings, colormaps, version });
    }),
};

function shown(): Photo {
  if (!photo) throw new Problem("error_no_photo");
  return photo;
}

export type Api = typeof api;
expose(api);
