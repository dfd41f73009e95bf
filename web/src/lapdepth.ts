// lapdepth.js: metric depth for a page of one's own. docs/guides/web.md describes it.
import type { Intrinsics } from "./camera";
import { connect, type Client } from "./client";
import { problemOf } from "./problem";

/** A photo's depth. */
export interface Depth {
  /** Metres along the optical axis, row by row; NaN where the photo is transparent. */
  data: Float32Array;
  width: number;
  height: number;
  /** Coarse to fine: metres after each level, and its residual, each at its own size. */
  levels: { stride: number; width: number; height: number; depth: Float32Array; residual: Float32Array }[];
  intrinsics: Intrinsics;
  /** Whether the values are metres; false for a panorama. */
  metric: boolean;
}

export interface Options {
  /** "lite-indoor" (rooms, the default), "lite-outdoor" (streets) or "lite-free" (rooms, for commercial use). */
  model?: string;
  /** Horizontal field of view in degrees, if known. */
  fov?: number;
}

export type Image = Blob | ImageBitmap | ImageData | HTMLImageElement | HTMLCanvasElement | HTMLVideoElement | string;

let client: Promise<Client> | null = null;
let loaded: string | null = null;
let turn: Promise<unknown> = Promise.resolve();

/** Depth of one picture, computed in this browser; calls take turns. Throws an Error in English. */
export function predict(image: Image, options: Options = {}): Promise<Depth> {
  const result = turn.then(() => run(image, options));
  turn = result.catch(() => undefined);
  return result;
}

async function run(image: Image, options: Options): Promise<Depth> {
  const studio = await (client ??= connect(new URL(".", import.meta.url).href));
  const model = options.model ?? studio.about.models[0].name;
  try {
    if (loaded !== model) await studio.open(model, null);
    loaded = model;
    const view = await studio.predict(await sourceOf(image), "The picture", options.fov ?? null);
    view.picture.close();
    const levels = view.levels.map(({ stride, depth, residual }) => {
      return { stride, width: depth.width, height: depth.height, depth: depth.values, residual: residual.values };
    });
    const [width, height] = view.size;
    return { data: await studio.worker.whole(), width, height, levels, intrinsics: view.intrinsics, metric: view.metric };
  } catch (error) {
    const { key, values } = problemOf(error);
    const sentence = studio.about.texts.en[`web.${key}`];
    throw new Error(sentence.replace(/\{(\w+)\}/g, (_, blank: string) => String(values[blank])));
  }
}

/** A file stays one, so that its EXIF is read; all else becomes a bitmap. */
async function sourceOf(image: Image): Promise<Blob | ImageBitmap> {
  if (image instanceof Blob) return image;
  const address = typeof image === "string" ? image : image instanceof HTMLImageElement ? image.currentSrc || image.src : "";
  return address ? (await fetch(address)).blob() : createImageBitmap(image as ImageData);
}
