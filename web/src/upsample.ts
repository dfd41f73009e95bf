// Depth from the working size to the photo's own, with borders where the photo has them: the three
// steps of core/images/upsample.py (docs/decisions/0003-upsampling.md), one row of the photo at a
// time, so that a large photo never exists as a whole.
import { resize, tapsOf, type Taps } from "./resize";

const STEP_FROM = 0.05;
const STEP_TO = 0.15;
const COLOUR_SIGMA = 0.1;
const WEAK = 1e-3;
const ROUND_TRIP = 2;

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
  finerSize: [number, number];
}

export function finerSize(photo: [number, number], working: [number, number]): [number, number] {
  return [Math.min(photo[0], ROUND_TRIP * working[0]), Math.min(photo[1], ROUND_TRIP * working[1])];
}

/** Writes one row: of the photo's row `y`, whose RGB bytes at the asked columns are `rgb`. */
export type RowWriter = (y: number, rgb: Uint8Array, out: Float32Array) => void;

/**
 * Metres of a photo's pixels, from depth at the working size.
 *
 * @param columns of the photo that are wanted, ascending; all of them where left out.
 */
export function upsampler(depth: Plane, photo: [number, number], guide: Guide, columns?: Int32Array): RowWriter {
  const [width, height] = photo;
  const wanted = columns ?? Int32Array.from({ length: width }, (_, x) => x);
  if (depth.width === width && depth.height === height) {
    return (y, _, out) => wanted.forEach((x, i) => (out[i] = depth.values[y * width + x]));
  }
  if (depth.width > width || depth.height > height) {
    const across = tapsOf(depth.width, width, "triangle");
    return interpolation(depth, across, tapsOf(depth.height, height, "triangle"), wanted);
  }
  return guided(sharpened(depth, guide), depth, photo, guide.seen, wanted);
}

/** Separable interpolation: all working rows at the wanted columns first, then row by row. */
function interpolation(depth: Plane, across: Taps, down: Taps, wanted: Int32Array): RowWriter {
  const n = wanted.length;
  const wide = new Float32Array(depth.height * n);
  for (let y = 0; y < depth.height; y++) {
    for (let i = 0; i < n; i++) {
      const x = wanted[i];
      let sum = 0;
      for (let j = 0; j < across.most; j++) {
        sum += across.weights[x * across.most + j] * depth.values[y * depth.width + across.first[x] + j];
      }
      wide[y * n + i] = sum;
    }
  }
  return (y, _, out) => {
    out.fill(0);
    for (let j = 0; j < down.most; j++) {
      const weight = down.weights[y * down.most + j];
      if (weight === 0) continue;
      const from = (down.first[y] + j) * n;
      for (let i = 0; i < n; i++) out[i] += weight * wide[from + i];
    }
  };
}

/** Where the pixels of one side of the photo lie among the working pixels. */
function axis(small: number, large: number) {
  const first = new Int32Array(large);
  const nearest = new Int32Array(large);
  const weight = new Float32Array(large);
  const scale = Math.fround(small / large);
  for (let i = 0; i < large; i++) {
    const centre = Math.fround((i + 0.5) * scale);
    const source = Math.min(Math.max(Math.fround(centre - 0.5), 0), small - 1);
    first[i] = Math.floor(source);
    weight[i] = source - first[i];
    nearest[i] = Math.min(Math.trunc(centre), small - 1);
  }
  return { first, nearest, weight };
}

