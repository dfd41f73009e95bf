// A predicted photo's files, at its full size.
import { colorize, tableOf } from "./colormap";
import { comments, glb, plyHeader, putPoint, sidecar, type Origin } from "./files";
import { flyingPixels } from "./flying";
import { gridFaces } from "./mesh";
import type { Network } from "./network";
import type { Photo } from "./photo";
import { depth16Row, depth16Scale, PngWriter } from "./png";
import { Problem } from "./problem";
import type { FileKind, FileSettings, NamedFile } from "./protocol";

const POINT_BYTES = 15;
const SURFACE_POINTS = 1_000_000; // more, and a viewer on a phone gives up
const TEXTURE_SIDE = 4096;

export interface Job {
  photo: Photo;
  network: Network;
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

function originOf({ photo, network, settings, version }: Job): Origin {
  const { name, checkpoint, max_depth, licence } = network.about;
  return {
    name: photo.name,
    sha256: photo.sha256,
    kind: photo.kind,
    width: photo.size[0],
    height: photo.size[1],
    model: { name, sha256: checkpoint, max_depth_m: max_depth, licence },
    intrinsics: photo.intrinsics,
    focalScale: photo.focalScale,
    scale: settings.scale,
    knownLength: settings.knownLength,
    workingSize: photo.workingSize,
    engine: `onnxruntime-web ${network.engine}`,
    fov: photo.fov,
    metric: photo.metric,
    version,
  };
}

async function depth16(job: Job, stem: string): Promise<NamedFile[]> {
  const { photo, network, settings } = job;
  const scale = depth16Scale(network.about.max_depth * photo.focalScale * settings.scale);
  const png = new PngWriter(...photo.size, "grey16");
  const range: [number, number] = [Infinity, -Infinity];
  await photo.rows((_, metres) => {
    const scaled = metres.map((z) => z * settings.scale);
    for (const z of scaled) {
      if (z < range[0]) range[0] = z;
      if (z > range[1]) range[1] = z;
    }
    return png.add(depth16Row(scaled, scale));
  });
  const name = `${stem}_depth16.png`;
  const about = { name: `${stem}.json`, content: sidecar(originOf(job), range, scale, name) };
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

/** Every pixel but the flying ones, in the camera's frame (x right, y down, z forward). */
async function ply(job: Job): Promise<Blob> {
  const { photo, settings } = job;
  const [width, height] = photo.size;
  const depth = await photo.whole(settings.scale);
  const flying = flyingPixels(depth, width, height);
  const { fx, fy, cx, cy } = photo.intrinsics;
  const parts: Blob[] = [];
  let count = 0;
  await photo.rows((y, _, rgb) => {
    const bytes = new ArrayBuffer(width * POINT_BYTES);
    const view = new DataView(bytes);
    let kept = 0;
    for (let x = 0; x < width; x++) {
      const z = depth[y * width + x];
      if (!(z > 0) || flying[y * width + x]) continue;
      putPoint(view, kept++ * POINT_BYTES, [((x - cx) / fx) * z, ((y - cy) / fy) * z, z], rgb, x * 3);
    }
    count += kept;
    parts.push(new Blob([bytes.slice(0, kept * POINT_BYTES)]));
  });
  return new Blob([plyHeader(count, comments(originOf(job))), ...parts], { type: "application/octet-stream" });
}

async function surface(job: Job): Promise<Blob> {
  const { photo, settings } = job;
  const [width, height] = photo.size;
  const depth = await photo.whole(settings.scale);
  const flying = flyingPixels(depth, width, height);
  const step = Math.max(1, Math.ceil(Math.sqrt((width * height) / SURFACE_POINTS)));
  const [w, h] = [Math.ceil(width / step), Math.ceil(height / step)];
  const z = new Float32Array(w * h);
  const [points, uv]: [number[], number[]] = [[], []];
  const { fx, fy, cx, cy } = photo.intrinsics;
  for (let k = 0; k < z.length; k++) {
    const [x, y] = [(k % w) * step, Math.floor(k / w) * step];
    const place = y * width + x;
    z[k] = depth[place] > 0 && !flying[place] ? depth[place] : NaN;
    if (Number.isNaN(z[k])) continue;
    points.push(((x - cx) / fx) * z[k], ((y - cy) / fy) * z[k], z[k]);
    uv.push((x + 0.5) / width, (y + 0.5) / height);
  }
  const faces = gridFaces(z, w, h);
  if (faces.length === 0) throw new Problem("error_surface");
  const texture = await photo.texture(TEXTURE_SIDE);
  return glb(Float32Array.from(points), Float32Array.from(uv), faces, texture, comments(originOf(job)));
}
