// Gradio's 3D viewer draws only when something moves, and its camera is set after the first
// drawing: a new viewpoint would show at the first touch only. A change of size makes it draw. A slow
// machine takes a minute to load a scene.
() => {
  [700, 1500, 3000, 6000, 10000, 18000, 30000, 60000].forEach((wait, turn) => setTimeout(() => {
    const box = document.querySelector("#viewer canvas")?.parentElement;
    if (box) box.style.height = `${box.clientHeight + (turn % 2 ? 1 : -1)}px`;
  }, wait));
}
