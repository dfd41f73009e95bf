// Depth from the working size to the photo's own, with borders where the photo has them: the three
// steps of core/images/upsample.py (docs/decisions/0003-upsampling.md), one row of the photo at a
// time, so that a large photo never exists as a whole.
import { windowed } from "./flying";
import { every, resample, resize, tapsOf, type Filter } from "./resize";

const STEP_FROM = 0.05;
const STEP_TO = 0.15;
const COLOUR_SIGMA = 0.1;
const WEAK = 1e-3;
const ROUND_TRIP = 2;

/** Width and height. */
export type Size = [number, number];

/** A plane of numbers, row by row. */
export interface Plane {
  values: Float32Array;
  width: number;
  height: number;
}

/** A photo as upsampling needs it: as the network saw it, and at twice that size at most. */
export interface Guide {
  seen: Uint8Array;
  finer: Uint8Array;
  finerSize: Size;
}

export function finerSize(photo: Size, working: Size): Size {
  return [Math.min(photo[0], ROUND_TRIP * working[0]), Math.min(photo[1], ROUND_TRIP * working[1])];
}

/** Writes one row: of the photo's row `y`, whose RGB bytes at the asked columns are `rgb`. */
export type RowWriter = (y: number, rgb: Uint8Array, out: Float32Array) => void;

/**
 * Metres of a photo's pixels, from depth at the working size.
 *
 * @param columns of the photo that are wanted, ascending; all of them where left out.
 */
export function upsampler(depth: Plane, photo: Size, guide: Guide, columns = every(photo[0])): RowWriter {
  const [wider, higher] = [depth.width - photo[0], depth.height - photo[1]];
  // Without a change of size this gives the same numbers.
  if (wider > 0 || higher > 0 || (wider === 0 && higher === 0)) return interpolation(depth, photo, "triangle", columns);
  return guided(sharpened(depth, guide), depth, photo, guide.seen, columns);
}

/** Separable interpolation: all working rows at the wanted columns first, then row by row. */
function interpolation(depth: Plane, [width, height]: Size, filter: Filter, wanted: Int32Array): RowWriter {
  const across = tapsOf(depth.width, width, filter);
  const down = tapsOf(depth.height, height, filter);
  const n = wanted.length;
  const wide = new Float32Array(depth.height * n);
  for (let y = 0; y < depth.height; y++) resample(across, wanted, depth.values, y * depth.width, 1, wide, y * n);
  return (y, _, out) => resample(down, Int32Array.of(y), wide, 0, n, out, 0);
}

/** Where the pixels of one side of the photo lie among the working pixels. */
function axis(small: number, large: number) {
  const scale = Math.fround(small / large);
  const centre = Float32Array.from({ length: large }, (_, i) => (i + 0.5) * scale);
  const source = centre.map((at) => clamp(Math.fround(at - 0.5), 0, small - 1));
  const first = Int32Array.from(source); // rounded down
  const nearest = Int32Array.from(centre, (at) => Math.min(at, small - 1));
  return { first, nearest, weight: source.map((at, i) => at - first[i]) };
}

function guided(depth: Plane, bounds: Plane, photo: Size, seen: Uint8Array, wanted: Int32Array): RowWriter {
  const { width: w, height: h, values } = depth;
  const interpolated = interpolation(depth, photo, "cubic", wanted);
  const low = windowed(bounds.values, w, h, 1, Math.min);
  const high = windowed(bounds.values, w, h, 1, Math.max);
  const share = low.map((least, k) => clamp((Math.log(high[k] / least) - STEP_FROM) / (STEP_TO - STEP_FROM), 0, 1));
  const [cols, rows] = [axis(w, photo[0]), axis(h, photo[1])];
  const unlike = -1 / (2 * (COLOUR_SIGMA * 255) ** 2);

  return (y, rgb, out) => {
    interpolated(y, rgb, out);
    const down = rows.weight[y];
    const [upper, lower] = [rows.first[y] * w, Math.min(rows.first[y] + 1, h - 1) * w];
    for (let i = 0; i < wanted.length; i++) {
      const x = wanted[i];
      const left = cols.first[x];
      const right = Math.min(left + 1, w - 1);
      if (!(share[upper + left] || share[upper + right] || share[lower + left] || share[lower + right])) continue;
      const aside = cols.weight[x];
      let total = 0;
      let sum = 0;
      let decides = 0;
      for (let k = 0; k < 4; k++) {
        const place = (k & 2 ? lower : upper) + (k & 1 ? right : left);
        const near = (k & 2 ? down : 1 - down) * (k & 1 ? aside : 1 - aside);
        let apart = 0;
        for (let c = 0; c < 3; c++) apart += (seen[place * 3 + c] - rgb[i * 3 + c]) ** 2;
        const alike = near * (Math.exp(apart * unlike) + WEAK);
        decides += near * share[place];
        total += alike;
        sum += alike * values[place];
      }
      const edged = out[i] + (sum / total - out[i]) * decides;
      const nearest = (down < 0.5 ? upper : lower) + cols.nearest[x];
      out[i] = clamp(edged, low[nearest], high[nearest]);
    }
  };
}

/** Depth plus what averaging the upsampled depth over each working pixel would lose. */
function sharpened(depth: Plane, { finer, finerSize }: Guide): Plane {
  const { width: w, height: h, values } = depth;
  const [width, height] = finerSize;
  if (width === w && height === h) return depth;
  const write = guided(depth, depth, finerSize, resize(finer, width, height, w, h), every(width));
  const larger = new Float32Array(width * height);
  for (let from = 0; from < larger.length; from += width) {
    write(from / width, finer.subarray(from * 3, (from + width) * 3), larger.subarray(from, from + width));
  }
  const sharper = values.map((here, k) => {
    const [x, y] = [k % w, Math.floor(k / w)];
    const [left, right] = [Math.floor((x * width) / w), Math.ceil(((x + 1) * width) / w)];
    const [top, bottom] = [Math.floor((y * height) / h), Math.ceil(((y + 1) * height) / h)];
    let sum = 0;
    for (let v = top; v < bottom; v++) for (let u = left; u < right; u++) sum += larger[v * width + u];
    return 2 * here - sum / ((bottom - top) * (right - left));
  });
  return { ...depth, values: sharper };
}

export const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);
