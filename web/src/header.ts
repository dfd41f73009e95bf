// What a file is, how large its picture is and whether it is whole: told by its bytes before a
// browser decodes it, because a browser shows half a picture and gives up on a huge one silently.
import { Problem } from "./problem";

export interface Header {
  /** "JPEG", "PNG", ...; "?" for kinds that only some browsers read (HEIC, TIFF, JPEG XL). */
  kind: string;
  /** As stored, before any turning; null where only the decoder knows. */
  size: [number, number] | null;
}

const text = (bytes: Uint8Array, at: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + length));

/** Reads a header; throws a `Problem` for what is no picture, or not a whole one. */
export function readHeader(bytes: Uint8Array, name: string): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 0) throw new Problem("error_empty", { name });
  try {
    const header = kindOf(bytes, view, name);
    if (header) return header;
  } catch (error) {
    if (error instanceof RangeError) throw new Problem("error_broken", { name }); // ends too early
    throw error;
  }
  throw new Problem("error_type", { name });
}

function kindOf(bytes: Uint8Array, view: DataView, name: string): Header | null {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return { kind: "JPEG", size: jpegSize(view, name) };
  if (text(bytes, 0, 8) === "\x89PNG\r\n\x1a\n") {
    if (text(bytes, bytes.length - 8, 4) !== "IEND" && !hasEnd(bytes, view)) throw new RangeError();
    return { kind: "PNG", size: [view.getUint32(16), view.getUint32(20)] };
  }
  if (text(bytes, 0, 3) === "GIF") return { kind: "GIF", size: [view.getUint16(6, true), view.getUint16(8, true)] };
  if (text(bytes, 0, 2) === "BM") {
    return { kind: "BMP", size: [Math.abs(view.getInt32(18, true)), Math.abs(view.getInt32(22, true))] };
  }
  if (text(bytes, 0, 4) === "RIFF" && text(bytes, 8, 4) === "WEBP") {
    if (view.getUint32(4, true) + 8 > bytes.length) throw new RangeError();
    return { kind: "WebP", size: webpSize(bytes, view) };
  }
  if (text(bytes, 4, 4) === "ftyp") {
    const brands = text(bytes, 8, Math.min(view.getUint32(0), 256) - 8);
    if (/avi[fs]/.test(brands)) return { kind: "AVIF", size: null };
    if (/hei|hev|mif1|msf1/.test(brands)) return { kind: "?", size: null };
    return null;
  }
  const tiff = ["II*\0", "MM\0*"].includes(text(bytes, 0, 4));
  const jxl = text(bytes, 0, 2) === "\xff\x0a" || text(bytes, 4, 4) === "JXL ";
  return tiff || jxl ? { kind: "?", size: null } : null;
}

/** Whether a PNG's chunks lead to its end; some programs leave bytes behind it. */
function hasEnd(bytes: Uint8Array, view: DataView): boolean {
  let at = 8;
  while (at + 8 <= bytes.length) {
    if (text(bytes, at + 4, 4) === "IEND") return true;
    at += 12 + view.getUint32(at);
  }
  return false;
}

/** Size of a JPEG's frame; its coded data must end with the marker that ends a picture. */
function jpegSize(view: DataView, name: string): [number, number] {
  let size: [number, number] | null = null;
  let at = 2;
  for (;;) {
    while (view.getUint8(at + 1) === 0xff) at++;
    const marker = view.getUint8(at + 1);
    if (view.getUint8(at) !== 0xff) throw new Problem("error_broken", { name });
    if (marker === 0xda) break;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) size = [view.getUint16(at + 7), view.getUint16(at + 5)];
    at += 2 + view.getUint16(at + 2);
  }
  for (at += 2; !(view.getUint8(at) === 0xff && view.getUint8(at + 1) === 0xd9); ) at++;
  if (!size) throw new Problem("error_broken", { name });
  return size;
}

function webpSize(bytes: Uint8Array, view: DataView): [number, number] | null {
  const kind = text(bytes, 12, 4);
  const three = (at: number): number => view.getUint16(at, true) + (view.getUint8(at + 2) << 16);
  if (kind === "VP8X") return [1 + three(24), 1 + three(27)];
  if (kind === "VP8 ") return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
  if (kind !== "VP8L") return null;
  const bits = view.getUint32(21, true);
  return [1 + (bits & 0x3fff), 1 + ((bits >> 14) & 0x3fff)];
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
