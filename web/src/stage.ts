// The depth picture that answers: metres under the pointer, two points, a known length.
import { colorize } from "./colormap";
import { sampledPixel, type View } from "./protocol";

type Spot = [number, number]; // a place of the view

export interface StageTexts {
  metres: (z: number) => string;
  none: string;
  here: (z: string, u: number, v: number) => string;
  between: (metres: string, a: string, b: string) => string;
}

const find = <T extends Element>(selector: string): T => document.querySelector<T>(selector)!;

export class Stage {
  view: View | null = null;
  scale = 1;
  range: [number, number] = [0, 1];
  points: Spot[] = [];
  showsPhoto = false;
  private cursor: Spot | null = null;
  private table: Uint8Array = new Uint8Array(768);
  private readonly canvas = find<HTMLCanvasElement>("#depth");
  private readonly marks = find<SVGSVGElement>("#marks");
  private readonly tip = find<HTMLOutputElement>("#tip");
  private readonly needle = find<HTMLElement>("#needle");

  constructor(private readonly texts: StageTexts) {
    const { canvas } = this;
    canvas.addEventListener("pointermove", (event) => this.point(this.spotOf(event)));
    canvas.addEventListener("pointerleave", () => this.point(null));
    canvas.addEventListener("click", (event) => this.mark(this.spotOf(event)));
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  show(view: View, table: Uint8Array, range: [number, number], scale: number): void {
    if (view !== this.view) [this.points, this.cursor] = [[], null];
    Object.assign(this, { view, table, range, scale });
    const { width, height } = view.depth;
    Object.assign(this.canvas, { width, height });
    const stage = this.canvas.parentElement!;
    stage.style.maxWidth = `calc(66vh * ${width / height})`;
    this.marks.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.paint();
  }

  paint(): void {
    if (!this.view) return;
    const { depth, picture } = this.view;
    const brush = this.canvas.getContext("2d")!;
    if (this.showsPhoto) brush.drawImage(picture, 0, 0);
    else drawDepth(brush, depth.values, depth.width, this.table, this.range, this.scale);
    const bar = find<HTMLCanvasElement>("#bar");
    const [near, far] = this.range;
    const steps = Float32Array.from({ length: 256 }, (_, k) => near + ((far - near) * k) / 255);
    drawDepth(bar.getContext("2d")!, steps, 256, this.table, this.range, 1);
    const ticks = Array.from({ length: 5 }, (_, k) => near + ((far - near) * k) / 4);
    find("#ticks").replaceChildren(...ticks.map((z) => Object.assign(document.createElement("span"), { textContent: this.texts.metres(z) })));
    this.tell();
  }

  /** Metres at a place; NaN where there is no depth. */
  private at([i, j]: Spot): number {
    const { values, width } = this.view!.depth;
    return values[j * width + i] * this.scale;
  }

  private pixel([i, j]: Spot): Spot {
    const { size, depth } = this.view!;
    return [sampledPixel(i, depth.width, size[0]), sampledPixel(j, depth.height, size[1])];
  }

  /** The point in space, metres in the camera's frame. */
  private position(spot: Spot): number[] {
    const { fx, fy, cx, cy } = this.view!.intrinsics;
    const [[u, v], z] = [this.pixel(spot), this.at(spot)];
    return [((u - cx) / fx) * z, ((v - cy) / fy) * z, z];
  }

  /** Metres between the two marked points, or null. */
  length(): number | null {
    if (this.points.length < 2) return null;
    const [a, b] = this.points.map((spot) => this.position(spot));
    return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
  }

  /** The marked points' pixels: u0, v0, u1, v1. */
  pixels(): number[] {
    return this.points.flatMap((spot) => this.pixel(spot));
  }

  private spotOf(event: MouseEvent): Spot | null {
    if (!this.view) return null;
    const box = this.canvas.getBoundingClientRect();
    const { width, height } = this.view.depth;
    const i = Math.floor(((event.clientX - box.left) / box.width) * width);
    const j = Math.floor(((event.clientY - box.top) / box.height) * height);
    return [Math.min(Math.max(i, 0), width - 1), Math.min(Math.max(j, 0), height - 1)];
  }

  private key(event: KeyboardEvent): void {
    const moves: Record<string, Spot> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (!this.view) return;
    const { width, height } = this.view.depth;
    const [i, j] = this.cursor ?? [width >> 1, height >> 1];
    const move = moves[event.key];
    const step = event.shiftKey ? 1 : Math.max(1, Math.round(width / 64));
    if (move) {
      const to = (at: number, by: number, size: number): number => Math.min(Math.max(at + by * step, 0), size - 1);
      this.point([to(i, move[0], width), to(j, move[1], height)]);
    } else if (event.key === "Enter" || event.key === " ") this.mark([i, j]);
    else if (event.key === "Escape") this.clear();
    else return;
    event.preventDefault();
  }

  clear(): void {
    this.points = [];
    this.tell();
  }

  private mark(spot: Spot | null): void {
    if (!spot || !this.view || !(this.at(spot) > 0)) return;
    this.points = this.points.length === 2 ? [spot] : [...this.points, spot];
    this.tell();
  }

  private point(spot: Spot | null): void {
    this.cursor = spot;
    this.tell();
  }

  private tell(): void {
    if (!this.view) return;
    const { width, height } = this.view.depth;
    const [a, b] = this.points;
    const size = Math.max(width, height) / 90;
    const circles = this.points.map(([i, j]) => `<circle cx="${i + 0.5}" cy="${j + 0.5}" r="${size}" vector-effect="non-scaling-stroke"/>`);
    const line = b ? `<line x1="${a[0]}" y1="${a[1]}" x2="${b[0]}" y2="${b[1]}" vector-effect="non-scaling-stroke"/>` : "";
    this.marks.innerHTML = line + circles.join("");
    const { metres, none, here, between } = this.texts;
    const told = (spot: Spot): string => (this.at(spot) > 0 ? metres(this.at(spot)) : none);
    const lines: string[] = [];
    if (this.cursor) lines.push(here(told(this.cursor), ...this.pixel(this.cursor)));
    const length = this.length();
    if (length !== null) lines.push(between(metres(length), told(a), told(b)));
    else if (a && !this.cursor) lines.push(here(told(a), ...this.pixel(a)));
    find("#readout").textContent = lines.join(" · ");
    this.tip.hidden = this.needle.hidden = !this.cursor;
    if (!this.cursor) return;
    const [x, y] = [(this.cursor[0] + 0.5) / width, (this.cursor[1] + 0.5) / height];
    this.tip.textContent = told(this.cursor);
    this.tip.classList.toggle("left", x > 0.7);
    this.tip.classList.toggle("below", y < 0.12);
    Object.assign(this.tip.style, { left: `${100 * x}%`, top: `${100 * y}%` });
    const share = (this.at(this.cursor) - this.range[0]) / (this.range[1] - this.range[0]);
    this.needle.style.left = `${100 * Math.min(1, Math.max(0, share || 0))}%`;
  }
}

/** Draws metres, multiplied by a scale, into a canvas of that width. */
export function drawDepth(
  brush: CanvasRenderingContext2D,
  values: Float32Array,
  width: number,
  table: Uint8Array,
  range: [number, number],
  scale: number,
): void {
  const drawn = brush.createImageData(width, values.length / width);
  colorize(scale === 1 ? values : values.map((z) => z * scale), table, range, drawn.data, 4);
  brush.putImageData(drawn, 0, 0);
}
