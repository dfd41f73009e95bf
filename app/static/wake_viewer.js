// Gradio's 3D viewer draws only when something moves, and its camera is set after the first
// drawing: a new viewpoint would show at the first touch only. A change of size makes it draw.
() => {
  let turns = 16;
  const timer = setInterval(() => {
    const box = document.querySelector("#viewer canvas")?.parentElement;
    if (box) box.style.paddingBottom = turns % 2 ? "1px" : "";
    if (--turns === 0) clearInterval(timer);
  }, 400);
}
