// .ply, .glb and the sidecar, as core/files writes them.
import type { Intrinsics } from "./camera";

/** What a file says about its origin. */
export interface Origin {
  name: string;
  sha256: string;
  kind: string;
  width: number;
  height: number;
  model: { name: string; sha256: string; max_depth_m: number; licence: string };
  intrinsics: Intrinsics;
  focalScale: number;
  scale: number;
  knownLength: number[] | null;
  workingSize: [number, number];
  engine: string;
  fov: number | null;
  metric: boolean;
  version: string;
}

export function comments(origin: Origin): Record<string, string> {
  const { fx, fy, cx, cy } = origin.intrinsics;
  return {
    software: "LapDepth Studio, browser edition",
    model: origin.model.name,
    model_sha256: origin.model.sha256,
    units: origin.metric ? "metres" : "unknown (depth without a scale)",
    frame: "OpenCV camera (x right, y down, z forward)",
    intrinsics: `fx fy cx cy = ${[fx, fy, cx, cy].map((n) => +n.toPrecision(9)).join(" ")}`,
    intrinsics_source: origin.intrinsics.source,
    photo_size: `${origin.width} x ${origin.height}`,
    scale: `${+origin.scale.toPrecision(9)}`,
  };
}

export function sidecar(origin: Origin, range: [number, number], pngScale: number, file: string): Blob {
  const { intrinsics, focalScale, scale, knownLength } = origin;
  const residuals = knownLength ? [{ start: knownLength.slice(0, 2), end: knownLength.slice(2, 4), metres: knownLength[4], residual: 0 }] : [];
  const content = {
    version: origin.version,
    input: { name: origin.name, sha256: origin.sha256, format: origin.kind, width: origin.width, height: origin.height },
    model: { ...origin.model, metric: origin.metric },
    depth: {
      unit: origin.metric ? "m" : "relative",
      axis: "z, along the optical axis",
      min_m: range[0],
      max_m: range[1],
      png_scale: pngScale,
    },
    intrinsics,
    focal_scale: focalScale,
    scale: { factor: scale, source: knownLength ? "known length" : "model", residuals },
    settings: {
      resolution: null,
      flip: false,
      fov: origin.fov,
      working_size: origin.workingSize,
      engine: origin.engine,
      device: "browser",
      precision: "float32",
      known_lengths: knownLength ? [knownLength] : null,
    },
    files: { depth16: { file, scale: pngScale } },
  };
  return new Blob([JSON.stringify(content, null, 2) + "\n"], { type: "application/json" });
}

export function plyHeader(count: number, about: Record<string, string>): string {
  const ascii = (text: string): string => text.replace(/[^\x20-\x7e]/g, "?");
  const lines = ["ply", "format binary_little_endian 1.0"];
  for (const [key, value] of Object.entries(about)) lines.push(`comment ${key} ${ascii(value)}`);
  lines.push(`element vertex ${count}`, "property float x", "property float y", "property float z");
  return [...lines, "property uchar red", "property uchar green", "property uchar blue", "end_header", ""].join("\n");
}

/** A point's 15 bytes of a .ply, at one place of a view. */
export function putPoint(view: DataView, at: number, point: number[], rgb: Uint8Array, from: number): void {
  for (let k = 0; k < 3; k++) {
    view.setFloat32(at + 4 * k, point[k], true);
    view.setUint8(at + 12 + k, rgb[from + k]);
  }
}

/** A textured surface: points in OpenCV's axes become y up, z backward. */
export function glb(
  points: Float32Array,
  uv: Float32Array,
  faces: Uint32Array,
  texture: Uint8Array,
  about: Record<string, string>,
): Blob {
  const positions = points.map((value, k) => (k % 3 === 0 ? value : -value));
  const [low, high] = [
    [Infinity, Infinity, Infinity],
    [-Infinity, -Infinity, -Infinity],
  ];
  positions.forEach((value, k) => {
    low[k % 3] = Math.min(low[k % 3], value);
    high[k % 3] = Math.max(high[k % 3], value);
  });
  const bodies = [positions, uv, faces, texture].map(
    (part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength),
  );
  let length = 0;
  const bufferViews = bodies.map((body, k) => {
    const view = { buffer: 0, byteOffset: length, byteLength: body.length };
    length += padded(body.length);
    return k === 3 ? view : { ...view, target: k === 2 ? 34963 : 34962 };
  });
  const count = positions.length / 3;
  const document = {
    asset: { version: "2.0", generator: "LapDepth Studio", extras: about },
    extensionsUsed: ["KHR_materials_unlit"],
    scene: 0,
    scenes: [{ nodes: [0] }],
    nodes: [{ mesh: 0, name: "photo" }],
    meshes: [{ primitives: [{ attributes: { POSITION: 0, TEXCOORD_0: 1 }, indices: 2, material: 0, mode: 4 }] }],
    materials: [
      {
        pbrMetallicRoughness: { metallicFactor: 0, roughnessFactor: 1, baseColorTexture: { index: 0 } },
        doubleSided: true,
        extensions: { KHR_materials_unlit: {} },
      },
    ],
    accessors: [
      { bufferView: 0, componentType: 5126, count, type: "VEC3", min: low, max: high },
      { bufferView: 1, componentType: 5126, count, type: "VEC2" },
      { bufferView: 2, componentType: 5125, count: faces.length, type: "SCALAR" },
    ],
    images: [{ bufferView: 3, mimeType: "image/jpeg" }],
    samplers: [{ wrapS: 33071, wrapT: 33071, magFilter: 9729, minFilter: 9729 }],
    textures: [{ source: 0, sampler: 0 }],
    bufferViews,
    buffers: [{ byteLength: length }],
  };
  const json = new TextEncoder().encode(JSON.stringify(document));
  const header = new DataView(new ArrayBuffer(20));
  const total = 28 + padded(json.length) + length;
  [0x46546c67, 2, total, padded(json.length), 0x4e4f534a].forEach((word, k) => header.setUint32(4 * k, word, true));
  const binary = new DataView(new ArrayBuffer(8));
  [length, 0x004e4942].forEach((word, k) => binary.setUint32(4 * k, word, true));
  const spaces = " ".repeat(padded(json.length) - json.length);
  const filled = bodies.flatMap((body) => [body, new Uint8Array(padded(body.length) - body.length)]);
  return new Blob([header, json, spaces, binary, ...filled] as BlobPart[], { type: "model/gltf-binary" });
}

const padded = (length: number): number => Math.ceil(length / 4) * 4;