function guided(
  depth: Plane,
  bounds: Plane,
  [width, height]: [number, number],
  seen: Uint8Array,
  wanted: Int32Array,
): RowWriter {
  const { width: w, height: h, values } = depth;
  const across = tapsOf(w, width, "cubic");
  const interpolated = interpolation(depth, across, tapsOf(h, height, "cubic"), wanted);
  const low = amongNeighbours(bounds, Math.min);
  const high = amongNeighbours(bounds, Math.max);
  const share = low.map((least, k) => clamp((Math.log(high[k] / least) - STEP_FROM) / (STEP_TO - STEP_FROM), 0, 1));
  const [rows, cols] = [axis(h, height), axis(w, width)];
  const unlike = -1 / (2 * (COLOUR_SIGMA * 255) ** 2);
  const places = new Int32Array(4);
  const weights = new Float64Array(4);

  return (y, rgb, out) => {
    interpolated(y, rgb, out);
    const row = rows.first[y];
    const down = rows.weight[y];
    const [upper, lower] = [row * w, Math.min(row + 1, h - 1) * w];
    for (let i = 0; i < wanted.length; i++) {
      const x = wanted[i];
      const left = cols.first[x];
      const right = Math.min(left + 1, w - 1);
      places[0] = upper + left;
      places[1] = upper + right;
      places[2] = lower + left;
      places[3] = lower + right;
      if (!(share[places[0]] || share[places[1]] || share[places[2]] || share[places[3]])) continue;
      const aside = cols.weight[x];
      weights[0] = (1 - down) * (1 - aside);
      weights[1] = (1 - down) * aside;
      weights[2] = down * (1 - aside);
      weights[3] = down * aside;
      let total = 0;
      let sum = 0;
      let decides = 0;
      for (let k = 0; k < 4; k++) {
        const from = places[k] * 3;
        const red = seen[from] - rgb[i * 3];
        const green = seen[from + 1] - rgb[i * 3 + 1];
        const blue = seen[from + 2] - rgb[i * 3 + 2];
        const alike = Math.exp((red * red + green * green + blue * blue) * unlike) + WEAK;
        decides += weights[k] * share[places[k]];
        total += weights[k] * alike;
        sum += weights[k] * alike * values[places[k]];
      }
      const edged = out[i] + (sum / total - out[i]) * decides;
      const nearest = (down < 0.5 ? upper : lower) + cols.nearest[x];
      out[i] = clamp(edged, low[nearest], high[nearest]);
    }
  };
}

/** Depth plus what averaging the upsampled depth over each working pixel would lose. */
function sharpened(depth: Plane, guide: Guide): Plane {
  const { width: w, height: h, values } = depth;
  const [width, height] = guide.finerSize;
  const all = Int32Array.from({ length: width }, (_, x) => x);
  const seen = resize(guide.finer, width, height, w, h);
  const same = width === w && height === h;
  const write = same ? null : guided(depth, depth, guide.finerSize, seen, all);
  const larger = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = larger.subarray(y * width, (y + 1) * width);
    if (write) write(y, guide.finer.subarray(y * width * 3, (y + 1) * width * 3), row);
    else row.set(values.subarray(y * width, (y + 1) * width));
  }
  const result = new Float32Array(values.length);
  for (let y = 0; y < h; y++) {
    const [top, bottom] = [Math.floor((y * height) / h), Math.ceil(((y + 1) * height) / h)];
    for (let x = 0; x < w; x++) {
      const [left, right] = [Math.floor((x * width) / w), Math.ceil(((x + 1) * width) / w)];
      let sum = 0;
      for (let v = top; v < bottom; v++) for (let u = left; u < right; u++) sum += larger[v * width + u];
      const here = values[y * w + x];
      result[y * w + x] = 2 * here - sum / ((bottom - top) * (right - left));
    }
  }
  return { values: result, width: w, height: h };
}

/** The least or greatest of each value and its eight neighbours. */
function amongNeighbours({ values, width, height }: Plane, choose: (a: number, b: number) => number): Float32Array {
  const across = values.slice();
  for (let k = 0; k < values.length; k++) {
    if (k % width > 0) across[k] = choose(across[k], values[k - 1]);
    if (k % width < width - 1) across[k] = choose(across[k], values[k + 1]);
  }
  const result = across.slice();
  for (let k = 0; k < values.length; k++) {
    if (k >= width) result[k] = choose(result[k], across[k - width]);
    if (k < (height - 1) * width) result[k] = choose(result[k], across[k + width]);
  }
  return result;
}

export function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}
