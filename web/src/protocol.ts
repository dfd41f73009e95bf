// What the page and its worker exchange (through Comlink).
import type { Intrinsics } from "./camera";
import type { EngineName, Level } from "./network";
import type { Plane } from "./upsample";

export type FileKind = "depth16" | "color" | "ply" | "glb";

/** How a file is written: the factor of a known length, and the colours on screen. */
export interface FileSettings {
  scale: number;
  knownLength: number[] | null;
  colormap: string;
  range: [number, number];
}

export interface Opened {
  engine: EngineName;
  threads: number;
}

/** A predicted photo on screen: pixels sampled from the whole map, so that every number is exact. */
export interface View {
  /** Of the photo. */
  size: [number, number];
  workingSize: [number, number];
  /** Metres of the sampled pixels; NaN where the photo is transparent. */
  depth: Plane;
  /** Their colours, RGB. */
  rgb: Uint8Array;
  picture: ImageBitmap;
  levels: Level[];
  intrinsics: Intrinsics;
  focalScale: number;
  metric: boolean;
  milliseconds: number;
  passMilliseconds: number;
}

export interface NamedFile {
  name: string;
  content: Blob;
}

/** The pixel of the photo that a place of the view shows, along one side. */
export function sampledPixel(place: number, shown: number, photo: number): number {
  return Math.floor(((place + 0.5) * photo) / shown);
}
