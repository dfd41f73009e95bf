// The depth picture that answers: metres under the cursor, pinned points, two points, a box.
//
// Runs, behind canvas.js, as the body of a function (constants, element, trigger, props, server, upload,
// watch). `props.value` is null or what app/depth_page/depth_view.py builds; depth arrives as deflated
// uint16 units of `step` metres, 0 = no depth.
const find = (name) => element.querySelector(".dv-" + name);
const stage = find("stage"), canvas = find("canvas"), marks = find("marks"), tip = find("tip");
const label = find("length"), bar = find("bar"), ticks = find("ticks"), needle = find("needle"), readout = find("readout");
const words = constants.labels[(navigator.language || "en").slice(0, 2)] || constants.labels.en;
if (matchMedia("(pointer: coarse)").matches) Object.assign(words.hint, words.touch);
let view = null, grid = null, photo = null, cursor = null, points = [], box = null, drag = null;
let tool = constants.mode === "measure" ? "distance" : "point", loading = 0, measured = "";
let layer = constants.mode === "place" ? "photo" : "depth";

element.querySelectorAll("[data-word]").forEach((node) => {
  node.textContent = words[node.dataset.word];
});
canvas.setAttribute("aria-label", words.canvas);

const metres = (z) => (z < 10 ? z.toFixed(2) : z.toFixed(1)) + unit();
const hint = () => words.hint[constants.mode === "place" ? "place" : tool];
const unit = () => (view && !view.metric ? "" : " m");
const column = (i) => Math.floor(((i + 0.5) * view.fullWidth) / view.width);
const row = (j) => Math.floor(((j + 0.5) * view.fullHeight) / view.height);
const depthAt = (i, j) => grid[j * view.width + i] * view.step;
const share = (z) => Math.min(1, Math.max(0, (z - view.near) / (view.far - view.near)));

async function inflate(url) {
  const reply = await fetch(url);
  if (!reply.ok) throw new Error(reply.status);
  return inflated(reply.body);
}

function picture(url) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = reject;
    image.src = url;
  });
}

async function load() {
  const next = props.value, turn = ++loading;
  element.classList.toggle("dv-has-depth", !!next);
  if (!next) { view = grid = null; points = []; box = null; return; }
  try {
    const [values, image] = await Promise.all([inflate(next.depth.url), picture(next.photo.url)]);
    if (turn !== loading) return; // a newer photo has arrived meanwhile
    const other = !view || view.source !== next.source;
    [view, grid, photo] = [next, values, image];
    measured = "";
    if (other) { points = []; box = null; drag = null; cursor = null; }
    else if (constants.mode !== "place") reportMarks();
    marks.setAttribute("viewBox", `0 0 ${view.width} ${view.height}`);
    stage.style.aspectRatio = `${view.width} / ${view.height}`;
    stage.style.maxWidth = `calc(68vh * ${view.width / view.height})`;
    paint(); paintScale(); paintMarks(); say(hint());
    previewOdd();
    element.dataset.ready = view.depth.path; // the browser tests wait for it
  } catch (error) {
    say(words.expired);
  }
}

// A browser cannot show every format that the server reads (TIFF, HEIC): lend it ours.
function previewOdd() {
  document.querySelectorAll(constants.preview).forEach((image) => {
    if (image.complete && !image.naturalWidth) image.src = view.photo.url;
  });
}

function paint() {
  const { width, height } = view, none = [128, 128, 128, 255];
  paintGrid(canvas, grid, width, height, colours(view.lut), (units) => (units ? share(units * view.step) : NaN), none);
  if (layer !== "depth") {
    const brush = canvas.getContext("2d");
    brush.globalAlpha = layer === "both" ? 0.5 : 1;
    brush.drawImage(photo, 0, 0, view.width, view.height);
    brush.globalAlpha = 1;
  }
}

function paintScale() {
  paintBar(bar, colours(view.lut));
  paintTicks(ticks, view.ticks.map(({ metres: value, label: text }, index) => (
    { place: share(value), label: text + (index === view.ticks.length - 1 ? unit() : "") }
  )));
}

