// What the page and its worker exchange (through Comlink).
import { pointAt, type Intrinsics } from "./camera";
import type { Level, Network } from "./network";
import type { Plane, Size } from "./upsample";

export type FileKind = "depth16" | "color" | "ply" | "glb";

/** How a file is written: the factor of a known length, and the colours on screen. */
export interface FileSettings {
  scale: number;
  knownLength: number[] | null;
  colormap: string;
  range: [number, number];
}

export type Opened = Pick<Network, "engine" | "threads">;

/** What is known of a predicted photo. */
export interface Facts {
  size: Size;
  workingSize: Size;
  levels: Level[];
  intrinsics: Intrinsics;
  focalScale: number;
  metric: boolean;
}

/** A predicted photo on screen: pixels sampled from the whole map, so that every number is exact. */
export interface View extends Facts {
  /** Metres of the sampled pixels; NaN where the photo is transparent. */
  depth: Plane;
  /** Their colours, RGB. */
  rgb: Uint8Array;
  picture: ImageBitmap;
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

/** The point in space that a place of the view shows: x right, y down, z forward, metres. */
export function shownPoint({ depth, size, intrinsics }: View, i: number, j: number, z: number): [number, number, number] {
  return pointAt(intrinsics, sampledPixel(i, depth.width, size[0]), sampledPixel(j, depth.height, size[1]), z);
}
