// Where a photo's focal length comes from (core/camera.py) and what EXIF says of it
// (core/images/exif.py), step for step.
import type { Tags } from "./exif";
import type { Size } from "./upsample";

export interface Intrinsics {
  fx: number;
  fy: number;
  cx: number;
  cy: number;
  source: "given" | "exif" | "assumed";
}

/** The camera of a model's training pictures, in pixels. */
export interface TrainingCamera {
  width: number;
  height: number;
  fx: number;
  fy: number;
}

const DEGREES = 180 / Math.PI;
const [MIN_FOV, MAX_FOV] = [5, 170];
const [MIN_35MM, MAX_35MM] = [9, 400];
const [MIN_CROP, MAX_CROP] = [0.55, 16];
const MAX_SENSOR = 60;
const [SAME_SHAPE, SAME_SIDE] = [0.02, 0.01];
const THUMBNAIL = 320;
const OFFERED = [1, 5 / 4, 4 / 3, 7 / 5, 3 / 2, 16 / 10, 16 / 9, 1.91, 2, 21 / 9];

const close = (a: number, b: number, relative: number): boolean =>
  Math.abs(a - b) <= relative * Math.max(Math.abs(a), Math.abs(b));
const shape = (size: Size): number => Math.max(...size) / Math.min(...size);

/** Focal lengths and principal point of an upright photo: given, else EXIF's, else assumed. */
export function chooseIntrinsics(photo: Size, camera: TrainingCamera, fov: number | null, exif: number | null): Intrinsics {
  const [width, height] = photo;
  const centre = { cx: (width - 1) / 2, cy: (height - 1) / 2 };
  const centred = (fx: number, fy: number, source: Intrinsics["source"]) => ({ fx, fy, ...centre, source });
  if (fov !== null) {
    const focal = width / (2 * Math.tan(fov / DEGREES / 2));
    return centred(focal, focal, "given");
  }
  if (exif !== null && isBelievable(exif, width, height)) return centred(exif, exif, "exif");
  const [long, short] = camera.width < camera.height ? [camera.fy, camera.fx] : [camera.fx, camera.fy];
  const scale = Math.max(width, height) / Math.max(camera.width, camera.height);
  const [fx, fy] = width >= height ? [long, short] : [short, long];
  return centred(fx * scale, fy * scale, "assumed");
}

/** The camera of a photo after resampling. */
export function resized(camera: Intrinsics, [width, height]: Size, [toWidth, toHeight]: Size): Intrinsics {
  const [x, y] = [toWidth / width, toHeight / height];
  const { fx, fy, cx, cy } = camera;
  return { ...camera, fx: fx * x, fy: fy * y, cx: (cx + 0.5) * x - 0.5, cy: (cy + 0.5) * y - 0.5 };
}

/** Focal length in pixels of the network's input; its two sides are rounded each by itself. */
export function focalAt(camera: Intrinsics, photo: Size, working: Size): number {
  return Math.sqrt(((camera.fx * working[0]) / photo[0]) * ((camera.fy * working[1]) / photo[1]));
}

/** Angle that a side of the photo is seen under, in degrees. */
export const fieldOfView = (side: number, focal: number): number => 2 * Math.atan2(side / 2, focal) * DEGREES;

function isBelievable(focal: number, width: number, height: number): boolean {
  const angle = fieldOfView(Math.max(width, height), focal);
  return angle >= MIN_FOV && angle <= MAX_FOV;
}

/** Where a pixel's point lies at that depth: x right, y down, z forward, metres. */
export function pointAt({ fx, fy, cx, cy }: Intrinsics, u: number, v: number, z: number): [number, number, number] {
  return [((u - cx) / fx) * z, ((v - cy) / fy) * z, z];
}