function paintMarks() {
  const middle = ([i, j]) => [i + 0.5, j + 0.5];
  const frame = box && [Math.min(box[0], box[2]), Math.min(box[1], box[3]),
    Math.max(box[0], box[2]) + 1, Math.max(box[1], box[3]) + 1];
  drawMarks(marks, points.length === 2 ? points.map(middle) : null, frame);
  label.hidden = !measured || constants.mode !== "measure" || !(box || points.length === 2);
  if (!label.hidden) {
    const [[i0, j0], [i1, j1]] = box ? [box.slice(0, 2), box.slice(2)] : points;
    label.textContent = measured;
    label.style.left = (50 * (i0 + i1 + 1)) / view.width + "%";
    label.style.top = (50 * (j0 + j1 + 1)) / view.height + "%";
  }
  stage.querySelectorAll(".dv-pin").forEach((pin) => pin.remove());
  points.forEach(([i, j], index) => {
    const pin = document.createElement("span");
    pin.className = "dv-pin";
    putAt(pin, (i + 0.5) / view.width, (j + 0.5) / view.height);
    const z = depthAt(i, j);
    pin.dataset.label = (tool === "distance" ? "AB"[index] + "  " : "") + (z ? metres(z) : "–");
    stage.append(pin);
  });
}

function say(text) { readout.textContent = text; }

function hover(at) {
  cursor = at;
  tip.hidden = needle.hidden = !at;
  if (!at) return;
  const [i, j] = at, z = depthAt(i, j);
  tip.textContent = z ? metres(z) : words.none;
  putAt(tip, (i + 0.5) / view.width, (j + 0.5) / view.height);
  needle.hidden = !z;
  needle.style.left = 100 * share(z) + "%";
  say(`x ${column(i)}, y ${row(j)}:  ${z ? metres(z) : words.none}`);
}

const where = (event) => cellUnder(event, canvas.getBoundingClientRect(), view.width, view.height);

// What is marked to the server: after a click, and again when the depth behind it has changed.
function reportMarks() {
  if (box && !drag) {
    const [i0, i1] = [box[0], box[2]].sort((a, b) => a - b);
    const [j0, j1] = [box[1], box[3]].sort((a, b) => a - b);
    trigger("select", { box: [column(i0), row(j0), column(i1), row(j1)] });
  } else if (points.length === (tool === "distance" ? 2 : 1)) {
    trigger("select", { points: points.map(([i, j]) => [column(i), row(j)]) });
  }
}

function pick(at) {
  measured = "";
  if (tool === "box") {
    if (drag) { finishBox(at); } else { drag = at; box = [...at, ...at]; paintMarks(); }
    return;
  }
  box = null;
  points = tool === "point" || points.length === 2 ? [at] : [...points, at];
  paintMarks();
  reportMarks();
}

function finishBox(at) {
  box = [...drag, ...at]; drag = null; points = [];
  paintMarks();
  reportMarks();
}

canvas.addEventListener("pointermove", (event) => {
  if (!view) return;
  hover(where(event));
  if (drag) { box = [...drag, ...cursor]; paintMarks(); }
});
canvas.addEventListener("pointerleave", () => { if (!drag) hover(null); });
canvas.addEventListener("pointerdown", (event) => {
  if (!view || event.button) return;
  const at = where(event);
  hover(at);
  if (tool === "box") canvas.setPointerCapture(event.pointerId);
  pick(at);
});
canvas.addEventListener("pointerup", (event) => {
  if (!drag) return;
  const at = where(event), far = Math.abs(at[0] - drag[0]) + Math.abs(at[1] - drag[1]) > 3;
  if (far) finishBox(at); // otherwise a click: the next one sets the opposite corner
});
canvas.addEventListener("keydown", (event) => {
  if (!view) return;
  const step = keyStep(event);
  const from = cursor || [view.width >> 1, view.height >> 1];
  if (step) {
    hover([within(from[0] + step[0], view.width), within(from[1] + step[1], view.height)]);
    if (drag) { box = [...drag, ...cursor]; paintMarks(); }
  } else if (event.key === "Enter" || event.key === " ") {
    hover(from);
    pick(from);
  } else { return; }
  event.preventDefault();
});

function choose(kind, name) {
  element.querySelectorAll(`[data-${kind}]`).forEach((button) => {
    button.setAttribute("aria-pressed", button.dataset[kind] === name);
  });
}
element.querySelectorAll("[data-layer]").forEach((button) => button.addEventListener("click", () => {
  layer = button.dataset.layer;
  choose("layer", layer);
  if (view) paint();
}));
element.querySelectorAll("[data-tool]").forEach((button) => button.addEventListener("click", () => {
  tool = button.dataset.tool;
  points = []; box = null; drag = null;
  choose("tool", tool);
  if (view) { paintMarks(); say(hint()); }
}));
choose("layer", layer);
choose("tool", tool);
watch("value", load);
watch("measured", () => {
  measured = props.measured;
  if (view) paintMarks();
});
load();
