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
    let total = 0;
    for (let j = 0; j < count; j++) {
      total += weights[i * most + j] = at((low + j - centre + 0.5) / wide);
    }
    first[i] = Math.min(low, input - most); // so that all places are inputs
    const shift = low - first[i];
    weights.copyWithin(i * most + shift, i * most, i * most + count);
    weights.fill(0, i * most, i * most + shift);
    for (let j = 0; j < count; j++) weights[i * most + shift + j] /= total;
  }
  return { first, weights, most };
}

/** Whole numbers instead of the weights, as many bits as 16 hold: PyTorch's way for bytes. */
function fixedPoint({ weights }: Taps): { whole: Int32Array; bits: number } {
  let bits = 0;
  const largest = weights.reduce((a, b) => Math.max(a, b), 0);
  while (bits < 22 && Math.trunc(0.5 + largest * 2 ** (bits + 1)) < 1 << 15) bits++;
  const rounded = (w: number): number => Math.sign(w) * Math.trunc(Math.abs(w) * 2 ** bits + 0.5);
  return { whole: Int32Array.from(weights, rounded), bits };
}

/** A photo's rows in, one after the other, the resized photo out: RGB bytes. */
export class Resizer {
  private readonly between: Uint8Array;
  private readonly across: Taps | null;
  private readonly fixed: { whole: Int32Array; bits: number } | null;

  constructor(
    private readonly width: number,
    private readonly height: number,
    readonly toWidth: number,
    readonly toHeight: number,
  ) {
    this.across = toWidth === width ? null : tapsOf(width, toWidth, this.filter());
    this.fixed = this.across && fixedPoint(this.across);
    this.between = new Uint8Array(height * toWidth * 3);
  }

  private filter(): Filter {
    return this.toWidth * this.toHeight <= this.width * this.height ? "triangle" : "cubic";
  }

  add(y: number, row: Uint8Array): void {
    const out = this.between;
    let at = y * this.toWidth * 3;
    if (!this.across || !this.fixed) return out.set(row, at);
    const { first, most } = this.across;
    const { whole, bits } = this.fixed;
    const half = 1 << (bits - 1);
    for (let i = 0; i < this.toWidth; i++) {
      let red = half;
      let green = half;
      let blue = half;
      let from = first[i] * 3;
      for (let j = i * most; j < (i + 1) * most; j++, from += 3) {
        const weight = whole[j];
        red += weight * row[from];
        green += weight * row[from + 1];
        blue += weight * row[from + 2];
      }
      out[at++] = byte(red >> bits);
      out[at++] = byte(green >> bits);
      out[at++] = byte(blue >> bits);
    }
  }

  result(): Uint8Array {
    if (this.toHeight === this.height) return this.between;
    const down = tapsOf(this.height, this.toHeight, this.filter());
    const { whole, bits } = fixedPoint(down);
    const stride = this.toWidth * 3;
    const out = new Uint8Array(this.toHeight * stride);
    const sums = new Int32Array(stride);
    for (let y = 0; y < this.toHeight; y++) {
      sums.fill(1 << (bits - 1));
      for (let j = 0; j < down.most; j++) {
        const weight = whole[y * down.most + j];
        if (!weight) continue;
        const from = (down.first[y] + j) * stride;
        for (let k = 0; k < stride; k++) sums[k] += weight * this.between[from + k];
      }
      for (let k = 0; k < stride; k++) out[y * stride + k] = byte(sums[k] >> bits);
    }
    return out;
  }
}

function byte(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
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
  if (height > width) {
    const across = rounded(workingHeight);
    const down = rounded((across * height) / width);
    return [across, Math.min(Math.max(down, across), 2 * across)];
  }
  const down = rounded(workingHeight);
  return [Math.min(Math.max(rounded((down * width) / height), 32), 4 * down), down];
}
