// One photo: read in rows, brought to the network's size, predicted, and upsampled on demand.
import type { ModelAbout } from "./about";
import { chooseIntrinsics, exifFocal, focalAt, resized, type Intrinsics } from "./camera";
import { isPanorama, readTags } from "./exif";
import { readHeader } from "./header";
import { sha256 } from "./model_cache";
import type { Level, Network } from "./network";
import { Problem } from "./problem";
import { sampledPixel, type Facts, type View } from "./protocol";
import { Resizer, workingSize } from "./resize";
import { open, readRows, type RowReader, type Source } from "./rows";
import { flattened } from "./surfaces";
import { finerSize, upsampler, type Guide, type Plane, type RowWriter, type Size } from "./upsample";

const VIEW_SIDE = 1024;
const ROOM = 20; // metres, as core/predictor.py's

/** Metres and colours of one row; both are overwritten by the next. */
type RowUser = (y: number, metres: Float32Array, rgb: Uint8Array) => void | Promise<void>;

export class Photo implements Facts {
  model!: ModelAbout;
  engine = "";
  intrinsics!: Intrinsics;
  focalScale = 1;
  metric = true;
  levels: Level[] = [];
  size: Size = [0, 0];
  workingSize: Size = [0, 0];
  kind = "bitmap";
  sha256 = "";
  private guide!: Guide;
  private flat!: Plane;

  constructor(private readonly source: Source, readonly name: string, readonly fov: number | null) {}

  /** Decodes the photo, predicts it, and gives what the page shows. */
  readonly predict = (network: Network): Promise<View> => this.opened((bitmap) => this.predicted(bitmap, network));

  private async predicted(bitmap: ImageBitmap, network: Network): Promise<View> {
    const started = performance.now();
    const [width, height] = (this.size = [bitmap.width, bitmap.height]);
    [this.model, this.engine] = [network.about, network.engine];
    const seen = new Resizer(width, height, ...workingSize(width, height, network.about.working_height));
    this.workingSize = [seen.toWidth, seen.toHeight];
    const focal = await this.readCamera(network.about);
    const finer = new Resizer(width, height, ...finerSize(this.size, this.workingSize));
    const shrink = Math.min(1, VIEW_SIDE / Math.max(width, height));
    const [w, h] = this.size.map((side) => Math.max(1, Math.round(side * shrink))) as Size;
    const columns = Int32Array.from({ length: w }, (_, i) => sampledPixel(i, w, width));
    const lines = Array.from({ length: h }, (_, j) => sampledPixel(j, h, height));
    const rgb = new Uint8Array(w * h * 3);
    const clear = new Uint8Array(w * h);
    let opaque = false;
    let to = 0;
    await readRows(bitmap, (y, row, mask) => {
      seen.add(y, row);
      finer.add(y, row);
      opaque ||= !mask || mask.includes(0);
      if (lines[to / w] !== y) return;
      for (const x of columns) {
        clear[to] = mask ? mask[x] : 0;
        for (let c = 0; c < 3; c++) rgb[to * 3 + c] = row[x * 3 + c];
        to++;
      }
    });
    if (!opaque) throw new Problem("error_transparent", { name: this.name });
    this.guide = { seen: seen.result(), finer: finer.result(), finerSize: [finer.toWidth, finer.toHeight] };
    const passed = performance.now();
    this.levels = await network.run(this.guide.seen, ...this.workingSize, focal);
    const passMilliseconds = performance.now() - passed;
    const { depth } = this.levels[this.levels.length - 1];
    const room = this.model.max_depth > ROOM ? undefined : { rgb: this.guide.seen, camera: resized(this.intrinsics, this.size, this.workingSize) };
    this.flat = depth.width === width && depth.height === height ? depth : flattened(depth, room);
    const reach = this.model.max_depth * this.focalScale;
    if (room) this.flat = { ...this.flat, values: this.flat.values.map((metres) => Math.min(metres, reach)) };
    const values = new Float32Array(w * h);
    const write = this.writer(columns);
    lines.forEach((y, j) => write(y, rgb.subarray(j * w * 3), values.subarray(j * w, (j + 1) * w)));
    clear.forEach((isClear, k) => isClear && (values[k] = NaN));
    const picture = await createImageBitmap(bitmap, { resizeWidth: w, resizeHeight: h, resizeQuality: "medium" });
    const { size, levels, intrinsics, focalScale, metric } = this;
    const facts = { size, workingSize: this.workingSize, levels, intrinsics, focalScale, metric };
    const milliseconds = performance.now() - started;
    return { ...facts, depth: { values, width: w, height: h }, rgb, picture, milliseconds, passMilliseconds };
  }

  /** Focal length in pixels of what the network sees; what it comes from is kept. */
  private async readCamera({ camera, focal: canonical }: ModelAbout): Promise<number> {
    let exif: number | null = null;
    if (this.source instanceof Blob) {
      const bytes = new Uint8Array(await this.source.arrayBuffer());
      this.kind = readHeader(bytes, this.name).kind;
      this.metric = !isPanorama(bytes);
      if (this.metric) exif = exifFocal(readTags(bytes), this.size);
      this.sha256 = (await sha256(bytes)) ?? "";
    }
    this.intrinsics = chooseIntrinsics(this.size, camera, this.fov, exif);
    const focal = focalAt(this.intrinsics, this.size, this.workingSize);
    this.focalScale = canonical === null ? 1 : focal / canonical;
    return focal;
  }

  private writer(columns?: Int32Array): RowWriter {
    return upsampler(this.flat, this.size, this.guide, columns);
  }

  /** Lets somebody use the decoded photo. */
  async opened<T>(use: (bitmap: ImageBitmap) => T | Promise<T>): Promise<T> {
    const bitmap = await open(this.source, this.name);
    try {
      return await use(bitmap);
    } finally {
      if (bitmap !== this.source) bitmap.close();
    }
  }

  /** Goes through the photo once more; metres are the model's own, NaN where it is transparent. */
  rows(use: RowUser): Promise<void> {
    const write = this.writer();
    const metres = new Float32Array(this.size[0]);
    const each: RowReader = (y, rgb, clear) => {
      write(y, rgb, metres);
      clear?.forEach((isClear, x) => isClear && (metres[x] = NaN));
      return use(y, metres, rgb);
    };
    return this.opened((bitmap) => readRows(bitmap, each));
  }

  /** Metres of all pixels. */
  async whole(): Promise<Float32Array> {
    const [width, height] = this.size;
    const depth = new Float32Array(width * height);
    await this.rows((y, metres) => depth.set(metres, y * width));
    return depth;
  }

  /** Frees what it holds. */
  forget(): void {
    if (!(this.source instanceof Blob)) this.source.close();
  }
}
