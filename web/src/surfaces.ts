// Flat surfaces made flat: planes fitted to the inverse depth around every pixel, as
// core/images/surfaces.py does it (docs/decisions/0007-flat-surfaces.md).
import { resized } from "./camera";
import { straightening, type Room } from "./manhattan";
import { every, resample, tapsOf } from "./resize";
import { clamp, type Plane } from "./upsample";

const CELL = 4;
const REACH = 15;
const STEP = 0.08;
const BEND = 0.04;
const UNIT = 25;
const RIDGE = 1e-4;
const MOST = 0.15;
const TEXTURE = 0.01;
const LEAST = 8;
const KEEP = Math.exp(-Math.SQRT2 / REACH);

/** Depth drawn to the planes that are locally in it; in a room walls are made straight, too. */
export function flattened(depth: Plane, room?: Room): Plane {
  const [w, h] = [depth.width, depth.height].map((side) => Math.floor(side / CELL));
  if (Math.min(w, h) < LEAST) return depth;
  const inverse = cellMeans(depth, w, h);
  const places = Float32Array.from(inverse, (_, k) => ((k % w) - w / 2) / UNIT);
  const rows = Float32Array.from(inverse, (_, k) => (Math.floor(k / w) - h / 2) / UNIT);
  const product = (a: Float32Array, b: Float32Array) => a.map((value, k) => value * b[k]);
  const moments = [
    ...[places, rows, product(places, places), product(places, rows), product(rows, rows)].map((m) => m.slice()),
    ...[inverse.slice(), product(places, inverse), product(rows, inverse)],
  ];
  for (const [lines, length, between, along] of [[h, w, w, 1], [w, h, 1, w]] as const) {
    for (let line = 0; line < lines; line++) {
      const at = Int32Array.from({ length }, (_, k) => line * between + k * along);
      const keep = keeps(at, inverse);
      for (const moment of moments) average(at, keep, moment);
    }
  }
  const planes = Array.from(inverse, (_, k) => plane(moments, k, places[k], rows[k]));
  const ratio = inverse.map((value, k) => clamp(planes[k][0] / value, 1 - MOST, 1 + MOST));
  const large = (cells: Float32Array) => enlarged(cells, w, h, depth);
  if (room) {
    const value = inverse.map((each, k) => each * ratio[k]);
    const cells = { ...room, camera: resized(room.camera, [depth.width, depth.height], [w, h]) };
    const slopes = [1, 2].map((i) => Float32Array.from(planes, (each) => each[i])) as [Float32Array, Float32Array];
    const flat = large(straightening(value, slopes, w, h, cells).map((factor, k) => factor * value[k]));
    const means = large(inverse);
    const { width, height, values } = depth;
    const beside = (place: number, side: number) => Math.min(place, side - 1 - place) < CELL / 2;
    const kept = (relief: number, k: number) =>
      beside(k % width, width) || beside(Math.floor(k / width), height) ? relief : relief ** 3 / (relief ** 2 + TEXTURE ** 2);
    return { ...depth, values: values.map((metres, k) => (1 + kept(metres * means[k] - 1, k)) / flat[k]) };
  }
  const wanted = large(ratio);
  return { ...depth, values: depth.values.map((metres, k) => metres / wanted[k]) };
}

/** Means of inverse depth over cells; sides that are no multiple of the cell are cut evenly. */
function cellMeans({ values, width, height }: Plane, w: number, h: number): Float32Array {
  const ends = (k: number, side: number, cells: number) => [Math.floor((k * side) / cells), Math.ceil(((k + 1) * side) / cells)];
  const means = new Float32Array(w * h);
  for (let y = 0; y < h; y++) {
    const [top, bottom] = ends(y, height, h);
    for (let x = 0; x < w; x++) {
      const [left, right] = ends(x, width, w);
      let sum = 0;
      for (let v = top; v < bottom; v++) for (let u = left; u < right; u++) sum += 1 / values[v * width + u];
      means[y * w + x] = sum / ((bottom - top) * (right - left));
    }
  }
  return means;
}

/** How much of the cell before counts at each of a line's cells but the first. */
function keeps(at: Int32Array, inverse: Float32Array): Float32Array {
  const slope = (k: number) => {
    const first = clamp(k, 0, at.length - 2);
    return inverse[at[first + 1]] - inverse[at[first]];
  };
  return Float32Array.from({ length: at.length - 1 }, (_, k) => {
    const bend = Math.max(Math.abs(slope(k + 1) - slope(k)), Math.abs(slope(k) - slope(k - 1)));
    const apart = Math.abs(slope(k)) / STEP + bend / BEND;
    return KEEP ** (1 + (REACH * apart) / Math.min(inverse[at[k]], inverse[at[k + 1]]));
  });
}

/** Averages along a line, there and back. */
function average(at: Int32Array, keep: Float32Array, moment: Float32Array): void {
  for (let k = 1; k < at.length; k++) moment[at[k]] += keep[k - 1] * (moment[at[k - 1]] - moment[at[k]]);
  for (let k = at.length - 2; k >= 0; k--) moment[at[k]] += keep[k] * (moment[at[k + 1]] - moment[at[k]]);
}

/** The value at (u, v) of the plane with these moments, and its slopes from cell to cell. */
function plane(moments: Float32Array[], k: number, u: number, v: number): [number, number, number] {
  const [meanU, meanV, squareU, both, squareV, mean, withU, withV] = moments.map((moment) => moment[k]);
  const [uu, uv, vv] = [squareU - meanU ** 2 + RIDGE, both - meanU * meanV, squareV - meanV ** 2 + RIDGE];
  const [ofU, ofV] = [withU - meanU * mean, withV - meanV * mean];
  const spread = uu * vv - uv ** 2;
  const [slopeU, slopeV] = [(vv * ofU - uv * ofV) / spread, (uu * ofV - uv * ofU) / spread];
  return [mean + slopeU * (u - meanU) + slopeV * (v - meanV), slopeU / UNIT, slopeV / UNIT];
}

/** Cells brought to the size of the depth. */
function enlarged(cells: Float32Array, w: number, h: number, { width, height }: Plane): Float32Array {
  const [across, down] = [tapsOf(w, width, "triangle"), tapsOf(h, height, "triangle")];
  const wide = new Float32Array(h * width);
  for (let y = 0; y < h; y++) resample(across, every(width), cells, y * w, 1, wide, y * width);
  const result = new Float32Array(width * height);
  for (let y = 0; y < height; y++) resample(down, Int32Array.of(y), wide, 0, width, result, y * width);
  return result;
}
