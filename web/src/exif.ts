// The EXIF tags that a focal length needs, from JPEG, PNG, WebP, AVIF and HEIC. Everything in them
// was written by a stranger: what cannot be believed counts as absent.
import ExifReader from "exifreader";

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
const HEAD = 1 << 18;

export function readTags(bytes: Uint8Array): Tags {
  let found: Record<string, { value?: unknown } | undefined> = {};
  try {
    found = (ExifReader.load(bytes.slice().buffer, { expanded: true }).exif ?? {}) as typeof found;
  } catch {
    // A malformed block counts as none.
  }
  const number = (name: string, low: number, high: number): number | null => {
    const value = found[name]?.value;
    const [above, below] = Array.isArray(value) ? [...value, 1] : [value, 1];
    const result = typeof above === "number" ? above / below : NaN;
    return result >= low && result <= high ? result : null;
  };
  const size = (wide: string, high: string): [number, number] | null => {
    const [w, h] = [number(wide, 1, 1e6), number(high, 1, 1e6)];
    return w === null || h === null ? null : [Math.trunc(w), Math.trunc(h)];
  };
  const word = (name: string): string => String(found[name]?.value ?? "").trim().toLowerCase();
  const plane = number("FocalPlaneXResolution", 1e-3, 1e9);
  return {
    orientation: Math.trunc(number("Orientation", 1, 8) ?? 1),
    focal35: number("FocalLengthIn35mmFilm", 1, 5000),
    focalMm: number("FocalLength", 0.5, 5000),
    zoom: number("DigitalZoomRatio", 1, 100),
    planePxPerMm: plane && plane / (PLANE_UNIT_MM[number("FocalPlaneResolutionUnit", 0, 9) ?? 2] ?? 25.4),
    taken: size("PixelXDimension", "PixelYDimension"),
    frame: size("ImageWidth", "ImageLength"),
    zoomIncluded: word("Make").startsWith("apple"),
    leastSensor: LARGE_CAMERAS.some((name) => word("Model").includes(name)) ? 17 : 2,
  };
}

const letters = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

/** A PNG or WebP without its EXIF, whose orientation some browsers heed and some do not. */
export function withoutExif(bytes: Uint8Array): Blob | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isPng = letters(bytes, 0) === "\x89PNG";
  if (!isPng && letters(bytes, 8) !== "WEBP") return null;
  for (let at = isPng ? 8 : 12; at + 8 < bytes.length; ) {
    const length = view.getUint32(isPng ? at : at + 4, !isPng);
    const end = isPng ? at + 12 + length : at + 8 + length + (length % 2);
    if (letters(bytes, isPng ? at + 4 : at).toUpperCase() === "EXIF") {
      const unread = isPng ? [] : ["NONE", bytes.subarray(at + 4, end)];
      return new Blob([bytes.subarray(0, at), ...unread, bytes.subarray(end)] as BlobPart[]);
    }
    at = end;
  }
  return null;
}

const PANORAMA = /ProjectionType\s*(?:=\s*["']|>)\s*(?!rectilinear|perspective|planar|flat|none|normal)[A-Za-z]|FullPanoWidthPixels|UsePanoramaViewer(?:="True"|>True)/i;

/** Whether a panorama program's tags (GPano) say that no pinhole camera took this. */
export function isPanorama(bytes: Uint8Array): boolean {
  return PANORAMA.test(new TextDecoder("latin1").decode(bytes.subarray(0, HEAD)));
}
