// The photo's box: takes a file that is dropped or pasted anywhere on the page, chosen, or taken
// with the camera, and keeps the photo before until there is a new one.
//
// Runs as the body of a function (constants, element, trigger, props, server, upload, watch). `props.value` is
// null or the description of an uploaded file.
const find = (name) => element.querySelector(".pb-" + name);
const lang = constants.labels[(navigator.language || "en").slice(0, 2)] ? navigator.language.slice(0, 2) : "en";
const words = constants.labels[lang], names = constants.names[lang];
const photo = find("photo"), video = find("live"), chooser = element.querySelector("input");
const narrow = matchMedia("(max-width: 860px)");
let sending = 0;

element.querySelectorAll("[data-word]").forEach((node) => {
  node.textContent = words[node.dataset.word];
});
find("photo").alt = words.photo;
chooser.setAttribute("aria-label", words.choose);

const say = (text) => { find("say").textContent = text; };
const title = (file) => file.orig_name.replace(/\.\w+$/, "");
const nameOf = (file) => names[title(file)] || title(file).replace(/[_-]/g, " ");
const address = (file) => "gradio_api/file=" + encodeURI(file.path);
const isExample = (file) => constants.examples.some((example) => example.path === file.path);

function show() {
  const file = props.value;
  element.classList.toggle("pb-has-photo", !!file);
  photo.hidden = !file;
  photo.src = file ? file.url || address(file) : "";
  find("name").textContent = !file ? "" : isExample(file) ? words.example : file.orig_name;
  find("grid").querySelectorAll("button").forEach((button) => {
    button.setAttribute("aria-pressed", String(button.dataset.path === file?.path));
  });
}

function put(file) {
  props.value = file;
  say("");
  show();
  if (!narrow.matches) return;
  find("examples").open = false;
  document.querySelector("#result-side")?.scrollIntoView({behavior: "smooth"});
}

async function give(file) {
  const turn = ++sending;
  say(words.sending);
  try {
    const sent = await upload(file);
    if (turn !== sending) return; // another photo was chosen meanwhile
    put({...sent, orig_name: file.name, size: file.size, meta: {_type: "gradio.FileData"}});
  } catch (error) {
    if (turn === sending) say(words.failed);
  }
}

// Files go to the tab in front; several photos at once to the one for many, a clip to the one for clips.
async function take(files) {
  let place = ["#batch-files", "#video-file"].find((name) => document.querySelector(name)?.offsetParent);
  const other = files.length > 1 ? "batch" : files[0].type.startsWith("video/") ? "video" : "";
  if (!place && other) {
    document.querySelector(`#tab-${other}-button`).click();
    place = {batch: "#batch-files", video: "#video-file"}[other];
  }
  if (!place) {
    document.querySelector("#tab-photo-button").click();
    give(files[0]);
    return;
  }
  for (let tries = 0; tries < 20; tries++) {
    const input = document.querySelector(`${place} input[type=file]`);
    if (input) {
      const carried = new DataTransfer();
      for (const file of files) carried.items.add(file);
      input.files = carried.files;
      input.dispatchEvent(new Event("change", {bubbles: true}));
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
const hasOwnPlace = (event) => event.target.closest?.("#batch-files, #video-file");
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (!files.length) return;
  event.preventDefault();
  take(files);
});
document.addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault(); // otherwise the browser would leave the page for the file
  element.classList.add("pb-over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) element.classList.remove("pb-over");
});
document.addEventListener("drop", (event) => {
  element.classList.remove("pb-over");
  if (!carriesFiles(event)) return;
  event.preventDefault();
  if (!hasOwnPlace(event) && event.dataTransfer.files.length) take([...event.dataTransfer.files]);
});

find("choose").addEventListener("click", () => chooser.click());
find("place").addEventListener("click", () => { if (video.hidden) chooser.click(); });
chooser.addEventListener("change", () => {
  if (chooser.files.length) take([...chooser.files]);
  chooser.value = ""; // the same file may be chosen again
});

function filming(stream) {
  video.srcObject?.getTracks().forEach((track) => track.stop());
  video.srcObject = stream;
  video.hidden = !stream;
  find("usual").hidden = !!stream;
  find("filming").hidden = !stream;
  element.classList.toggle("pb-films", !!stream);
}
find("camera").addEventListener("click", async () => {
  say("");
  if (!navigator.mediaDevices) { say(words.camera_insecure); return; }
  try {
    const wanted = {facingMode: "environment", width: {ideal: 1920}, height: {ideal: 1440}};
    filming(await navigator.mediaDevices.getUserMedia({video: wanted}));
    await video.play();
  } catch (error) {
    say(error.name === "NotAllowedError" ? words.camera_denied : words.camera_none);
  }
});
find("close").addEventListener("click", () => filming(null));
find("take").addEventListener("click", () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  filming(null);
  canvas.toBlob((blob) => give(new File([blob], "camera.jpg")), "image/jpeg", 0.95);
});

find("grid").append(...constants.examples.map((file) => {
  const button = document.createElement("button"), image = document.createElement("img");
  button.type = "button";
  button.dataset.path = file.path;
  button.title = image.alt = nameOf(file);
  image.src = address(file);
  image.loading = "lazy";
  button.append(image);
  button.addEventListener("click", () => put({...file, url: address(file)}));
  return button;
}));
find("examples").open = !narrow.matches;
watch("value", show);
show();
