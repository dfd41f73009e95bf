import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { checkSize, readHeader } from "../src/header";
import { depth16Scale, PngWriter } from "../src/png";
import { Problem } from "../src/problem";
import { comments, plyHeader, type Job } from "../src/write";

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const JPEG = bytes("\xff\xd8\xff\xdb\0\x03\0\xff\xc0\0\x0b\x08\0\x04\0\x06\x01\x01\x11\0\xff\xda\0\x08\x01\x01\0\0\x3f\0AB\xff\0C\xff\xd9");

function problem(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Problem) return error.key;
  }
  return "none";
}

describe("what a file is", () => {
  it("reads a JPEG's frame", () => {
    expect(readHeader(JPEG, "a")).toEqual({ kind: "JPEG", size: [6, 4] });
  });

  it.each([
    ["nothing", "", "error_empty"],
    ["a text", "Dear all, ...", "error_type"],
    ["a PDF", "%PDF-1.7 ....................", "error_type"],
    ["a film", "\0\0\0\x18ftypisom\0\0\0\0mp42....", "error_type"],
    ["a PNG cut short", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x02\0\0\0....\0\0\x20\0IDAT", "error_broken"],
    ["a WebP cut short", "RIFF\xff\xff\0\0WEBPVP8 ", "error_broken"],
  ])("refuses %s", (_, text, key) => {
    expect(problem(() => readHeader(bytes(text), "a"))).toBe(key);
  });

  it("refuses a JPEG that ends anywhere before its end", () => {
    for (let length = 2; length < JPEG.length; length++) {
      expect(problem(() => readHeader(JPEG.subarray(0, length), "a"))).toBe("error_broken");
    }
  });

  it.each([
    [20_000, 20_000, "error_large"],
    [70_000, 10, "error_large"],
    [4000, 10, "error_shape"],
    [1, 1, "error_shape"],
    [8160, 6120, "none"],
  ])("takes or refuses %d x %d", (width, height, key) => {
    expect(problem(() => checkSize(width, height, "a"))).toBe(key);
  });
});

describe("files", () => {
  it("writes a PNG that others read", async () => {
    const png = new PngWriter(2, 3, "grey16");
    const rows = [0, 1, 2].map((y) => Uint8Array.of(y, 200 + y, 255, 7 * y));
    for (const row of rows) await png.add(row);
    const file = Buffer.from(await (await png.result()).arrayBuffer());
    expect(file.subarray(16, 26)).toEqual(Buffer.from([0, 0, 0, 2, 0, 0, 0, 3, 16, 0]));
    const length = file.readUInt32BE(33);
    const raw = inflateSync(file.subarray(41, 41 + length));
    const above = [0, 0, 0, 0];
    for (let y = 0; y < 3; y++) {
      const row = above.map((value, k) => (above[k] = (value + raw[y * 5 + 1 + k]) & 255));
      expect(row).toEqual([...rows[y]]);
    }
  });

  it("takes the finest scale that holds the depth", () => {
    expect([10, 65, 80, 500, 5000].map(depth16Scale)).toEqual([1000, 1000, 256, 100, 10]);
  });

  it("says in a .ply's header where its metres come from", () => {
    const intrinsics = { fx: 100.5, fy: 100.5, cx: 49.5, cy: 39.5, source: "exif" };
    const photo = { intrinsics, size: [100, 80], metric: true, model: { name: "lite", checkpoint: "ab" } };
    const job = { photo, settings: { scale: 1 } };
    const header = plyHeader(7, comments(job as unknown as Job));
    expect(header).toContain("comment intrinsics fx fy cx cy = 100.5 100.5 49.5 39.5\n");
    expect(header).toContain("element vertex 7\n");
    expect(header.endsWith("end_header\n")).toBe(true);
  });
});
