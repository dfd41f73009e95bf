// The page: photos in, by drop, paste, choice or camera; depth, levels, points and files out.
import type { ModelAbout } from "./about";
import { connect, type Client } from "./client";
import { fieldOfView } from "./camera";
import { autoRange, extremes, tableOf } from "./colormap";
import type { EngineName } from "./network";
import { isLive, startCamera, stopCamera } from "./live";
import { Problem } from "./problem";
import type { FileKind, View } from "./protocol";
import type { Space } from "./space";
import { drawDepth, Stage } from "./stage";
import type { Plane, Size } from "./upsample";
import { all, asked, complain, digits, find, label, status, t } from "./words";

const EXAMPLES = ["room", "books", "street"];
const TABS = ["depth", "levels", "space"];

let client: Client;
let view: View | null = null;
let known: { scale: number; numbers: number[] } | null = null;
let space: Space | null = null;
let tab = "depth";
let last: { source: Blob; name: string } | null = null;
let ready: Promise<void> = Promise.resolve();
let turn = 0;
let busy: Promise<unknown> = Promise.resolve();
let engine = ""; // what is said of it while nothing is going on

const scale = (): number => known?.scale ?? 1;
const scaled = (ends: Size): Size => ends.map((z) => z * scale()) as Size;
const field = (selector: string): HTMLInputElement => find<HTMLInputElement>(selector);
const colours = (): Uint8Array => tableOf(client.about.colormaps[field("#colormap").value]);
const chosen = (): ModelAbout => client.about.models.find(({ name }) => name === field("#model").value)!;

const stage = new Stage();

/** Loads a model; photos wait for it. */
function openModel(): void {
  const { name: model, licence } = chosen();
  const bar = find<HTMLProgressElement>("#progress");
  const mega = (bytes: number): string => (bytes / 1e6).toFixed(1);
  status(t("web.starting", { model }));
  find("#licence").textContent = t("web.licence", { model, licence });
  ready = client
    .open(model, asked.get("engine") as EngineName | null, (loaded, total) => {
      bar.hidden = false;
      bar.value = loaded / total;
      status(loaded < total ? t("web.loading", { model, done: mega(loaded), total: mega(total) }) : t("web.starting", { model }));
    })
    .finally(() => (bar.hidden = true))
    .then((opened) => {
      engine = t(`web.ready_${opened.engine}`, { model, threads: opened.threads });
      status(engine);
      document.body.dataset.ready = `${opened.engine} ${opened.threads}`;
    });
  ready.catch((error) => (status(""), complain(error)));
}

/** Predicts a photo; of several that come fast only the last is shown. */
async function show(source: Blob, name: string): Promise<void> {
  const mine = ++turn;
  find("#error").hidden = true;
  stopCamera();
  draw();
  try {
    const fov = readFov();
    await ready;
    await busy;
    if (mine !== turn) return;
    last = { source, name };
    status(t("web.working"));
    find("#right").setAttribute("aria-busy", "true");
    const predicting = client.predict(source, name, fov);
    busy = predicting.catch(() => undefined);
    const next = await predicting;
    if (mine !== turn) return next.picture.close();
    view?.picture.close();
    [view, known] = [next, null];
    field("#length").value = "";
    draw();
    const facts = { name, width: next.size[0], height: next.size[1], w: next.workingSize[0], h: next.workingSize[1] };
    const [near, far] = scaled(extremes(next.depth.values));
    const seconds = (next.milliseconds / 1000).toFixed(2);
    find("#facts").textContent = t("web.facts", { ...facts, near: stage.metres(near), far: stage.metres(far), seconds });
    document.body.dataset.shown = `${name} ${Math.round(next.passMilliseconds)}`;
    status(engine);
  } catch (error) {
    if (mine !== turn) return;
    status(engine);
    complain(error);
    document.body.dataset.shown = `${name} refused`;
  } finally {
    if (mine === turn) find("#right").removeAttribute("aria-busy");
  }
}

function readFov(): number | null {
  const text = field("#fov").value;
  if (text === "") return null;
  if (!(+text >= 5 && +text <= 170)) throw new Problem("error_fov");
  return +text;
}

/** Everything that depends on the photo, the colours, the known length, the language or the tab. */
function draw(): void {
  const live = isLive();
  find("#panel-live").hidden = !live;
  find("nav").hidden = !view || live;
  find("#empty").hidden = !!view || live;
  find("#result").hidden = !view || live;
  for (const name of TABS) {
    find(`#panel-${name}`).hidden = !view || live || tab !== name;
    find(`[data-tab=${name}]`).setAttribute("aria-selected", String(tab === name));
  }
  if (!view || live) return;
  stage.show(view, colours(), scaled(autoRange(view.depth)), scale());
  find("#undo").hidden = !known;
  const fov = fieldOfView(view.size[0], view.intrinsics.fx).toFixed(0);
  const notes = [view.metric ? t(`web.camera_${view.intrinsics.source}`, { fov }) : t("web.not_metric")];
  if (known) notes.push(t("web.scaled", { scale: known.scale.toPrecision(4) }));
  find("#camera").textContent = notes.join(" ");
  if (tab === "levels") drawLevel(view);
  if (tab === "space") void drawSpace(view);
  else space?.forget();
}

