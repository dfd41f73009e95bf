// Gradio's 3D viewer draws only when something moves, and sets its camera after the first drawing: a
// view from afar would stay until the first touch. From the arrival of a scene on, changes of size
// make it draw, and the picture is hidden until several of them have passed (`studio.css`). They
// become rarer, since a slow machine takes a minute to load a scene, and there each delays the next.
() => {
  let waiting;
  const place = (placing) => document.body.classList.toggle("placing", placing);
  const wake = (wait, turn) => {
    waiting = setTimeout(() => {
      const box = document.querySelector("#viewer canvas")?.parentElement;
      if (box?.clientHeight) box.style.height = `${box.clientHeight + turn}px`;
      if (wait > 600) setTimeout(place, 150, false);
      if (wait < 30000) wake(1.5 * wait, -turn);
    }, wait);
  };
  new PerformanceObserver((list) => {
    if (!list.getEntries().some(({ name }) => name.endsWith("/scene.glb"))) return;
    clearTimeout(waiting);
    place(true);
    wake(300, 1);
  }).observe({ type: "resource" });
}
