// Maps of one photo that share one pointer and one zoom, wherever on the page they stand.
//
// Stands behind canvas.js. A message is what app/explorer/plots/maps.py builds: the length of a
// header, the header in JSON, and the pictures and deflated grids that it names. Places are shares
// of the photo's sides, so the same place is meant in maps of every size. The pointer asks no server,
// nor do the levels of the coarse-to-fine sum: they follow the page's sliders as these move.
const groups = new Set(), states = {}; // by page and photo: where the pointer and the zoom are
const MOST = 24, CLICK = 6; // times that one can zoom in; pixels that a click may move

const clamped = (value, least, most) => Math.min(most, Math.max(least, value));
const node = (name, className, text = "") =>
  Object.assign(document.createElement(name), { className, textContent: text });

class State {
  place = null;
  zoom = { x: 0, y: 0, scale: 1 };

  follow() { groups.forEach((group) => { if (group.state === this) group.follow(); }); }

  show(place) { this.place = place; this.follow(); }

  zoomTo(x, y, scale) {
    const size = 1 / clamped(scale, 1, MOST);
    this.zoom = { x: clamped(x, 0, 1 - size), y: clamped(y, 0, 1 - size), scale: 1 / size };
    this.follow();
  }

  zoomBy(factor, [u, v] = this.place ?? [0.5, 0.5]) {
    const { x, y, scale } = this.zoom, next = clamped(scale * factor, 1, MOST);
    this.zoomTo(u - ((u - x) * scale) / next, v - ((v - y) * scale) / next, next);
  }
}

function unpacked(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  return [header, ([start, size]) => bytes.slice(4 + length + start, 4 + length + start + size)];
}

async function grid(packed, part) {
  const { width, height, low, step } = packed, units = await inflated(new Blob([part(packed.at)]).stream());
  return { width, height, values: new Float32Array(units).map((unit) => (unit ? low + step * unit : NaN)) };
}

const cellAt = ({ width, height }, [u, v]) => within(v * height, height) * width + within(u * width, width);

const short = (unit) => (unit.length < 4 ? unit : ""); // a longer one stands above the bar

function figure(value, digits, unit) {
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text) + (short(unit) && " " + unit);
}

// A map doubled along its rows, and turned; done twice, it is doubled as the decoder doubles:
// bilinear, pixel areas aligned.
function stretched({ width, height, values }) {
  const fine = new Float32Array(2 * width * height);
  for (let j = 0; j < height; j++) {
    for (let i = 0; i < width; i++) {
      const at = j * width + i, here = 0.75 * values[at];
      fine[2 * i * height + j] = here + 0.25 * values[i ? at - 1 : at];
      fine[(2 * i + 1) * height + j] = here + 0.25 * values[i < width - 1 ? at + 1 : at];
    }
  }
  return { width: height, height: 2 * width, values: fine };
}

// The coarse-to-fine sum, as core/model/pyramid.py adds it up, at the level and with the gains of the sliders.
class Sum {
  grown = []; // by level: the residuals up to it at its size

  constructor(told) { Object.assign(this, told); }

  // Whether the sliders stand elsewhere than before; `made` goes where those of the gains do.
  moved() {
    const at = (key, otherwise) => Number(document.querySelector(`.st-key-${key} input[type=range]`)?.value ?? otherwise);
    const [key, keys] = this.sliders, level = at(key, this.level), gains = this.gains.map((gain, k) => at(keys[k], gain));
    const asked = JSON.stringify([level, gains]), moved = asked !== this.asked;
    if (!this.made || gains.some((gain, k) => gain !== this.gains[k])) this.made = [];
    Object.assign(this, { asked, level, gains });
    return moved;
  }

  parts(level) {
    return (this.grown[level] ??= this.residuals.slice(0, level + 1).map((part, index) => {
      for (let finer = index; finer < level; finer++) part = stretched(stretched(part));
      return part.values;
    }));
  }

