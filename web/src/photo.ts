// One photo: read in rows, brought to the network's size, predicted, and upsampled on demand.
import type { ModelAbout } from "./about";
import { chooseIntrinsics, exifFocal, focalAt, type Intrinsics } from "./camera";
import { isPanorama, readTags } from "./exif";
import { readHeader } from "./header";
import { sha256 } from "./model_cache";
import type { Level, Network } from "./network";
import { Problem } from "./problem";
import { sampledPixel, type View } from "./protocol";
import { Resizer, workingSize } from "./resize";
import { open, readRows, type RowReader, type Source } from "./rows";
import { finerSize, upsampler, type Guide, type RowWriter } from "./upsample";

const VIEW_SIDE = 1024;

/** Metres and colours of one row; both are overwritten by the next. */
type RowUser = (y: number, metres: Float32Array, rgb: Uint8Array) => void | Promise<void>;

export class Photo {
  model!: ModelAbout;
  engine = "";
  intrinsics!: Intrinsics;
  focalScale = 1;
  metric = true;
  levels: Level[] = [];
  workingSize: [number, number] = [0, 0];
  kind = "bitmap";
  sha256 = "";
  size: [number, number] = [0, 0];
  private guide!: Guide;

  constructor(private readonly source: Source, readonly name: string, readonly fov: number | null) {}

  /** Decodes the photo, predicts it, and gives what the page shows. */
  async predict(network: Network): Promise<View> {
    return this.opened((bitmap) => this.predicted(bitmap, network));
  }

  private async predicted(bitmap: ImageBitmap, network: Network): Promise<View> {
    const started = performance.now();
    this.size = [bitmap.width, bitmap.height];
    [this.model, this.engine] = [network.about, network.engine];
    const [width, height] = this.size;
    await this.readCamera(network);
    const seen = new Resizer(width, height, ...workingSize(width, height, network.about.working_height));
    this.workingSize = [seen.toWidth, seen.toHeight];
    const finer = new Resizer(width, height, ...finerSize(this.size, this.workingSize));
    const shown = viewSize(width, height);
    const columns = Int32Array.from({ length: shown[0] }, (_, i) => sampledPixel(i, shown[0], width));
    const lines = Array.from({ length: shown[1] }, (_, j) => sampledPixel(j, shown[1], height));
    const rgb = new Uint8Array(shown[0] * shown[1] * 3);
    const clear = new Uint8Array(shown[0] * shown[1]);
    let opaque = false;
    let line = 0;
    await readRows(bitmap, (y, row, mask) => {
      seen.add(y, row);
      finer.add(y, row);
      opaque ||= !mask || mask.includes(0);
      if (lines[line] !== y) return;
      columns.forEach((x, i) => {
        const to = line * shown[0] + i;
        clear[to] = mask ? mask[x] : 0;
        for (let c = 0; c < 3; c++) rgb[to * 3 + c] = row[x * 3 + c];
      });
      line++;
    });
    if (!opaque) throw new Problem("error_transparent", { name: this.name });
    this.guide = { seen: seen.result(), finer: finer.result(), finerSize: [finer.toWidth, finer.toHeight] };
    const passed = performance.now();
    const focal = focalAt(this.intrinsics, this.size, this.workingSize);
    this.levels = await network.run(this.guide.seen, ...this.workingSize, focal);
    const passMilliseconds = performance.now() - passed;
    const metres = new Float32Array(shown[0] * shown[1]);
    const write = this.writer(columns);
    for (let j = 0; j < shown[1]; j++) {
      const [from, to] = [j * shown[0], (j + 1) * shown[0]];
      write(lines[j], rgb.subarray(from * 3, to * 3), metres.subarray(from, to));
    }
    clear.forEach((isClear, k) => isClear && (metres[k] = NaN));
    const resized = { resizeWidth: shown[0], resizeHeight: shown[1], resizeQuality: "medium" } as const;
    return {
      size: this.size,
      workingSize: this.workingSize,
      depth: { values: metres, width: shown[0], height: shown[1] },
      rgb,
      picture: await createImageBitmap(bitmap, resized),
      levels: this.levels,
      intrinsics: this.intrinsics,
      focalScale: this.focalScale,
      metric: this.metric,
      milliseconds: performance.now() - started,
      passMilliseconds,
    };
  }

  private async readCamera(network: Network): Promise<void> {
    let focal: number | null = null;
    if (this.source instanceof Blob) {
      const bytes = new Uint8Array(await this.source.arrayBuffer());
      this.kind = readHeader(bytes, this.name).kind;
      this.metric = !isPanorama(bytes);
      if (this.metric) focal = exifFocal(readTags(bytes), this.size);
      this.sha256 = (await sha256(bytes)) ?? "";
    }
    this.intrinsics = chooseIntrinsics(this.size, network.about.camera, this.fov, focal);
    const working = workingSize(...this.size, network.about.working_height);
    const canonical = network.about.focal;
    this.focalScale = canonical === null ? 1 : focalAt(this.intrinsics, this.size, working) / canonical;
  }

  private writer(columns?: Int32Array): RowWriter {
    return upsampler(this.levels[this.levels.length - 1].depth, this.size, this.guide, columns);
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
  async whole(scale = 1): Promise<Float32Array> {
    const [width, height] = this.size;
    const depth = new Float32Array(width * height);
    await this.rows((y, metres) => depth.set(scale === 1 ? metres : metres.map((z) => z * scale), y * width));
    return depth;
  }

  /** Frees what it holds. */
  forget(): void {
    if (!(this.source instanceof Blob)) this.source.close();
  }
}

function viewSize(width: number, height: number): [number, number] {
  const shrink = Math.min(1, VIEW_SIDE / Math.max(width, height));
  return [Math.max(1, Math.round(width * shrink)), Math.max(1, Math.round(height * shrink))];
}
