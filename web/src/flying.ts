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
  const tileOf = (k: number): number => Math.floor(Math.floor(k / width) / block) * w + Math.floor((k % width) / block);
  let nearest: Float32Array = new Float32Array(w * h).fill(-Infinity);
  let furthest: Float32Array = new Float32Array(w * h).fill(Infinity);
  for (let k = 0; k < depth.length; k++) {
    const [value, tile] = [inverse(k), tileOf(k)];
    if (value > nearest[tile]) nearest[tile] = value;
    if (value < furthest[tile]) furthest[tile] = value;
  }
  const inside = (tile: number, side: number): number => Math.min(tile * block + Math.floor(block / 2), side - 1);
  const middle = nearest.map((_, k) => inverse(inside(Math.floor(k / w), height) * width + inside(k % w, width)));
  const radius = Math.min(Math.max(halfEven(Math.max(w, h) / 120), 2), 4);
  const across = steadySlope(middle, w, h, 1, 4 * radius);
  const down = steadySlope(middle, w, h, w, 4 * radius);
  nearest = windowed(nearest, w, h, radius, Math.max);
  furthest = windowed(furthest, w, h, radius, Math.min);
  const flying = new Uint8Array(width * height);
  for (let k = 0; k < depth.length; k++) {
    const [here, tile] = [inverse(k), tileOf(k)];
    const slope = (across[tile] + down[tile]) * (radius + (block > 1 ? 1 : 0));
    const margin = here * EDGE_TOLERANCE;
    if (nearest[tile] - slope - here > margin && here - furthest[tile] - slope > margin) flying[k] = 1;
  }
  return flying;
}

/** Metres times a scale; NaN where there is no point of a surface. */
export function solid(depth: Float32Array, width: number, height: number, scale: number): Float32Array {
  const scaled = depth.map((z) => z * scale);
  const flying = flyingPixels(scaled, width, height);
  return scaled.map((z, k) => (z > 0 && !flying[k] ? z : NaN));
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

type Choice = (a: number, b: number) => number;

/** Extreme value of the square window around each pixel. */
export function windowed(plane: Float32Array, w: number, h: number, radius: number, choose: Choice): Float32Array {
  for (const step of [w, 1]) {
    const result = plane.slice();
    const last = (step === 1 ? w : h) - 1;
    for (let k = 0; k < plane.length; k++) {
      const place = step === 1 ? k % w : Math.floor(k / w);
      const end = k + step * Math.min(radius, last - place);
      for (let from = k - step * Math.min(radius, place); from <= end; from += step) result[k] = choose(result[k], plane[from]);
    }
    plane = result;
  }
  return plane;
}