/** Focal length in pixels of the whole, upright photo, or null where EXIF cannot be believed. */
export function exifFocal(tags: Tags, [width, height]: Size): number | null {
  const stored: Size = tags.orientation >= 5 ? [height, width] : [width, height];
  const taken = frameSize(tags, stored);
  const frame = frameOf(stored, taken);
  return frame && focalOf(tags, frame, Math.max(...(taken ?? stored)));
}

/** The frame's size: of the two places that may tell it, the one that was not rewritten. */
function frameSize({ taken, frame }: Tags, stored: Size): Size | null {
  const larger = frame && Math.min(...frame) >= Math.min(...stored) && Math.max(...frame) >= Math.max(...stored);
  return larger && (!taken || (taken[0] === stored[0] && taken[1] === stored[1])) ? frame : taken;
}

/** How large the frame as taken is at the scale of the picture that is left of it. */
function frameOf(picture: Size, tagged: Size | null): Size | null {
  const taken = tagged ?? picture;
  const turned = (picture[0] - picture[1]) * (taken[0] - taken[1]) < 0;
  const whole = oneWholeSide(picture, taken) ?? (turned ? oneWholeSide(picture, [taken[1], taken[0]]) : null);
  if (whole) return whole;
  if (close(shape(picture), shape(taken), SAME_SHAPE)) return picture;
  const offered = OFFERED.some((each) => close(shape(picture), each, SAME_SIDE));
  const fits = picture[0] <= taken[0] && picture[1] <= taken[1];
  if (turned || !(offered && fits) || Math.max(...picture) <= THUMBNAIL) return null;
  const scale = Math.max(picture[0] / taken[0], picture[1] / taken[1]);
  return [taken[0] * scale, taken[1] * scale];
}

function oneWholeSide(picture: Size, taken: Size): Size | null {
  const [a, b] = [0, 1].map((k) => close(picture[k], taken[k], SAME_SIDE));
  const [cutA, cutB] = [0, 1].map((k) => picture[k] < taken[k]);
  return (a && cutB) || (b && cutA) ? taken : null;
}

function focalOf(tags: Tags, [width, height]: Size, takenLong: number): number | null {
  const focal = focalFrom35(tags, width, height);
  if (focal !== null || tags.focalMm === null || tags.planePxPerMm === null) return focal;
  const sensor = takenLong / tags.planePxPerMm;
  if (sensor < tags.leastSensor || sensor > MAX_SENSOR) return null;
  return (tags.focalMm / sensor) * Math.max(width, height);
}

function focalFrom35(tags: Tags, width: number, height: number): number | null {
  const { focal35, focalMm, zoomIncluded } = tags;
  if (focal35 === null || focal35 < MIN_35MM || focal35 > MAX_35MM) return null;
  const zoom = tags.zoom !== null && tags.zoom > 1 ? tags.zoom : 1;
  let crop: number | null = null;
  if (focalMm !== null) {
    crop = focal35 / focalMm / (zoomIncluded ? zoom : 1);
    if (crop < MIN_CROP || crop > MAX_CROP) return null;
  }
  const diagonal = sensorDiagonal(width, height, crop);
  const focal = ((focal35 * diagonal) / Math.hypot(36, 24)) * (zoomIncluded ? 1 : zoom);
  return isBelievable(focal, width, height) ? focal : null;
}

/** Diagonal of the whole sensor in pixels, of which the frame is the largest part of its shape. */
function sensorDiagonal(width: number, height: number, crop: number | null): number {
  const [long, short] = [Math.max(width, height), Math.min(width, height)];
  const likeFilm =
    crop === null ? close(long / short, 3 / 2, SAME_SHAPE) : (crop >= 0.9 && crop < 1.85) || (crop >= 2.2 && crop < 3);
  const aspect = likeFilm ? 3 / 2 : 4 / 3;
  if (close(long / short, aspect, SAME_SHAPE)) return Math.hypot(width, height);
  if (long / short > aspect) return Math.hypot(long, long / aspect);
  return Math.hypot(short * aspect, short);
}