  // The maps of a level, each "depth", "change" or "error".
  maps(level = this.level) { return (this.made[level] ??= this.added(level)); }

  added(level) {
    const { residuals, gains, scale } = this, { width, height } = residuals[level], parts = this.parts(level);
    const size = width * height, truth = this.truth[level]?.values;
    const filled = () => ({ width, height, values: new Float32Array(size) }), told = { depth: filled(), change: filled(), error: filled() };
    const { depth: { values: depth }, change: { values: change }, error: { values: error } } = told;
    const metres = (sum) => scale / (1 + Math.exp(-sum));
    for (let cell = 0; cell < size; cell++) {
      let sum = 0;
      for (let k = 0; k < level; k++) sum += gains[k] * parts[k][cell];
      depth[cell] = metres(sum + gains[level] * parts[level][cell]);
      change[cell] = depth[cell] - metres(sum);
      if (truth) error[cell] = (100 * Math.abs(depth[cell] - truth[cell])) / truth[cell];
    }
    return told;
  }

  // The sum of one pixel in numbers: every level's part, the sigmoid, the metres.
  told(place) {
    const { names, gains, scale, unit } = this, cell = cellAt(this.residuals[this.level], place);
    const parts = this.parts(this.level).map((part, index) => gains[index] * part[cell]);
    const total = parts.reduce((sum, part) => sum + part, 0), share = 1 / (1 + Math.exp(-total));
    const terms = parts.map((part, index) =>
      `${index ? (part < 0 ? " − " : " + ") : part < 0 ? "−" : ""}${names[index]} ${Math.abs(part).toFixed(3)}`);
    return `${terms.join("")} = ${figure(total, 3, "")} → sigmoid ${share.toFixed(4)}`
      + ` × ${scale.toFixed(2)} = ${figure(share * scale, 2, unit)}`;
  }
}

class Group {
  constructor(root) {
    Object.assign(this, { root, turn: 0, maps: [] });
  }

  async load(bytes, send) {
    this.send = send;
    if (this.bytes?.length === bytes.length && this.bytes.every((byte, k) => byte === bytes[k])) return;
    this.bytes = bytes; // drawing the same again would end a drag
    const turn = ++this.turn, [header, part] = unpacked(bytes);
    const all = (list, make) => Promise.all(list.map(make)), grids = (list) => all(list, (item) => grid(item, part));
    const pictures = {}; // several maps show the same
    const rows = await all(header.rows, async ({ bars, maps }) => ({ bars, maps: await all(maps, async (map) => ({
      ...map,
      grid: map.values && (await grid(map.values, part)),
      picture: map.picture && (await (pictures[map.picture] ??= createImageBitmap(new Blob([part(map.picture)])))),
    })) }));
    const { sum } = header, added = sum && { residuals: await grids(sum.residuals), truth: await grids(sum.truth) };
    if (turn !== this.turn) return; // newer maps have arrived meanwhile
    this.state = states[location.pathname + header.photo] ??= new State();
    Object.assign(this, { header, rows, sum: sum && new Sum({ ...sum, ...added }) });
    this.sum?.moved();
    this.show();
    this.root.dataset.ready = turn; // tests wait for it
  }

  // Draws the maps, those of a sum as the sliders stand.
  show() {
    const focused = this.maps.findIndex(({ stage }) => stage.matches(":focus"));
    Object.assign(this, this.rows[this.sum?.level ?? 0]);
    const sum = this.sum ?? [...groups].find((group) => group.state === this.state && group.sum)?.sum;
    this.maps.forEach((map) => {
      if (map.part && (this.sum || map.level >= 0)) map.grid = sum?.maps(this.sum ? sum.level : map.level)[map.part] ?? map.grid;
    });
    this.draw();
    if (focused >= 0) this.maps[focused]?.stage.focus();
    this.follow();
  }

