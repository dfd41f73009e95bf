// Walls made straight and square, as core/images/manhattan.py does it, step for step
// (docs/decisions/0007-flat-surfaces.md).
import type { Intrinsics } from "./camera";
import { clamp } from "./upsample";

type Vector = [number, number, number];
/** Three directions at right angles. */
export type Frame = [Vector, Vector, Vector];

/** The photo at the network's size, and its camera there. */
export interface Room {
  rgb: Uint8Array;
  camera: Intrinsics;
}

const RADIANS = Math.PI / 180;
const COHERENT = 0.9;
const CONTRAST = 8;
const [MOST_LINES, MOST_NORMALS] = [400, 400];
const [PITCHES, YAWS] = [
  [-25, 0, 25, 50],
  [0, 30, 60],
];
const [KEPT, OTHER] = [5, 8];
const COARSE = [25, 15, 12];
const FINE = [8, 5, 3, 2];
const [NORMAL, LINE] = [12, 3];
const NORMALS_COUNT = 0.1;
const LEAST_SUPPORT = 0.25;
const FACES = Math.cos(35 * RADIANS);
const GRAZING = 0.1;
const MISFIT = 0.02;
const STIFFNESS = 0.005;
const MOST = 0.2;

/** By what inverse depth of w x h cells is to be multiplied; `slopes` are those across and down. */
export function straightening(inverse: Float32Array, slopes: [Float32Array, Float32Array], w: number, h: number, room: Room): Float32Array {
  const { fx, fy, cx, cy } = room.camera;
  const rays = Array.from(inverse, (_, k): Vector => [((k % w) - cx) / fx, (Math.floor(k / w) - cy) / fy, 1]);
  const normals = rays.map(([x, y], k) => {
    const [across, down] = [slopes[0][k] * fx, slopes[1][k] * fy];
    return unit([across, down, inverse[k] - across * x - down * y]);
  });
  const frame = findFrame(some(normals, MOST_NORMALS), linesOf(room, w, h));
  if (!frame) return new Float32Array(w * h).fill(1);
  const change = correction(inverse.map(Math.log), normals, rays, frame, w, h);
  return Float32Array.from(change, (each) => Math.exp(clamp(each, -MOST, MOST)));
}

/** The photo's straight lines: unit normals of the planes through them and the camera. Cells are square. */
export function linesOf({ rgb, camera }: Room, w: number, h: number): Vector[] {
  const cell = Math.sqrt(rgb.length / 3 / w / h);
  const colours = (_: unknown, k: number) => 0.299 * rgb[3 * k] + 0.587 * rgb[3 * k + 1] + 0.114 * rgb[3 * k + 2];
  const grey = blurred(blurred(Float32Array.from({ length: rgb.length / 3 }, colours), w * cell), w * cell);
  const sums = cellSums(grey, w, h, cell);
  const found: Vector[] = [];
  for (let y = 0; y + 1 < h; y++) {
    for (let x = 0; x + 1 < w; x++) {
      const k = y * w + x;
      const [xx, xy, yy, atU, atV] = sums.map((sum) => sum[k] + sum[k + 1] + sum[k + w] + sum[k + w + 1]);
      const strength = xx + yy;
      if (Math.hypot(xx - yy, 2 * xy) <= COHERENT * strength || strength <= 2 * cell * CONTRAST ** 2) continue;
      const turn = Math.atan2(2 * xy, xx - yy) / 2;
      const [a, b] = [Math.cos(turn), Math.sin(turn)];
      const away = a * (camera.cx - atU / strength) + b * (camera.cy - atV / strength);
      found.push(unit([camera.fx * a, camera.fy * b, away]));
    }
  }
  return some(found, MOST_LINES);
}

/** Averaged by 1 2 1 each way; the outermost pixels stay. */
function blurred(grey: Float32Array, width: number): Float32Array {
  const result = grey.slice();
  for (let k = width; k < grey.length - width; k++) result[k] += (grey[k + width] - 2 * grey[k] + grey[k - width]) / 4;
  const both = result.slice();
  for (let k = 1; k < grey.length - 1; k++) {
    const x = k % width;
    if (x > 0 && x < width - 1) both[k] += (result[k + 1] - 2 * result[k] + result[k - 1]) / 4;
  }
  return both;
}

