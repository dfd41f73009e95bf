// Gradio's 3D viewer draws only when something moves, and its camera is set after the first
// drawing: a new viewpoint would show at the first touch only. A change of size makes it draw. A slow
// machine takes a minute to load a scene; there, each drawing delays the next.
() => {
  clearTimeout(window.wakingViewer);
  const wake = (wait, turn) => {
    window.wakingViewer = setTimeout(() => {
      const box = document.querySelector("#viewer canvas")?.parentElement;
      if (box?.clientHeight) box.style.height = `${box.clientHeight + turn}px`;
      if (wait < 30000) wake(1.6 * wait, -turn);
    }, wait);
  };
  wake(700, 1);
}