function drawLevel({ levels }: View): void {
  const index = Number(field("#level").value);
  const { stride, depth, residual } = levels[index];
  const { width, height } = depth;
  const level = `R${5 - index} (1/${stride})`;
  find("#level").setAttribute("aria-valuetext", level);
  const paint = (id: string, plane: Plane, table: Uint8Array, ends: Size, by: number, note: string): void => {
    drawDepth(find(id), plane, table, ends, by);
    find(id).setAttribute("aria-label", (find(`${id}-note`).textContent = note));
  };
  const range = scaled(autoRange(levels[4].depth));
  paint("#level-depth", depth, colours(), range, scale(), t("web.level_depth", { level, width, height }));
  const reach = extremes(residual.values.map(Math.abs))[1] || 1;
  const [table, least, key] = index
    ? [tableOf(client.about.colormaps.signed), -reach, "web.level_residual"]
    : [colours(), 0, "web.level_coarsest"];
  paint("#level-residual", residual, table, [least, reach], 1, t(key, { level, reach: digits(reach) }));
  find("#supervised").textContent = t(chosen().supervised_levels ? "explorer.supervised" : "explorer.unsupervised");
}

async function drawSpace(shown: View): Promise<void> {
  space ??= new (await import("./space")).Space(find("#space"));
  if (shown === view && tab === "space") space.show(shown, scale());
}

async function save(kind: FileKind): Promise<void> {
  const settings = { scale: scale(), knownLength: known?.numbers ?? null, colormap: field("#colormap").value, range: stage.range };
  status(t("web.writing"));
  try {
    const files = await client.worker.file(kind, settings);
    for (const { name, content } of files) {
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(content), download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    }
    status(t("web.saved", { names: files.map(({ name }) => name).join(", ") }));
  } catch (error) {
    status(engine);
    complain(error);
  }
}

function rescale(): void {
  const length = stage.length();
  const wanted = Number(field("#length").value);
  find("#error").hidden = true;
  if (!length || !(wanted >= 0.001 && wanted <= 10_000)) return complain(new Problem("error_length"));
  known = { scale: (scale() * wanted) / length, numbers: [...stage.pixels(), wanted] };
  draw();
}

async function live(): Promise<void> {
  find("#error").hidden = true;
  await ready.catch(complain);
  await startCamera(client, colours, draw, (photo) => void show(photo, `${t("web.picture")}.jpg`));
}

function take(files: Iterable<File> | undefined | null): void {
  const [file] = files ?? [];
  if (file) void show(file, file.name);
}

function listen(): void {
  for (const id of ["#file", "#capture"]) {
    const input = find<HTMLInputElement>(id);
    input.onchange = () => {
      take(input.files);
      input.value = "";
    };
    input.parentElement!.onkeydown = (event) => {
      if (event.key === "Enter" || event.key === " ") input.click();
    };
  }
  for (const kind of ["dragover", "dragleave", "drop"] as const) {
    window.addEventListener(kind, (event) => {
      event.preventDefault();
      find("#drop").classList.toggle("over", kind === "dragover");
      if (kind === "drop") take(event.dataTransfer?.files);
    });
  }
  window.addEventListener("paste", (event) => take(event.clipboardData?.files));
  find("#stop").onclick = () => (stopCamera(), draw());
  find("#live").onclick = () => (isLive() ? find("#stop").click() : void live());
  find("#model").onchange = () => {
    openModel();
    if (last) void show(last.source, last.name);
  };
  find("#fov").onchange = () => last && void show(last.source, last.name);
  find("#colormap").onchange = draw;
  find("#level").oninput = () => view && drawLevel(view);
  find("#clear").onclick = () => stage.clear();
  find("#rescale").onclick = rescale;
  find("#undo").onclick = () => ((known = null), draw());
  find("#layer").onclick = () => {
    stage.showsPhoto = !stage.showsPhoto;
    find("#layer").setAttribute("aria-pressed", String(stage.showsPhoto));
    stage.paint();
  };
  find("#language").onclick = () => (label("other language"), draw());
  all("[data-tab]").forEach((node) => (node.onclick = () => ((tab = node.dataset.tab!), draw())));
  all("[data-file]").forEach((node) => (node.onclick = () => void save(node.dataset.file as FileKind)));
}

async function start(): Promise<void> {
  const worker = navigator.serviceWorker;
  if (worker) {
    // What comes before it is there would not be kept for the next visit without a network.
    const controlled = new Promise((resolve) => worker.addEventListener("controllerchange", resolve, { once: true }));
    const registered = await worker.register("service_worker.js").catch(() => null);
    if (registered && !worker.controller) await Promise.race([controlled, new Promise((resolve) => setTimeout(resolve, 5000))]);
  }
  client = await connect(new URL("./", location.href).href);
  document.body.classList.toggle("embedded", asked.has("embed"));
  const option = (value: string): HTMLOptionElement => new Option(value, value);
  find("#model").replaceChildren(...client.about.models.map(({ name }) => option(name)));
  find("#colormap").replaceChildren(...Object.keys(client.about.colormaps).filter((name) => name !== "signed").map(option));
  find("#examples").replaceChildren(
    ...EXAMPLES.map((name) => {
      const button = document.createElement("button");
      button.dataset.name = name;
      button.append(Object.assign(new Image(), { src: `examples/${name}.jpg`, alt: "" }));
      button.onclick = async () => show(await (await fetch(`examples/${name}.jpg`)).blob(), `${name}.jpg`);
      return button;
    }),
  );
  label(client.about.texts);
  listen();
  draw();
  openModel();
}

void start();
