// A predicted photo's files, at its full size, as core/files writes them.
import { pointAt } from "./camera";
import { colorize, extremes, tableOf } from "./colormap";
import { solid } from "./flying";
import { gridFaces } from "./mesh";
import type { Photo } from "./photo";
import { depth16Row, depth16Scale, PngWriter } from "./png";
import { Problem } from "./problem";
import type { FileKind, FileSettings, NamedFile } from "./protocol";

const POINT_BYTES = 15;
const SURFACE_POINTS = 1_000_000; // more, and a viewer on a phone gives up

export interface Job {
  photo: Photo;
  settings: FileSettings;
  colormaps: Record<string, string>;
  version: string;
}

export async function writeFile(kind: FileKind, job: Job): Promise<NamedFile[]> {
  const stem = job.photo.name.replace(/\.[^.]*$/, "") || "photo";
  if (kind === "depth16") return depth16(job, stem);
  if (kind === "color") return [{ name: `${stem}_color.png`, content: await colour(job) }];
  if (kind === "ply") return [{ name: `${stem}.ply`, content: await ply(job) }];
  return [{ name: `${stem}.glb`, content: await surface(job) }];
}

/** What a .ply and a .glb say about their origin. */
export function comments({ photo, settings }: Job): Record<string, string> {
  const { fx, fy, cx, cy, source } = photo.intrinsics;
  return {
    software: "LapDepth Studio, browser edition",
    model: photo.model.name,
    model_sha256: photo.model.checkpoint,
    units: photo.metric ? "metres" : "unknown (depth without a scale)",
    frame: "OpenCV camera (x right, y down, z forward)",
    intrinsics: `fx fy cx cy = ${[fx, fy, cx, cy].map((n) => +n.toPrecision(9)).join(" ")}`,
    intrinsics_source: source,
    photo_size: photo.size.join(" x "),
    scale: `${+settings.scale.toPrecision(9)}`,
  };
}

function sidecar(job: Job, [least, most]: [number, number], scale: number, file: string): Blob {
  const { photo, settings, version } = job;
  const { name, checkpoint, max_depth, licence } = photo.model;
  const known = settings.knownLength;
  const residuals = known ? [{ start: known.slice(0, 2), end: known.slice(2, 4), metres: known[4], residual: 0 }] : [];
  const { metric, sha256, kind, intrinsics, fov } = photo;
  const content = {
    version,
    input: { name: photo.name, sha256, format: kind, width: photo.size[0], height: photo.size[1] },
    model: { name, sha256: checkpoint, metric, max_depth_m: max_depth, licence },
    depth: { unit: metric ? "m" : "relative", axis: "z, along the optical axis", min_m: least, max_m: most, png_scale: scale },
    intrinsics,
    focal_scale: photo.focalScale,
    scale: { factor: settings.scale, source: known ? "known length" : "model", residuals },
    settings: {
      resolution: null,
      flip: false,
      fov,
      working_size: photo.workingSize,
      engine: `onnxruntime-web ${photo.engine}`,
      device: "browser",
      precision: "float32",
      known_lengths: known && [known],
    },
    files: { depth16: { file, scale } },
  };
  return new Blob([JSON.stringify(content, null, 2) + "\n"], { type: "application/json" });
}

async function depth16(job: Job, stem: string): Promise<NamedFile[]> {
  const { photo, settings } = job;
  const scale = depth16Scale(photo.model.max_depth * photo.focalScale * settings.scale);
  const png = new PngWriter(...photo.size, "grey16");
  const ends: number[] = [];
  await photo.rows((_, metres) => {
    const scaled = metres.map((z) => z * settings.scale);
    ends.push(...extremes(scaled).filter(Number.isFinite));
    return png.add(depth16Row(scaled, scale));
  });
  const name = `${stem}_depth16.png`;
  const about = { name: `${stem}.json`, content: sidecar(job, extremes(ends), scale, name) };
  return [{ name, content: await png.result() }, about];
}

async function colour({ photo, settings, colormaps }: Job): Promise<Blob> {
  const png = new PngWriter(...photo.size, "rgb8");
  const table = tableOf(colormaps[settings.colormap]);
  const row = new Uint8Array(photo.size[0] * 3);
  await photo.rows((_, metres) => {
    colorize(metres.map((z) => z * settings.scale), table, settings.range, row);
    return png.add(row);
  });
  return png.result();
}

export function plyHeader(count: number, about: Record<string, string>): string {
  const ascii = (text: string): string => text.replace(/[^\x20-\x7e]/g, "?");
  const origin = Object.entries(about).map(([key, value]) => `comment ${key} ${ascii(value)}`);
  const properties = ["float x", "float y", "float z", "uchar red", "uchar green", "uchar blue"];
  const lines = ["ply", "format binary_little_endian 1.0", ...origin, `element vertex ${count}`];
  return [...lines, ...properties.map((each) => `property ${each}`), "end_header", ""].join("\n");
}

/** Every pixel but the flying ones, in the camera's frame (x right, y down, z forward). */
async function ply(job: Job): Promise<Blob> {
  const { photo, settings } = job;
  const width = photo.size[0];
  const depth = solid(await photo.whole(), ...photo.size, settings.scale);
  const parts: Blob[] = [];
  let count = 0;
  await photo.rows((y, _, rgb) => {
    const view = new DataView(new ArrayBuffer(width * POINT_BYTES));
    let at = 0;
    for (let x = 0; x < width; x++) {
      const z = depth[y * width + x];
      if (Number.isNaN(z)) continue;
      pointAt(photo.intrinsics, x, y, z).forEach((metres, c) => {
        view.setFloat32(at + 4 * c, metres, true);
        view.setUint8(at + 12 + c, rgb[x * 3 + c]);
      });
      at += POINT_BYTES;
    }
    count += at / POINT_BYTES;
    parts.push(new Blob([view.buffer.slice(0, at)]));
  });
  return new Blob([plyHeader(count, comments(job)), ...parts], { type: "application/octet-stream" });
}

/** The surface through the photo's grid, y up, z backward, with the photo on it. */
async function surface(job: Job): Promise<Blob> {
  const { photo, settings } = job;
  const [width, height] = photo.size;
  const depth = solid(await photo.whole(), width, height, settings.scale);
  const step = Math.max(1, Math.ceil(Math.sqrt((width * height) / SURFACE_POINTS)));
  const [w, h] = [Math.ceil(width / step), Math.ceil(height / step)];
  const grid = new Float32Array(w * h);
  const [points, uv]: [number[], number[]] = [[], []];
  for (let k = 0; k < grid.length; k++) {
    const [u, v] = [(k % w) * step, Math.floor(k / w) * step];
    grid[k] = depth[v * width + u];
    if (Number.isNaN(grid[k])) continue;
    const [x, y, z] = pointAt(photo.intrinsics, u, v, grid[k]);
    points.push(x, -y, -z);
    uv.push((u + 0.5) / width, (v + 0.5) / height);
  }
  const faces = gridFaces(grid, w, h);
  if (faces.length === 0) throw new Problem("error_surface");
  const { glb } = await import("./glb");
  return photo.opened((bitmap) => glb(points, uv, faces, bitmap, comments(job)));
}
