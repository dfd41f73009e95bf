// Pixels that hang between two surfaces, step for step as core/geometry/masks.py finds them.
import { halfEven } from "./png";

export const EDGE_TOLERANCE = 0.05;
const GRID = 640;
const STEADY = 1.5;

/** 1 where a pixel's depth belongs to no surface. */
export function flyingPixels(depth: Float32Array, width: number, height: number): Uint8Array {
  const block = Math.max(1, Math.ceil(Math.max(width, height) / GRID));
  const [w, h] = [Math.ceil(width / block), Math.ceil(height / block)];
  const inverse = (k: number): number => (depth[k] > 0 && depth[k] < Infinity ? Math.fround(1 / depth[k]) : NaN);
  let nearest: Float32Array = new Float32Array(w * h).fill(-Infinity);
  let furthest: Float32Array = new Float32Array(w * h).fill(Infinity);
  const middle = new Float32Array(w * h);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = inverse(y * width + x);
      const tile = Math.floor(y / block) * w + Math.floor(x / block);
      if (value > nearest[tile]) nearest[tile] = value;
      if (value < furthest[tile]) furthest[tile] = value;
    }
  }
  const half = Math.floor(block / 2);
  for (let j = 0; j < h; j++) {
    for (let i = 0; i < w; i++) {
      const [y, x] = [Math.min(j * block + half, height - 1), Math.min(i * block + half, width - 1)];
      middle[j * w + i] = inverse(y * width + x);
    }
  }
  const radius = Math.min(Math.max(halfEven(Math.max(w, h) / 120), 2), 4);
  const across = steadySlope(middle, w, h, 1, 4 * radius);
  const down = steadySlope(middle, w, h, w, 4 * radius);
  nearest = windowed(nearest, w, h, radius, Math.max);
  furthest = windowed(furthest, w, h, radius, Math.min);
  const flying = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const here = inverse(y * width + x);
      const tile = Math.floor(y / block) * w + Math.floor(x / block);
      const slope = (across[tile] + down[tile]) * (radius + (block > 1 ? 1 : 0));
      const margin = here * EDGE_TOLERANCE;
      if (nearest[tile] - slope - here > margin && here - furthest[tile] - slope > margin) flying[y * width + x] = 1;
    }
  }
  return flying;
}

/** Change per pixel that holds up to one side at least: a plane's own slope. */
function steadySlope(inverse: Float32Array, w: number, h: number, step: number, side: number): Float32Array {
  const [length, lines, lineStep] = step === 1 ? [w, h, w] : [h, w, 1];
  const slope = new Float32Array(w * h);
  if (length <= side) return slope;
  const local = new Float32Array(length);
  for (let line = 0; line < lines; line++) {
    const at = (i: number): number => inverse[line * lineStep + i * step];
    for (let i = 0; i < length; i++) {
      const change = i === 0 ? at(1) - at(0) : i === length - 1 ? at(i) - at(i - 1) : (at(i + 1) - at(i - 1)) / 2;
      local[i] = Number.isNaN(change) ? 0 : Math.abs(change);
    }
    for (let i = 0; i + side < length; i++) {
      let held = Infinity;
      for (let k = i; k <= i + side; k++) held = Math.min(held, local[k]);
      if (!(Math.abs(at(i + side) - at(i)) <= STEADY * side * held)) continue;
      for (const end of [i, i + side]) {
        const place = line * lineStep + end * step;
        slope[place] = Math.max(slope[place], held);
      }
    }
  }
  return slope;
}

/** Extreme value of the square window around each pixel. */
function windowed(
  plane: Float32Array,
  w: number,
  h: number,
  radius: number,
  choose: (a: number, b: number) => number,
): Float32Array {
  for (const step of [w, 1]) {
    const result = plane.slice();
    for (let k = 0; k < plane.length; k++) {
      const [place, length] = step === 1 ? [k % w, w] : [Math.floor(k / w), h];
      for (let d = Math.max(-radius, -place); d <= Math.min(radius, length - 1 - place); d++) {
        result[k] = choose(result[k], plane[k + d * step]);
      }
    }
    plane = result;
  }
  return plane;
}
