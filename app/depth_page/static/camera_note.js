// Where there is no camera, Gradio's own button does nothing: this says why.
const words = constants.labels[(navigator.language || "en").slice(0, 2)] || constants.labels.en;
const note = element.querySelector("p");
document.addEventListener("click", async (event) => {
  if (!event.target.closest?.("#live-camera button")) return;
  const found = await navigator.mediaDevices?.enumerateDevices();
  const has = found?.some((device) => device.kind === "videoinput");
  const may = await navigator.permissions?.query({name: "camera"}).catch(() => null);
  if (!found) note.textContent = words.live_insecure;
  else if (!has) note.textContent = words.live_none;
  else note.textContent = may?.state === "denied" ? words.live_denied : "";
}, true);
