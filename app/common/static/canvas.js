// What the canvases of both pages share. A map is a grid of uint16 units, 0 = no value, sampled
// from the full map at known pixels: every number shown is the value of exactly the pixel named.
async function inflated(stream) {
  const plain = stream.pipeThrough(new DecompressionStream("deflate"));
  return new Uint16Array(await new Response(plain).arrayBuffer());
}

const within = (value, size) => Math.min(size - 1, Math.max(0, Math.floor(value)));
const colours = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

// Colours of a grid; shareOf gives a value's place between the ends of the bar, NaN for blank (RGBA).
function paintGrid(canvas, grid, width, height, lut, shareOf, blank) {
  canvas.width = width; canvas.height = height;
  const brush = canvas.getContext("2d"), drawn = brush.createImageData(width, height);
  const one = ([r, g, b, a]) => ((a << 24) | (b << 16) | (g << 8) | r) >>> 0;
  const table = Uint32Array.from({ length: 256 }, (_, k) => one([...lut.subarray(3 * k, 3 * k + 3), 255]));
  const pixels = new Uint32Array(drawn.data.buffer), none = one(blank);
  for (let k = 0; k < grid.length; k++) {
    const share = shareOf(grid[k]);
    pixels[k] = Number.isNaN(share) ? none : table[Math.round(Math.min(1, Math.max(0, share)) * 255)];
  }
  brush.putImageData(drawn, 0, 0);
}

function paintBar(bar, lut) {
  const every = Uint16Array.from({ length: 256 }, (_, k) => k + 1);
  paintGrid(bar, every, 256, 1, lut, (k) => (k - 1) / 255, [0, 0, 0, 0]);
}

// Round values below a bar, each { place: 0..1, label }.
function paintTicks(ticks, values) {
  ticks.replaceChildren(...values.map(({ place, label }) => {
    const tick = document.createElement("span");
    tick.textContent = label;
    tick.style.left = 100 * place + "%";
    tick.className = place < 0.05 ? "dv-first" : place > 0.95 ? "dv-last" : ""; // inside the bar's ends
    return tick;
  }));
}

// The cell of a (width x height) grid under an event; frame is where the whole grid lies.
function cellUnder(event, frame, width, height) {
  return [
    within(((event.clientX - frame.left) / frame.width) * width, width),
    within(((event.clientY - frame.top) / frame.height) * height, height),
  ];
}

// Cells that an arrow key moves the pointer by; null for other keys.
function keyStep(event) {
  const reach = event.shiftKey ? 10 : 1;
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  return steps[event.key]?.map((step) => reach * step) ?? null;
}

// Puts a node at a place of the picture (shares of its sides), its words on the side with room.
function putAt(node, across, down, room = 0.75) {
  node.style.left = 100 * across + "%";
  node.style.top = 100 * down + "%";
  node.classList.toggle("dv-left", across > room);
  node.classList.toggle("dv-below", down < 0.12);
}

// A line between two points and a box, each drawn light on dark: seen on every photo.
function drawMarks(svg, line, box) {
  const shapes = [];
  const shape = (name, attributes) => ["dv-halo", "dv-line"].forEach((kind) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    node.setAttribute("class", kind);
    shapes.push(node);
  });
  if (line?.length > 1) shape("line", { x1: line[0][0], y1: line[0][1], x2: line[1][0], y2: line[1][1] });
  if (box) {
    const [x, y] = [Math.min(box[0], box[2]), Math.min(box[1], box[3])];
    shape("rect", { x, y, width: Math.abs(box[2] - box[0]), height: Math.abs(box[3] - box[1]) });
  }
  svg.replaceChildren(...shapes);
}