  draw() {
    const { words, columns } = this.header;
    const plot = node("div", "grid");
    plot.style.setProperty("--columns", columns);
    plot.classList.toggle("many", columns > 3);
    plot.append(...this.maps.map((map) => this.figure(map)));
    const foot = node("div", "foot"), buttons = node("span", "buttons");
    this.readout = node("span", "readout");
    this.readout.setAttribute("aria-live", "polite");
    const sign = (text, label, act) => {
      const button = Object.assign(node("button", "", text), { type: "button", title: label, onclick: act });
      button.setAttribute("aria-label", label);
      return button;
    };
    this.whole = sign("⤢", words.whole, () => this.state.zoomTo(0, 0, 1));
    buttons.append(
      sign("+", words.in, () => this.state.zoomBy(2)), sign("−", words.out, () => this.state.zoomBy(0.5)),
      this.whole, sign("⤓", words.save, () => this.save()),
    );
    foot.append(this.readout, buttons);
    this.equation = node("p", "sum");
    const common = this.bars.filter((bar) => bar.shared && bar.legend).map((bar) => scale(bar));
    this.root.replaceChildren(plot, ...common, ...(this.sum ? [this.equation] : []), ...(this.header.bare ? [] : [foot]));
  }

  figure(map) {
    const box = node("figure", ""), stage = node("div", "dv-stage"), frame = node("div", "frame");
    const layers = node("div", "layers"), [wide, high] = map.size;
    Object.assign(stage, { tabIndex: 0, role: "img", ariaLabel: map.alt });
    stage.style.aspectRatio = `${wide} / ${high}`;
    stage.style.maxWidth = `calc(68vh * ${wide / high})`;
    stage.style.touchAction = map.box ? "none" : "pan-y";
    if (map.picture) {
      const canvas = Object.assign(node("canvas", "dv-canvas"), { width: map.picture.width, height: map.picture.height });
      canvas.getContext("2d").drawImage(map.picture, 0, 0);
      canvas.classList.toggle("cells", map.picture.width <= 256);
      layers.append(canvas);
    }
    if (map.grid && map.shown) {
      const bar = this.bars[map.bar], canvas = node("canvas", "dv-canvas cells");
      paintGrid(canvas, map.grid.values, map.grid.width, map.grid.height, colours(bar.lut),
        (value) => (value - bar.low) / (bar.high - bar.low), [0, 0, 0, 0]);
      if (map.picture) canvas.classList.add("over");
      layers.append(canvas);
    }
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "dv-marks");
    svg.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    svg.setAttribute("preserveAspectRatio", "none");
    drawMarks(svg, map.line, map.frame);
    layers.append(svg);
    frame.append(layers);
    const pins = (map.line ?? []).map(([x, y, name]) => ({ pin: node("span", "dv-pin"), at: [x / wide, y / high], name }));
    pins.forEach(({ pin, name }) => { pin.dataset.label = name; });
    if (map.length) {
      const [[x0, y0], [x1, y1]] = map.line;
      pins.push({ pin: node("span", "dv-length", map.length), at: [(x0 + x1) / 2 / wide, (y0 + y1) / 2 / high] });
    }
    Object.assign(map, { stage, layers, svg, pins, ring: node("span", "ring"), tip: node("span", "dv-tip") });
    stage.append(frame, ...pins.map(({ pin }) => pin), map.ring, map.tip);
    this.listen(map);
    box.append(node("figcaption", "", map.title), stage);
    const bar = this.bars[map.bar];
    const narrow = this.header.columns > 3;
    box.append(bar && !bar.shared && bar.legend ? scale(bar, narrow) : node("div", ""));
    return box;
  }

  listen(map) {
    const { stage } = map, { state } = this, [wide, high] = map.size;
    const size = () => map.grid ?? map.picture;
    const centre = ([u, v]) => [[u, size().width], [v, size().height]].map(([s, n]) => (within(s * n, n) + 0.5) / n);
    const under = (event) => {
      const { left, top, width, height } = stage.getBoundingClientRect(), { x, y, scale } = state.zoom;
      const inside = (at, from, length) => clamped((at - from) / length, 0, 1) / scale;
      return [x + inside(event.clientX, left, width), y + inside(event.clientY, top, height)];
    };
    const pixels = ([u, v]) => [Math.min(wide - 1, Math.floor(u * wide)), Math.min(high - 1, Math.floor(v * high))];
    let start = null, first = null;
    const hover = (place) => { if (map.linked) state.show(centre(place)); };
    const finish = () => { start = null; drawMarks(map.svg, map.line, map.frame); };
    stage.addEventListener("pointermove", (event) => {
      const place = under(event);
      hover(place);
      if (!start) return;
      drawMarks(map.svg, map.line, [start[0] * wide, start[1] * high, place[0] * wide, place[1] * high]);
    });
    stage.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse" && !start) state.show(null); });
    stage.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      hover(under(event));
      first = [event.clientX, event.clientY];
      if (event.pointerType !== "mouse" && !map.box) return; // a finger moves the pointer, or scrolls
      start = under(event);
      stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener("pointercancel", finish);
    stage.addEventListener("pointerup", (event) => {
      const end = under(event), from = start;
      const moved = first && Math.hypot(event.clientX - first[0], event.clientY - first[1]) > CLICK;
      finish();
      if (!moved) { if (map.point) this.send("point", pixels(centre(end))); return; }
      if (!from) return;
      const [x0, x1] = [from[0], end[0]].sort((a, b) => a - b), [y0, y1] = [from[1], end[1]].sort((a, b) => a - b);
      if (map.box) this.send("box", [x0 * wide, x1 * wide, y0 * high, y1 * high]);
      else state.zoomTo(x0, y0, Math.min(1 / (x1 - x0), 1 / (y1 - y0), MOST));
    });
    stage.addEventListener("dblclick", (event) => {
      if (!map.point) { if (state.zoom.scale > 1) state.zoomTo(0, 0, 1); else state.zoomBy(3, under(event)); }
    });
    stage.addEventListener("keydown", (event) => {
      const step = keyStep(event), at = state.place ?? [0.5, 0.5];
      if (step && map.linked) {
        const moved = step.map((cells, axis) => clamped(at[axis] + cells / (axis ? size().height : size().width), 0, 0.99999));
        state.show(centre(moved));
        this.readout.textContent = this.told();
      } else if (event.key === "Enter" && map.point) this.send("point", pixels(at));
      else if (event.key === "+" || event.key === "-") state.zoomBy(event.key === "+" ? 2 : 0.5);
      else if (event.key === "0" || event.key === "Escape") state.zoomTo(0, 0, 1);
      else return;
      event.preventDefault();
    });
  }

  // What the pointer reads, for those who hear the page.
  told() {
    return this.maps.filter(({ grid: values }) => values)
      .map((map) => `${map.title}: ${this.reading(map)}`).join("; ");
  }

  reading(map) {
    const { place } = this.state, [u, v] = place, value = map.grid?.values[cellAt(map.grid, place)];
    if (!map.grid) return this.header.bare ? "" : `x ${Math.floor(u * map.size[0])}, y ${Math.floor(v * map.size[1])}`;
    const { digits, unit, silent } = this.bars[map.bar];
    if (silent) return "";
    return Number.isNaN(value) ? "–" : figure(value, digits, unit);
  }

  follow() {
    const { place, zoom: { x, y, scale } } = this.state;
    const seen = ([u, v]) => [(u - x) * scale, (v - y) * scale];
    const stand = (mark, at) => {
      const [across, down] = seen(at);
      mark.hidden = across < 0 || across > 1 || down < 0 || down > 1;
      putAt(mark, across, down, mark.parentElement.clientWidth > 300 ? 0.75 : 0.5);
    };
    this.maps.forEach((map) => {
      map.layers.style.transform = `scale(${scale}) translate(${-100 * x}%, ${-100 * y}%)`;
      map.pins.forEach(({ pin, at }) => stand(pin, at));
      map.ring.hidden = map.tip.hidden = !place || !map.linked;
      if (map.ring.hidden) return;
      map.tip.textContent = this.reading(map);
      stand(map.ring, place);
      stand(map.tip, place);
      if (!map.tip.textContent) map.tip.hidden = true;
    });
    this.whole.disabled = scale === 1;
    const { words, size } = this.header;
    this.readout.textContent = place
      ? `x ${Math.floor(place[0] * size[0])}, y ${Math.floor(place[1] * size[1])}` : words.hint;
    if (this.sum) this.equation.textContent = place ? this.sum.told(place) : words.sum;
  }

  // One PNG of the group as it stands, twice as fine as the screen.
  save() {
    const outer = this.root.getBoundingClientRect(), style = getComputedStyle(this.root);
    const sheet = Object.assign(document.createElement("canvas"), { width: 2 * outer.width, height: 2 * outer.height });
    const brush = sheet.getContext("2d");
    brush.scale(2, 2);
    brush.fillStyle = style.getPropertyValue("--st-background-color") || "#fff";
    brush.fillRect(0, 0, outer.width, outer.height);
    brush.imageSmoothingEnabled = false;
    const each = (query, act) => this.root.querySelectorAll(query).forEach((item) => {
      const { left, top, width, height } = item.getBoundingClientRect();
      act(item, left - outer.left, top - outer.top, width, height);
    });
    each(".frame", (frame, x, y, width, height) => {
      brush.save();
      brush.beginPath();
      brush.rect(x, y, width, height);
      brush.clip();
      frame.querySelectorAll("canvas").forEach((canvas) => {
        const inner = canvas.getBoundingClientRect();
        brush.globalAlpha = Number(getComputedStyle(canvas).opacity);
        brush.drawImage(canvas, inner.left - outer.left, inner.top - outer.top, inner.width, inner.height);
      });
      brush.restore();
    });
    each(".dv-bar", (bar, ...at) => brush.drawImage(bar, ...at));
    brush.fillStyle = style.color;
    each("figcaption, .dv-ticks span", (text, x, y, width, height) => {
      brush.font = getComputedStyle(text).font;
      brush.fillText(text.textContent, x, y + 0.8 * height, width);
    });
    const link = node("a", "");
    Object.assign(link, { href: sheet.toDataURL("image/png"), download: this.header.name + ".png" });
    link.click();
  }
}