/** Sums over cells of squared gradients, and of their strength times its place in cells. */
function cellSums(grey: Float32Array, w: number, h: number, cell: number): Float64Array[] {
  const [width, height] = [w * cell, h * cell];
  const sums = Array.from({ length: 5 }, () => new Float64Array(w * h));
  for (let v = 1; v < height - 1; v++) {
    for (let u = 1; u < width - 1; u++) {
      const k = v * width + u;
      const across = (grey[k + 1] - grey[k - 1]) / 2;
      const down = (grey[k + width] - grey[k - width]) / 2;
      const strength = across * across + down * down;
      const to = Math.floor(v / cell) * w + Math.floor(u / cell);
      sums[0][to] += across * across;
      sums[1][to] += across * down;
      sums[2][to] += down * down;
      sums[3][to] += strength * ((u + 0.5) / cell - 0.5);
      sums[4][to] += strength * ((v + 0.5) / cell - 0.5);
    }
  }
  return sums;
}

/** The three directions that surfaces face and lines run along; null where too few surfaces do. */
export function findFrame(normals: Vector[], planes: Vector[]): Frame | null {
  let frames = PITCHES.flatMap((pitch) => YAWS.map((yaw) => turnedBy(pitch * RADIANS, yaw * RADIANS)));
  for (const spread of COARSE) frames = frames.map((frame) => fitted(frame, normals, spread, [], LINE));
  const first = frames.map((frame) => ({ frame, support: support(frame, normals) })).sort((a, b) => b.support - a.support);
  let best: Frame[] = [];
  for (const { frame } of first) if (best.every((other) => apart(frame, other) > OTHER)) best.push(frame);
  best = best.slice(0, KEPT);
  for (const spread of FINE) best = best.map((frame) => fitted(frame, normals, NORMAL, planes, spread));
  const scores = best.map((frame) => {
    const along = planes.map((plane) => Math.max(...frame.map((axis) => gauss(dot(plane, axis) ** 2, LINE))));
    return support(frame, normals) + along.reduce((sum, each) => sum + each, 0) / Math.max(planes.length, 1);
  });
  const chosen = best[scores.indexOf(Math.max(...scores))];
  return support(chosen, normals) >= LEAST_SUPPORT ? chosen : null;
}

/** One step of Gauss and Newton. */
function fitted(frame: Frame, normals: Vector[], normalSpread: number, planes: Vector[], lineSpread: number): Frame {
  const moments = frame.map(() => new Float64Array(9));
  const add = (axis: number, weight: number, v: Vector) => {
    for (let i = 0; i < 9; i++) moments[axis][i] += weight * v[Math.floor(i / 3)] * v[i % 3];
  };
  const share = NORMALS_COUNT / normals.length / sine(normalSpread) ** 2;
  for (const normal of normals) {
    const faces = frame.map((axis) => gauss(1 - dot(normal, axis) ** 2, normalSpread));
    const all = faces[0] + faces[1] + faces[2];
    faces.forEach((each, axis) => add(axis, (all - each) * share, normal));
  }
  for (const plane of planes) {
    frame.forEach((axis, k) => add(k, gauss(dot(plane, axis) ** 2, lineSpread) / planes.length / sine(lineSpread) ** 2, plane));
  }
  const matrix: Frame = [[1e-9, 0, 0], [0, 1e-9, 0], [0, 0, 1e-9]];
  const pull: Vector = [0, 0, 0];
  frame.forEach((axis, k) => {
    const times = (v: Vector): Vector => [0, 3, 6].map((i) => dot(moments[k].slice(i, i + 3) as unknown as Vector, v)) as Vector;
    const force = cross(axis, times(axis));
    for (let i = 0; i < 3; i++) pull[i] -= force[i];
    for (let j = 0; j < 3; j++) {
      // Column j of [axis] M [axis]^T, where [axis]^T takes a vector v to v x axis.
      const e: Vector = [0, 0, 0];
      e[j] = 1;
      const column = cross(axis, times(cross(e, axis)));
      for (let i = 0; i < 3; i++) matrix[i][j] += column[i];
    }
  });
  return frame.map((axis) => turned(axis, solved(matrix, pull))) as Frame;
}

