// A photo's pixels in strips of rows, upright and in sRGB, over white where it is see-through: no
// whole copy of a large photo is ever made besides the browser's own.
import { readTags, withoutExif } from "./exif";
import { checkSize, readHeader } from "./header";
import { Problem } from "./problem";

const STRIP_PIXELS = 1 << 20;

/** What a photo may come as. A bitmap is closed by whoever made it. */
export type Source = Blob | ImageBitmap;

/** Gets every row: RGB bytes, and where alpha is 0 a mask of 1s (null for rows without any). */
export type RowReader = (y: number, rgb: Uint8Array, clear: Uint8Array | null) => void | Promise<void>;

export async function open(source: Source, name: string): Promise<ImageBitmap> {
  if (!(source instanceof Blob)) {
    checkSize(source.width, source.height, name);
    return source;
  }
  const bytes = new Uint8Array(await source.arrayBuffer());
  const header = readHeader(bytes, name);
  const [width, height] = header.size;
  checkSize(width, height, name);
  try {
    const plain = withoutExif(bytes);
    const bitmap = await createImageBitmap(plain ?? source);
    checkSize(bitmap.width, bitmap.height, name);
    return plain ? upright(bitmap, readTags(bytes).orientation) : bitmap;
  } catch (error) {
    if (error instanceof Problem) throw error;
    const large = width * height > 16_000_000;
    throw new Problem(header.kind === "?" ? "error_browser" : large ? "error_memory" : "error_broken", { name });
  }
}

/** Turned and mirrored as the EXIF orientation says (Exif 2.32, 4.6.4). */
function upright(bitmap: ImageBitmap, orientation: number): ImageBitmap {
  if (orientation === 1) return bitmap;
  const { width: w, height: h } = bitmap;
  const canvas = new OffscreenCanvas(orientation >= 5 ? h : w, orientation >= 5 ? w : h);
  const brush = canvas.getContext("2d")!;
  const turns = [[-1, 0, 0, 1, w, 0], [-1, 0, 0, -1, w, h], [1, 0, 0, -1, 0, h], [0, 1, 1, 0, 0, 0]];
  turns.push([0, 1, -1, 0, h, 0], [0, -1, -1, 0, h, w], [0, -1, 1, 0, 0, w]);
  brush.setTransform(new DOMMatrix(turns[orientation - 2]));
  brush.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.transferToImageBitmap();
}

export async function readRows(bitmap: ImageBitmap, read: RowReader): Promise<void> {
  const { width, height } = bitmap;
  const rows = Math.max(1, Math.min(height, Math.floor(STRIP_PIXELS / width)));
  const canvas = new OffscreenCanvas(width, rows);
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  if (!brush) throw new Problem("error_memory", { name: "" });
  const rgb = new Uint8Array(width * 3);
  for (let top = 0; top < height; top += rows) {
    brush.clearRect(0, 0, width, rows);
    brush.drawImage(bitmap, 0, -top);
    const strip = brush.getImageData(0, 0, width, rows).data;
    for (let y = top; y < Math.min(top + rows, height); y++) {
      const line = strip.subarray((y - top) * width * 4, (y - top + 1) * width * 4);
      await read(y, rgb, overWhite(line, rgb));
    }
  }
}

function overWhite(rgba: Uint8ClampedArray, rgb: Uint8Array): Uint8Array | null {
  let clear: Uint8Array | null = null;
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    const alpha = rgba[from + 3];
    for (let c = 0; c < 3; c++) rgb[to + c] = rgba[from + c];
    if (alpha === 255) continue;
    const white = 255 * (255 - alpha);
    for (let c = 0; c < 3; c++) rgb[to + c] = Math.round((rgba[from + c] * alpha + white) / 255);
    if (alpha === 0) (clear ??= new Uint8Array(rgba.length / 4))[from / 4] = 1;
  }
  return clear;
}
