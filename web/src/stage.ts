// The depth picture that answers: metres under the pointer, two points, a known length.
import { colorize } from "./colormap";
import { sampledPixel, shownPoint, type View } from "./protocol";
import { clamp, type Plane, type Size } from "./upsample";
import { digits, find, t } from "./words";

type Spot = Size; // a place of the view

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

  constructor() {
    const { canvas } = this;
    canvas.onpointermove = (event) => this.point(this.spotOf(event));
    canvas.onpointerleave = () => this.point(null);
    canvas.onclick = (event) => this.mark(this.spotOf(event));
    canvas.onkeydown = (event) => this.key(event);
  }

  show(view: View, table: Uint8Array, range: [number, number], scale: number): void {
    if (view !== this.view) [this.points, this.cursor] = [[], null];
    Object.assign(this, { view, table, range, scale });
    const { width, height } = view.depth;
    this.canvas.parentElement!.style.maxWidth = `calc(66vh * ${width / height})`;
    this.marks.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.paint();
  }

  paint(): void {
    if (!this.view) return;
    const { depth, picture } = this.view;
    drawDepth(this.canvas, depth, this.table, this.range, this.scale);
    if (this.showsPhoto) this.canvas.getContext("2d")!.drawImage(picture, 0, 0);
    const [near, far] = this.range;
    const along = (length: number) => Float32Array.from({ length }, (_, k) => near + ((far - near) * k) / (length - 1));
    drawDepth(find("#bar"), { values: along(256), width: 256, height: 1 }, this.table, this.range);
    const tick = (z: number) => Object.assign(document.createElement("span"), { textContent: this.metres(z) });
    find("#ticks").replaceChildren(...Array.from(along(5), tick));
    this.tell();
  }

  metres(z: number): string {
    return digits(z) + (this.view?.metric === false ? "" : " m");
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

  /** Metres between the two marked points, or null. */
  length(): number | null {
    if (this.points.length < 2) return null;
    const [a, b] = this.points.map((spot) => shownPoint(this.view!, ...spot, this.at(spot)));
    return Math.hypot(...a.map((metres, c) => metres - b[c]));
  }

  /** The marked points' pixels: u0, v0, u1, v1. */
  pixels(): number[] {
    return this.points.flatMap((spot) => this.pixel(spot));
  }

  private spotOf(event: MouseEvent): Spot | null {
    if (!this.view) return null;
    const box = this.canvas.getBoundingClientRect();
    const { width, height } = this.view.depth;
    const x = Math.floor(((event.clientX - box.left) / box.width) * width);
    const y = Math.floor(((event.clientY - box.top) / box.height) * height);
    return [clamp(x, 0, width - 1), clamp(y, 0, height - 1)];
  }

  private key(event: KeyboardEvent): void {
    const moves: Record<string, Spot> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (!this.view) return;
    const { width, height } = this.view.depth;
    const [i, j] = this.cursor ?? [width >> 1, height >> 1];
    const move = moves[event.key];
    const step = event.shiftKey ? 1 : Math.max(1, Math.round(width / 64));
    if (move) {
      this.point([clamp(i + move[0] * step, 0, width - 1), clamp(j + move[1] * step, 0, height - 1)]);
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
    const told = (spot: Spot): string => (this.at(spot) > 0 ? this.metres(this.at(spot)) : t("view.none"));
    const length = this.length();
    const here = this.cursor ?? (length === null ? a : null);
    const lines: string[] = [];
    if (here) {
      const [u, v] = this.pixel(here);
      lines.push(t("web.here", { z: told(here), u, v }));
    }
    if (length !== null) lines.push(t("web.between", { metres: this.metres(length), a: told(a), b: told(b) }));
    find("#readout").textContent = lines.join(" · ");
    this.tip.hidden = this.needle.hidden = !this.cursor;
    if (!this.cursor) return;
    const [x, y] = [(this.cursor[0] + 0.5) / width, (this.cursor[1] + 0.5) / height];
    this.tip.textContent = told(this.cursor);
    this.tip.classList.toggle("left", x > 0.7);
    this.tip.classList.toggle("below", y < 0.12);
    Object.assign(this.tip.style, { left: `${100 * x}%`, top: `${100 * y}%` });
    const share = (this.at(this.cursor) - this.range[0]) / (this.range[1] - this.range[0]);
    this.needle.style.left = `${100 * clamp(share || 0, 0, 1)}%`;
  }
}

/** Draws metres, multiplied by a scale, into a canvas that gets their size. */
export function drawDepth(canvas: HTMLCanvasElement, depth: Plane, table: Uint8Array, range: Size, scale = 1): void {
  const { values, width, height } = depth;
  Object.assign(canvas, { width, height });
  const drawn = new ImageData(width, height);
  colorize(scale === 1 ? values : values.map((z) => z * scale), table, range, drawn.data, 4);
  canvas.getContext("2d")!.putImageData(drawn, 0, 0);
}
