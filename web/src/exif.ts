// The EXIF tags that a focal length needs, from JPEG, PNG, WebP, AVIF and HEIC. Everything in them
// was written by a stranger: what cannot be believed counts as absent.

/** Checked values; null where absent. Sizes are before any turning. */
export interface Tags {
  orientation: number;
  focal35: number | null;
  focalMm: number | null;
  zoom: number | null;
  planePxPerMm: number | null;
  taken: [number, number] | null;
  frame: [number, number] | null;
  zoomIncluded: boolean;
  leastSensor: number;
}

const LARGE_CAMERAS = ["eos", "nikon d", "nikon z", "ilce", "ilca", "slt-", "dslr-", "pentax k", "x-t"];
const PLANE_UNIT_MM: Record<number, number> = { 2: 25.4, 3: 10, 4: 1, 5: 0.001 };
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];
const HEAD = 1 << 18;

type Directory = Map<number, number | string>;

export function readTags(bytes: Uint8Array): Tags {
  let first: Directory = new Map();
  let details: Directory = new Map();
  try {
    const start = tiffStart(bytes);
    if (start !== null) {
      const view = new DataView(bytes.buffer, bytes.byteOffset + start, bytes.byteLength - start);
      const little = view.getUint16(0) === 0x4949;
      first = directory(view, view.getUint32(4, little), little);
      const at = first.get(0x8769);
      if (typeof at === "number") details = directory(view, at, little);
    }
  } catch {
    // A malformed block counts as none.
  }
  const number = (from: Directory, tag: number, low: number, high: number): number | null => {
    const value = Number(from.get(tag) ?? NaN);
    return value >= low && value <= high ? value : null;
  };
  const size = (from: Directory, wide: number, high: number): [number, number] | null => {
    const [w, h] = [number(from, wide, 1, 1e6), number(from, high, 1, 1e6)];
    return w === null || h === null ? null : [Math.trunc(w), Math.trunc(h)];
  };
  const word = (tag: number): string => String(first.get(tag) ?? "").trim().toLowerCase();
  const plane = number(details, 0xa20e, 1e-3, 1e9);
  const turned = number(first, 0x0112, 1, 8);
  return {
    orientation: turned !== null && Number.isInteger(turned) ? turned : 1,
    focal35: number(details, 0xa405, 1, 5000),
    focalMm: number(details, 0x920a, 0.5, 5000),
    zoom: number(details, 0xa404, 1, 100),
    planePxPerMm: plane && plane / (PLANE_UNIT_MM[Number(details.get(0xa210) ?? 2)] ?? 25.4),
    taken: size(details, 0xa002, 0xa003),
    frame: size(first, 0x0100, 0x0101),
    zoomIncluded: word(0x010f).startsWith("apple"),
    leastSensor: LARGE_CAMERAS.some((name) => word(0x0110).includes(name)) ? 17 : 2,
  };
}

const letters = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
const isTiff = (bytes: Uint8Array, at: number): boolean => /^(II\*\0|MM\0\*)$/.test(letters(bytes, at));

/** The chunk of a PNG or WebP that holds EXIF: where it begins, its data, and where the next one does. */
function chunkOf(bytes: Uint8Array): { at: number; data: number; end: number } | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isPng = letters(bytes, 0) === "\x89PNG";
  if (!isPng && letters(bytes, 8) !== "WEBP") return null;
  for (let at = isPng ? 8 : 12; at + 8 < bytes.length; ) {
    const length = view.getUint32(isPng ? at : at + 4, !isPng);
    const end = isPng ? at + 12 + length : at + 8 + length + (length % 2);
    if (letters(bytes, isPng ? at + 4 : at).toUpperCase() === "EXIF") return { at, data: at + 8, end };
    at = end;
  }
  return null;
}

/** Where the TIFF structure of the EXIF block begins. */
function tiffStart(bytes: Uint8Array): number | null {
  const chunk = chunkOf(bytes);
  if (chunk) return isTiff(bytes, chunk.data) ? chunk.data : chunk.data + 6;
  const end = Math.min(bytes.length, HEAD) - 10;
  for (let at = 0; at < end; at++) {
    if (bytes[at] === 0x45 && letters(bytes, at) === "Exif" && bytes[at + 4] === 0 && isTiff(bytes, at + 6)) return at + 6;
  }
  return null;
}

/** A PNG or WebP without its EXIF, whose orientation some browsers heed and some do not. */
export function withoutExif(bytes: Uint8Array): Blob | null {
  const chunk = chunkOf(bytes);
  if (!chunk) return null;
  const rest = bytes.subarray(chunk.end);
  const parts = [bytes.subarray(0, chunk.at), ...(bytes[0] === 0x89 ? [] : ["NONE", bytes.subarray(chunk.at + 4, chunk.end)]), rest];
  return new Blob(parts as BlobPart[]);
}

/** The single numbers and short texts of one directory; rationals become numbers. */
function directory(view: DataView, at: number, little: boolean): Directory {
  const found: Directory = new Map();
  const count = view.getUint16(at, little);
  for (let entry = at + 2, i = 0; i < count; i++, entry += 12) {
    const type = view.getUint16(entry + 2, little);
    const amount = view.getUint32(entry + 4, little);
    const bytes = (TYPE_BYTES[type] ?? 0) * amount;
    const place = bytes > 4 ? view.getUint32(entry + 8, little) : entry + 8;
    if (bytes === 0 || bytes > 256 || place + bytes > view.byteLength) continue;
    const tag = view.getUint16(entry, little);
    if (type === 2) {
      const letters = Array.from({ length: amount }, (_, k) => view.getUint8(place + k));
      found.set(tag, String.fromCharCode(...letters).replace(/\0.*$/s, ""));
    } else if (amount === 1) {
      found.set(tag, one(view, type, place, little));
    }
  }
  return found;
}

function one(view: DataView, type: number, at: number, little: boolean): number {
  if (type === 3) return view.getUint16(at, little);
  if (type === 4) return view.getUint32(at, little);
  if (type === 5) return view.getUint32(at, little) / view.getUint32(at + 4, little);
  if (type === 8) return view.getInt16(at, little);
  if (type === 9) return view.getInt32(at, little);
  if (type === 10) return view.getInt32(at, little) / view.getInt32(at + 4, little);
  if (type === 11) return view.getFloat32(at, little);
  if (type === 12) return view.getFloat64(at, little);
  return view.getUint8(at);
}

const PANORAMA = /ProjectionType\s*(?:=\s*["']|>)\s*(?!rectilinear|perspective|planar|flat|none|normal)[A-Za-z]|FullPanoWidthPixels|UsePanoramaViewer(?:="True"|>True)/i;

/** Whether a panorama program's tags (GPano) say that no pinhole camera took this. */
export function isPanorama(bytes: Uint8Array): boolean {
  return PANORAMA.test(new TextDecoder("latin1").decode(bytes.subarray(0, HEAD)));
}
