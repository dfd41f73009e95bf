// Resampling as core/images/resize.py has it from PyTorch: separable filters that widen when they
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

/** A photo's rows in, one after the other, the resized photo out: RGB bytes. */
export class Resizer {
  private readonly filter: Filter;
  private readonly across: Taps;
  private readonly between: Uint8ClampedArray;

  constructor(width: number, private readonly height: number, readonly toWidth: number, readonly toHeight: number) {
    this.filter = toWidth * toHeight <= width * height ? "triangle" : "cubic";
    this.across = byteTaps(width, toWidth, this.filter);
    this.between = new Uint8ClampedArray(height * toWidth * 3);
  }

  add(y: number, row: Uint8Array): void {
    const { first, weights, most } = this.across; // as `resample`, in half its time
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
      this.between[at++] = Math.floor(red);
      this.between[at++] = Math.floor(green);
      this.between[at++] = Math.floor(blue);
    }
  }

  result(): Uint8Array {
    const down = byteTaps(this.height, this.toHeight, this.filter);
    const out = new Uint8ClampedArray(this.toHeight * this.toWidth * 3);
    resample(down, every(this.toHeight), this.between, 0, this.toWidth * 3, out, 0);
    return new Uint8Array(out.buffer);
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
