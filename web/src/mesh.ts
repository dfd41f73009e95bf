// The surface through a photo's grid of points, cut where depth jumps (core/geometry/mesh.py).
import { EDGE_TOLERANCE } from "./flying";

/**
 * Triangles of a grid, anticlockwise seen from the camera.
 *
 * @param z metres at the grid's places; NaN where there is no point.
 * @returns indices into the points that there are, in the grid's order.
 */
export function gridFaces(z: Float32Array, width: number, height: number): Uint32Array {
  const inverse = z.map((metres) => 1 / metres);
  const vertex = new Int32Array(z.length);
  let count = 0;
  for (let k = 0; k < z.length; k++) vertex[k] = Number.isNaN(z[k]) ? -1 : count++;
  const across = joined(inverse, width, height, 1);
  const down = joined(inverse, width, height, width);
  const faces: number[] = [];
  const add = (...corners: number[]): unknown => faces.push(...corners.map((k) => vertex[k]));
  for (let y = 0; y < height - 1; y++) {
    for (let x = 0; x < width - 1; x++) {
      const a = y * width + x;
      const [b, c, d] = [a + 1, a + width, a + width + 1]; // a b over c d
      const [top, bottom, left, right] = [across[a], across[c], down[a], down[b]];
      const rising = (left & top) + (right & bottom);
      const falling = (left & bottom) + (right & top);
      const steeper = Math.abs(inverse[a] - inverse[d]) > Math.abs(inverse[b] - inverse[c]);
      if (rising > falling || (rising === falling && steeper)) {
        if (left & top) add(a, c, b);
        if (right & bottom) add(b, c, d);
      } else {
        if (left & bottom) add(a, c, d);
        if (right & top) add(a, d, b);
      }
    }
  }
  return Uint32Array.from(faces);
}

/** 1 where a place and the next one in a direction lie on one surface. */
function joined(inverse: Float32Array, width: number, height: number, step: number): Uint8Array {
  const result = new Uint8Array(inverse.length);
  for (let k = 0; k < inverse.length; k++) {
    const [place, last] = step === 1 ? [k % width, width - 1] : [Math.floor(k / width), height - 1];
    if (place >= last) continue;
    const change = (from: number): number => Math.abs(inverse[from + step] - inverse[from]);
    const before = place > 0 ? change(k - step) : NaN;
    const after = place + 1 < last ? change(k + step) : NaN;
    const even = Number.isNaN(before) ? after : Number.isNaN(after) ? before : Math.min(before, after);
    const allowed = (Number.isNaN(even) ? 0 : even) + EDGE_TOLERANCE * Math.min(inverse[k], inverse[k + step]);
    if (change(k) <= allowed) result[k] = 1;
  }
  return result;
}
