// Where there is no camera, Gradio's own button asks for one all the same, fails in the console and
// says nothing: it is not pressed then, and this says why.
const words = constants.labels[(navigator.language || "en").slice(0, 2)] || constants.labels.en;
const note = element.querySelector("p");
let cameras; // how many; undefined where the browser does not tell
const count = async () => {
  const found = await navigator.mediaDevices?.enumerateDevices();
  cameras = found?.filter(({kind}) => kind === "videoinput").length;
};
count();
document.addEventListener("click", async (event) => {
  if (!event.target.closest?.("#live-camera button")) return;
  if (cameras === 0) event.stopPropagation();
  await count();
  const may = await navigator.permissions?.query({name: "camera"}).catch(() => null);
  if (cameras === undefined) note.textContent = words.live_insecure;
  else if (cameras === 0) note.textContent = words.live_none;
  else note.textContent = may?.state === "denied" ? words.live_denied : "";
}, true);
