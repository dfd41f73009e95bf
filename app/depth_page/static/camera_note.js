// Where there is no camera, Gradio's own button does nothing: this says so.
const words = constants.labels[(navigator.language || "en").slice(0, 2)] || constants.labels.en;
const note = element.querySelector("p");
document.addEventListener("click", async (event) => {
  if (!event.target.closest?.("#live-camera button")) return;
  const found = await navigator.mediaDevices?.enumerateDevices();
  const has = found?.some((device) => device.kind === "videoinput");
  note.textContent = has ? "" : found ? words.camera_none : words.camera_insecure;
}, true);
