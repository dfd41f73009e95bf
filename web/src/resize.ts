// Resampling as core/images/resize.py has it: separable filters that widen when they
// shrink (antialiased), the triangle for shrinking and Keys' cubic (a = -0.5) for enlarging.

export type Filter = "triangle" | "cubic";

const FILTERS: Record<Filter, { support: number; at: (x: number) => number }> = {
  triangle: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  cubic: {
    support: 2,
    at: (signed) => {
      const x = Math.abs(signed);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? -0.5 * (((x - 5) * x + 8) * x - 4) : 0;
    },
  },
};

/** Which inputs each output is a weighted mean of: `most` places each, unused ones weigh 0. */
export interface Taps {
  first: Int32Array;
  weights: Float64Array;
  most: number;
}

export function tapsOf(input: number, output: number, filter: Filter): Taps {
  const { support, at } = FILTERS[filter];
  const scale = input / output;
  const wide = Math.max(scale, 1);
  const reach = support * wide;
  const most = Math.min(Math.ceil(reach) * 2 + 1, input);
  const first = new Int32Array(output);
  const weights = new Float64Array(output * most);
  for (let i = 0; i < output; i++) {
    const centre = scale * (i + 0.5);
    const low = Math.max(Math.trunc(centre - reach + 0.5), 0);
    const count = Math.min(Math.trunc(centre + reach + 0.5), input) - low;
    first[i] = Math.min(low, input - most); // so that all places are inputs
    const own = weights.subarray(i * most + low - first[i]).subarray(0, count);
    own.forEach((_, j) => (own[j] = at((low + j - centre + 0.5) / wide)));
    const total = own.reduce((sum, weight) => sum + weight, 0);
    own.forEach((weight, j) => (own[j] = weight / total));
  }
  return { first, weights, most };
}

/** With weights rounded to 22 bits: Pillow's way for bytes. */
function byteTaps(input: number, output: number, filter: Filter): Taps {
  const taps = tapsOf(input, output, filter);
  const whole = (w: number): number => (Math.sign(w) * Math.trunc(Math.abs(w) * 2 ** 22 + 0.5)) / 2 ** 22;
  return { ...taps, weights: taps.weights.map(whole) };
}

type Numbers = Uint8Array | Uint8ClampedArray | Float32Array;

/** Counts from nought: all outputs of a resampling. */
export const every = (count: number): Int32Array => Int32Array.from({ length: count }, (_, i) => i);

/**
 * Resamples, each output `n` numbers side by side.
 *
 * @param which outputs are wanted; they are written one after the other, from `at` on.
 * @param from where the first input begins in `values`.
 */
export function resample(taps: Taps, which: Int32Array, values: Numbers, from: number, n: number, out: Numbers, at: number): void {
  const { first, weights, most } = taps;
  const half = out instanceof Float32Array ? 0 : 0.5;
  for (let k = 0; k < which.length; k++) {
    const i = which[k];
    for (let c = 0; c < n; c++) {
      let place = from + first[i] * n + c;
      let sum = half;
      for (let j = i * most; j < (i + 1) * most; j++, place += n) sum += weights[j] * values[place];
      out[at++] = half ? Math.floor(sum) : sum;
    }
  }
}

const ROUNDING = 0.5 + 2 ** -11; // halves go up, as in Python, whose sums are float32

/**
 * A photo's rows in, one after the other, the resized photo out: RGB bytes.
 *
 * What shrinks has its rows reduced first, by sums that each row adds to; what is enlarged its columns.
 */
export class Resizer {
  private readonly shrinks: boolean;
  private readonly across: Taps;
  private readonly down: Taps;
  private readonly out: Uint8ClampedArray;
  private readonly between = new Uint8ClampedArray(); // enlarging: all rows, resized
  private readonly sums = new Map<number, Float64Array>();
  private readonly summed: Uint8Array;
  private done = 0;

  constructor(width: number, height: number, readonly toWidth: number, readonly toHeight: number) {
    this.shrinks = toWidth * toHeight <= width * height;
    const filter = this.shrinks ? "triangle" : "cubic";
    this.across = byteTaps(width, toWidth, filter);
    this.down = this.shrinks ? tapsOf(height, toHeight, filter) : byteTaps(height, toHeight, filter);
    this.out = new Uint8ClampedArray(toHeight * toWidth * 3);
    this.summed = new Uint8Array(width * 3);
    if (!this.shrinks) this.between = new Uint8ClampedArray(height * toWidth * 3);
  }

  add(y: number, row: Uint8Array): void {
    if (!this.shrinks) return this.columns(row, this.between, y);
    const { first, weights, most } = this.down;
    for (let i = this.done; i < first.length && first[i] <= y; i++) {
      const sums = this.sums.get(i) ?? new Float64Array(row.length).fill(ROUNDING);
      const weight = Math.fround(weights[i * most + y - first[i]]);
      for (let j = 0; j < row.length; j++) sums[j] += weight * row[j];
      this.sums.set(i, sums);
      if (y < first[i] + most - 1) continue;
      this.summed.set(sums); // cut off to whole numbers
      this.columns(this.summed, this.out, i);
      this.sums.delete(i);
      this.done = i + 1;
    }
  }

  result(): Uint8Array {
    const row = this.toWidth * 3;
    if (!this.shrinks) resample(this.down, every(this.out.length / row), this.between, 0, row, this.out, 0);
    return new Uint8Array(this.out.buffer);
  }

  /** One row to its new width, into that row of `out`: as `resample`, in half its time. */
  private columns(row: Uint8Array, out: Uint8ClampedArray, y: number): void {
    const { first, weights, most } = this.across;
    let at = y * this.toWidth * 3;
    for (let i = 0; i < this.toWidth; i++) {
      let red = 0.5;
      let green = 0.5;
      let blue = 0.5;
      let from = first[i] * 3;
      for (let j = i * most; j < (i + 1) * most; j++, from += 3) {
        red += weights[j] * row[from];
        green += weights[j] * row[from + 1];
        blue += weights[j] * row[from + 2];
      }
      out[at++] = Math.floor(red);
      out[at++] = Math.floor(green);
      out[at++] = Math.floor(blue);
    }
  }
}

/** A whole photo, (height, width, 3) bytes. */
export function resize(rgb: Uint8Array, width: number, height: number, w: number, h: number): Uint8Array {
  const resizer = new Resizer(width, height, w, h);
  for (let y = 0; y < height; y++) resizer.add(y, rgb.subarray(y * width * 3, (y + 1) * width * 3));
  return resizer.result();
}

const STRIDE = 16;
const rounded = (pixels: number): number => Math.max(STRIDE, Math.trunc(pixels / STRIDE + 0.5) * STRIDE);

/** Width and height at which the network sees a photo (core/images/resize.py). */
export function workingSize(width: number, height: number, workingHeight: number): [number, number] {
  const short = rounded(workingHeight);
  if (height > width) return [short, Math.min(Math.max(rounded((short * height) / width), short), 2 * short)];
  return [Math.min(Math.max(rounded((short * width) / height), 32), 4 * short), short];
}
