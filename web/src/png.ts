// PNG of a depth map or its colours, row by row (core/files/png.py, depth_maps.py): the filter "up"
// for all rows, deflated by the browser.

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

export class PngWriter {
  private readonly writer: WritableStreamDefaultWriter<BufferSource>;
  private readonly deflated: Promise<Blob>;
  private previous: Uint8Array;

  /** @param kind 16-bit grey (big-endian rows) or 8-bit RGB. */
  constructor(
    private readonly width: number,
    private readonly height: number,
    private readonly kind: "grey16" | "rgb8",
  ) {
    const stream = new CompressionStream("deflate");
    this.writer = stream.writable.getWriter();
    this.deflated = new Response(stream.readable).blob();
    this.previous = new Uint8Array(width * (kind === "grey16" ? 2 : 3));
  }

  async add(row: Uint8Array): Promise<void> {
    const filtered = new Uint8Array(row.length + 1);
    filtered[0] = 2;
    for (let k = 0; k < row.length; k++) filtered[k + 1] = row[k] - this.previous[k];
    this.previous.set(row);
    await this.writer.write(filtered);
  }

  async result(): Promise<Blob> {
    await this.writer.close();
    const header = new DataView(new ArrayBuffer(13));
    [this.width, this.height].forEach((side, k) => header.setUint32(4 * k, side));
    header.setUint16(8, this.kind === "grey16" ? 0x1000 : 0x0802); // bits and kind of a pixel
    const data = await (await this.deflated).arrayBuffer();
    const parts = [chunk("IHDR", header.buffer), chunk("IDAT", data), chunk("IEND", new ArrayBuffer(0))];
    return new Blob([latin1("\x89PNG\r\n\x1a\n"), ...parts] as BlobPart[], { type: "image/png" });
  }
}

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

function chunk(name: string, data: ArrayBuffer): Uint8Array {
  const bytes = new Uint8Array(data.byteLength + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.byteLength);
  bytes.set(latin1(name), 4);
  bytes.set(new Uint8Array(data), 8);
  const crc = bytes.subarray(4, -4).reduce((c, byte) => CRC[(c ^ byte) & 255] ^ (c >>> 8), 0xffffffff);
  view.setUint32(data.byteLength + 8, ~crc >>> 0);
  return bytes;
}

const SCALES = [1000, 256, 100, 10];

/** Steps per metre of a 16-bit PNG for depth up to `reach` metres: the finest that fits. */
export const depth16Scale = (reach: number): number => SCALES.find((scale) => reach * scale <= 65535) ?? SCALES[3];

/** A row of metres as big-endian steps; 0 where there is no depth. */
export function depth16Row(metres: Float32Array, scale: number): Uint8Array {
  const row = new Uint8Array(metres.length * 2);
  metres.forEach((z, x) => {
    const steps = z > 0 ? Math.min(65535, Math.max(1, halfEven(Math.fround(z * scale)))) : 0;
    row[2 * x] = steps >> 8;
    row[2 * x + 1] = steps & 255;
  });
  return row;
}

/** To the nearest whole number, halves to the even one, as NumPy rounds. */
export const halfEven = (value: number): number => (value % 1 === 0.5 ? 2 * Math.round(value / 2) : Math.round(value));
