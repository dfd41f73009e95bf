// Metres to colours, by the tables and the range of core/files/colormap.py.

import { clamp, type Plane, type Size } from "./upsample";

const INVALID = [128, 128, 128];
const SAMPLES = 250_000;

type Bytes = Uint8Array | Uint8ClampedArray;

export function tableOf(hexadecimal: string): Uint8Array {
  return Uint8Array.from({ length: hexadecimal.length / 2 }, (_, k) => parseInt(hexadecimal.slice(2 * k, 2 * k + 2), 16));
}

/** RGB bytes of metres, into `out` at `step` bytes a pixel. */
export function colorize(metres: Float32Array, table: Uint8Array, range: Size, out: Bytes, step = 3): void {
  const [near, far] = range;
  const scale = Math.fround(255 / (far - near));
  const offset = Math.fround(0.5 - (near * 255) / (far - near));
  for (let k = 0, to = 0; k < metres.length; k++, to += step) {
    const place = Math.fround(Math.fround(metres[k] * scale) + offset);
    const known = Number.isFinite(place);
    const from = Math.trunc(clamp(place, 0, 255)) * 3;
    for (let c = 0; c < 3; c++) out[to + c] = known ? table[from + c] : INVALID[c];
    if (step === 4) out[to + 3] = 255;
  }
}

/** The least and the greatest of the values that are numbers. */
export function extremes(values: Iterable<number>): Size {
  let [low, high] = [Infinity, -Infinity];
  for (const z of values) {
    if (z < low) low = z;
    if (z > high) high = z;
  }
  return [low, high];
}

/** The 1st and 99th percentile of a map's metres, sampled on a regular grid where it is large. */
export function autoRange({ values: metres, width }: Plane): Size {
  const step = Math.max(1, Math.floor(Math.sqrt(Math.floor(metres.length / SAMPLES))));
  const all: number[] = [];
  for (let row = 0; row < metres.length; row += step * width) {
    for (let x = 0; x < width; x += step) if (Number.isFinite(metres[row + x])) all.push(metres[row + x]);
  }
  if (all.length === 0) return [0, 1];
  const sorted = Float64Array.from(all).sort();
  const percentile = (share: number): number => {
    const place = share * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
    return below + (above - below) * (place % 1);
  };
  const [near, far] = [percentile(0.01), percentile(0.99)];
  const narrowest = 1e-3 * Math.max(Math.abs(far), 1e-3);
  if (far - near >= narrowest) return [near, far];
  const middle = (near + far) / 2;
  return [middle - narrowest / 2, middle + narrowest / 2];
}