// Below a narrow map every second tick has no room; the middle one stays, which of a signed bar is 0.
function scale({ lut, low, high, unit, title, ticks: all }, narrow = false) {
  const odd = (all.length >> 1) % 2;
  const ticks = narrow && all.length > 4 ? all.filter((_, index) => index % 2 === odd) : all;
  const box = node("div", "scale"), bar = node("canvas", "dv-bar"), row = node("div", "dv-ticks");
  paintBar(bar, colours(lut));
  paintTicks(row, ticks.map(([value, label], index) => (
    { place: (value - low) / (high - low), label: index === ticks.length - 1 && short(unit) ? `${label} ${unit}` : label }
  )));
  const kind = [title, short(unit) ? "" : unit].filter(Boolean).join(": ");
  if (kind) box.append(node("span", "kind", kind));
  box.append(bar, row);
  return box;
}

// Streamlit names a slider's value anew whenever it moves, by hand or by the server. The maps of all
// levels follow those of the one that is looked at.
let strips;
new MutationObserver(() => groups.forEach((group) => {
  const gains = String(group.sum?.gains);
  if (!group.sum?.moved()) return;
  group.show();
  if (gains === String(group.sum.gains)) return;
  clearTimeout(strips);
  strips = setTimeout(() => groups.forEach((other) => {
    if (other.state === group.state && other.maps.some(({ level }) => level >= 0)) other.show();
  }), 50);
})).observe(document.body, { subtree: true, attributeFilter: ["aria-valuetext"] });

export default function mount({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".maps");
  groups.add((root.group ??= new Group(root)));
  root.group.load(data, setTriggerValue);
  return () => groups.delete(root.group);
}
