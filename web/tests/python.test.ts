import { describe, expect, it } from "vitest";
import { chooseIntrinsics, exifFocal } from "../src/camera";
import { autoRange, colorize, tableOf } from "../src/colormap";
import { readTags } from "../src/exif";
import { flyingPixels } from "../src/flying";
import { readHeader } from "../src/header";
import { gridFaces } from "../src/mesh";
import { depth16Row } from "../src/png";
import { resize, workingSize } from "../src/resize";
import { flattened } from "../src/surfaces";
import { finerSize, upsampler } from "../src/upsample";
import { apart, reference } from "./reference";

type Size = [number, number];
const floats = (values: (number | null)[]): Float32Array => Float32Array.from(values, (z) => z ?? NaN);
const cases = <T>(name: string): T[] => (reference ? (reference[name] as unknown as T[]) : []);
const CAMERA = { width: 640, height: 480, fx: 518.858, fy: 519.47 };

describe.skipIf(!reference)("the same as Python", () => {
  it.each(cases<number[]>("working_size"))("sees %d x %d at its working size", (width, height, rows, w, h) => {
    expect(workingSize(width, height, rows)).toEqual([w, h]);
  });

  it.each(cases<{ from: Size; to: Size; photo: number[]; small: number[] }>("resize"))("resizes $from to $to", (each) => {
    const got = resize(Uint8Array.from(each.photo), ...each.from, ...each.to);
    expect(apart(got, each.small)).toBe(0);
  });

  it.each(cases<{ from: Size; to: Size; photo: number[]; depth: number[]; large: number[] }>("upsample"))(
    "brings depth from $from to $to",
    ({ from, to, photo, depth, large }) => {
      const rgb = Uint8Array.from(photo);
      const finer = finerSize(to, from);
      const guide = { seen: resize(rgb, ...to, ...from), finer: resize(rgb, ...to, ...finer), finerSize: finer };
      const write = upsampler({ values: floats(depth), width: from[0], height: from[1] }, to, guide);
      const got = new Float32Array(to[0] * to[1]);
      for (let y = 0; y < to[1]; y++) {
        write(y, rgb.subarray(y * to[0] * 3, (y + 1) * to[0] * 3), got.subarray(y * to[0], (y + 1) * to[0]));
      }
      expect(apart(got, large)).toBeLessThan(1e-5);
      const columns = Int32Array.of(0, 7, to[0] - 1); // some of them alone are the same
      const row = new Float32Array(3);
      const at = Uint8Array.from([...columns].flatMap((x) => [0, 1, 2].map((c) => rgb[(5 * to[0] + x) * 3 + c])));
      upsampler({ values: floats(depth), width: from[0], height: from[1] }, to, guide, columns)(5, at, row);
      expect(apart(row, Float32Array.from(columns, (x) => got[5 * to[0] + x]))).toBe(0);
    },
  );

  it.each(cases<{ size: Size; depth: number[]; flat: number[] }>("flat"))("flattens $size", ({ size, depth, flat }) => {
    const got = flattened({ values: floats(depth), width: size[0], height: size[1] }).values;
    expect(apart(got, flat)).toBeLessThan(1e-4);
  });

  it.each(cases<{ size: Size; rgb: number[]; depth: number[]; camera: number[]; straight: number[] }>("room"))(
    "straightens walls",
    ({ size, rgb, depth, camera: [fx, fy, cx, cy], straight }) => {
      const room = { rgb: Uint8Array.from(rgb), camera: { fx, fy, cx, cy, source: "given" as const } };
      const got = flattened({ values: floats(depth), width: size[0], height: size[1] }, room).values;
      expect(apart(got, straight)).toBeLessThan(1e-3);
    },
  );

  it("colours depth", () => {
    const { depth, width, range, table, colours } = reference!.colour as unknown as {
      depth: number[];
      width: number;
      range: Size;
      table: string;
      colours: number[];
    };
    const got = new Uint8Array(depth.length * 3);
    expect(apart(autoRange({ values: floats(depth), width, height: depth.length / width }), range)).toBeLessThan(1e-6);
    colorize(floats(depth), tableOf(table), range, got);
    expect(apart(got, colours)).toBe(0);
  });

  it("counts 16-bit steps", () => {
    const { depth, steps } = reference!.depth16 as unknown as { depth: (number | null)[]; steps: number[] };
    const row = depth16Row(floats(depth), 1000);
    expect(steps.map((_, k) => row[2 * k] * 256 + row[2 * k + 1])).toEqual(steps);
  });

  it.each(cases<{ width: number; height: number; depth: number[]; flying: number[] }>("flying"))(
    "finds the flying pixels of $width x $height",
    ({ width, height, depth, flying }) => {
      expect(apart(flyingPixels(floats(depth), width, height), flying)).toBe(0);
    },
  );

  it("joins a surface", () => {
    const { width, height, depth, faces } = reference!.faces as unknown as {
      width: number;
      height: number;
      depth: (number | null)[];
      faces: number[][];
    };
    const flat = [...gridFaces(floats(depth), width, height)];
    const got = Array.from({ length: flat.length / 3 }, (_, k) => flat.slice(3 * k, 3 * k + 3));
    const order = (rows: number[][]): string[] => rows.map((row) => row.join(" ")).sort();
    expect(order(got)).toEqual(order(faces));
  });

  it.each(cases<{ file: string; kind: string; stored: Size; size: Size; fx: number; source: string }>("exif"))(
    "reads the camera of a $kind of $stored: $source",
    ({ file, kind, stored, size, fx, source }) => {
      const bytes = Uint8Array.from(file.match(/../g)!, (pair) => parseInt(pair, 16));
      const header = readHeader(bytes, "photo");
      expect(header.kind.toUpperCase()).toBe(kind);
      expect(header.size).toEqual(stored);
      const camera = chooseIntrinsics(size, CAMERA, null, exifFocal(readTags(bytes), size));
      expect(camera.source).toBe(source);
      expect(camera.fx).toBeCloseTo(fx, 4);
    },
  );
});