/** What is to be added to log inverse depth: a screened Poisson equation. */
function correction(logs: Float32Array, normals: Vector[], rays: Vector[], frame: Frame, w: number, h: number): Float64Array {
  const faces = normals.map((normal) => frame.map((axis) => Math.abs(dot(normal, axis))));
  const facing = faces.map((each) => each.indexOf(Math.max(...each)));
  const towards = rays.map((ray, k) => Math.abs(dot(ray, frame[facing[k]])));
  const straight = faces.map((each, k) => each[facing[k]] > FACES && towards[k] > GRAZING * Math.hypot(...rays[k]));
  const flat = towards.map((each) => Math.log(Math.max(each, 1e-9)));
  const source = new Float64Array(w * h);
  const join = (before: number, after: number) => {
    const wanted = flat[after] - flat[before] - (logs[after] - logs[before]);
    const one = straight[before] && straight[after] && facing[before] === facing[after];
    if (!one || Math.abs(wanted) >= MISFIT) return;
    source[after] += wanted;
    source[before] -= wanted;
  };
  for (let k = 0; k < w * h; k++) {
    if ((k + 1) % w) join(k, k + 1);
    if (k + w < w * h) join(k, k + w);
  }
  const [rows, columns] = [cosines(h), cosines(w)];
  const waves = product(product(rows, source, h, h, w), transposed(columns, w, w), h, w, w);
  const stiffness = (wave: number, side: number) => 2 - 2 * Math.cos((Math.PI * wave) / side);
  waves.forEach((_, k) => (waves[k] /= STIFFNESS + stiffness(Math.floor(k / w), h) + stiffness(k % w, w)));
  return product(product(transposed(rows, h, h), waves, h, h, w), columns, h, w, w);
}

/** The cosine transform of a side. */
function cosines(side: number): Float64Array {
  return Float64Array.from({ length: side * side }, (_, k) => {
    const wave = Math.floor(k / side);
    return Math.cos((Math.PI * wave * ((k % side) + 0.5)) / side) * Math.sqrt((wave ? 2 : 1) / side);
  });
}

/** (n, m) times (m, p). */
function product(a: Float64Array, b: Float64Array, n: number, m: number, p: number): Float64Array {
  const result = new Float64Array(n * p);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < m; k++) {
      const factor = a[i * m + k];
      for (let j = 0; j < p; j++) result[i * p + j] += factor * b[k * p + j];
    }
  }
  return result;
}

const transposed = (a: Float64Array, n: number, m: number): Float64Array =>
  Float64Array.from({ length: n * m }, (_, k) => a[(k % n) * m + Math.floor(k / n)]);

/** The frame of a camera that looks down by `pitch`, and past a wall by `yaw`. */
function turnedBy(pitch: number, yaw: number): Frame {
  const [[sinP, cosP], [sinY, cosY]] = [pitch, yaw].map((angle) => [Math.sin(angle), Math.cos(angle)]);
  return [
    [cosY, sinP * sinY, -cosP * sinY],
    [0, cosP, sinP],
    [sinY, -sinP * cosY, cosP * cosY],
  ];
}

/** A vector turned about an axis by its length in radians (Rodrigues). */
function turned(v: Vector, turn: Vector): Vector {
  const angle = Math.max(Math.hypot(...turn), 1e-12);
  const once = cross(turn, v);
  const twice = cross(turn, once);
  return v.map((x, i) => x + (Math.sin(angle) / angle) * once[i] + ((1 - Math.cos(angle)) / angle ** 2) * twice[i]) as Vector;
}

/** The solution of a symmetric 3 x 3 system. */
function solved([a, b, c]: Frame, right: Vector): Vector {
  const whole = dot(a, cross(b, c));
  return [dot(right, cross(b, c)) / whole, dot(right, cross(c, a)) / whole, dot(right, cross(a, b)) / whole];
}

const support = (frame: Frame, normals: Vector[]): number =>
  normals.reduce((sum, n) => sum + frame.reduce((all, axis) => all + gauss(1 - dot(n, axis) ** 2, NORMAL), 0), 0) / normals.length;

/** Degrees between two frames, whose directions have no order and no sign. */
function apart(one: Frame, other: Frame): number {
  const nearest = one.map((axis) => Math.max(...other.map((each) => Math.abs(dot(axis, each)))));
  return Math.acos(Math.min(...nearest, 1)) / RADIANS;
}

const sine = (degrees: number): number => Math.sin(degrees * RADIANS);
const gauss = (square: number, spread: number): number => Math.exp(-square / (2 * sine(spread) ** 2));
const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a: Vector, b: Vector): Vector => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

function unit(v: Vector): Vector {
  const length = Math.hypot(...v);
  return v.map((x) => x / length) as Vector;
}

/** At most so many of them, spread evenly: an odd step, lest all be in the same few columns. */
function some<T>(items: T[], most: number): T[] {
  const step = Math.ceil(items.length / most) | 1;
  return items.filter((_, k) => k % step === 0);
}
