// What a file is, how large its picture is and whether it is whole: told by its bytes before a
// browser decodes it, because a browser shows half a picture and gives up on a huge one silently.
import { imageSize } from "image-size";
import { Problem } from "./problem";

export interface Header {
  /** "JPEG", "PNG", ...; "?" for kinds that only some browsers read (HEIC, TIFF, JPEG XL). */
  kind: string;
  /** As stored, before any turning. */
  size: [number, number];
}

const KINDS: Record<string, string> = { jpg: "JPEG", png: "PNG", gif: "GIF", bmp: "BMP", webp: "WebP", avif: "AVIF" };
const ONLY_SOME = ["heic", "heif", "tiff", "jxl", "jxl-stream"];
const STARTS = /^(\xff\xd8|\x89PNG|GIF8|BM|RIFF....WEBP|II\*\0|MM\0\*|....ftyp(avi[fs]|hei|hev|mif1))/s;

/** Reads a header; throws a `Problem` for what is no picture, or not a whole one. */
export function readHeader(bytes: Uint8Array, name: string): Header {
  if (bytes.length === 0) throw new Problem("error_empty", { name });
  const looksLikeOne = STARTS.test(String.fromCharCode(...bytes.subarray(0, 12)));
  try {
    const { type = "", width, height } = imageSize(bytes);
    const kind = KINDS[type] ?? (ONLY_SOME.includes(type) ? "?" : null);
    if (kind && !isCutShort(bytes, kind)) return { kind, size: [width, height] };
    throw new Problem(kind ? "error_broken" : "error_type", { name });
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(looksLikeOne ? "error_broken" : "error_type", { name });
  }
}

function isCutShort(bytes: Uint8Array, kind: string): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (kind === "WebP") return view.getUint32(4, true) + 8 > bytes.length;
  let at = kind === "PNG" ? 8 : 2;
  if (kind === "PNG") {
    for (; view.getUint32(at + 4) !== 0x49454e44; ) at += 12 + view.getUint32(at); // until IEND
  } else if (kind === "JPEG") {
    for (; view.getUint16(at) !== 0xffda; ) at += view.getUint16(at) === 0xffff ? 1 : 2 + view.getUint16(at + 2);
    for (at += 2; view.getUint16(at) !== 0xffd9; ) at++; // the coded data ends with this marker
  }
  return false; // what ends too early has thrown a RangeError
}

const MAX_PIXELS = 100_000_000;
const SMALL_DEVICE_PIXELS = 50_000_000;
const MAX_SIDE = 65_535;
const MAX_ASPECT = 200;

/** Throws a `Problem` for a picture that is too large for this device, or holds no scene. */
export function checkSize(width: number, height: number, name: string): void {
  const memory = (globalThis.navigator as { deviceMemory?: number } | undefined)?.deviceMemory ?? 8;
  const most = memory < 4 ? SMALL_DEVICE_PIXELS : MAX_PIXELS;
  const values = { name, width, height, most: most / 1e6 };
  if (width * height > most || Math.max(width, height) > MAX_SIDE) throw new Problem("error_large", values);
  const [short, long] = [Math.min(width, height), Math.max(width, height)];
  if (short < 2 || long > MAX_ASPECT * short) throw new Problem("error_shape", values);
}
