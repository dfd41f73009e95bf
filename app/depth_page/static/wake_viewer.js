// Gradio's 3D viewer draws only when something moves, and sets its camera after the first drawing: a
// view from afar would stay until the first touch. Changes of size make it draw; they become rarer,
// since a slow machine takes a minute to load a scene, and there each delays the next. From a scene's
// arrival until it has been drawn a few times the viewer is hidden (`studio.css`), or for 10 s.
() => {
  const MANY = 1000; // corners that only a scene has
  const CALLS = { // which argument of a call is how many corners it draws
    WebGL2RenderingContext: {drawElements: 1, drawArrays: 2},
    GPURenderPassEncoder: {drawIndexed: 0, draw: 0},
    GPURenderBundleEncoder: {drawIndexed: 0, draw: 0},
  };
  let waiting, awaited = false;
  const place = (placing) => document.body.classList.toggle("placing", placing);
  const wake = (wait, hidden, turn = 1) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const box = document.querySelector("#viewer canvas")?.parentElement;
      if (box?.clientHeight) box.style.height = `${box.clientHeight + turn}px`;
      if (wait > hidden) place(false);
      if (wait < 30000) wake(1.5 * wait, hidden, -turn);
    }, wait);
  };
  for (const [owner, calls] of Object.entries(CALLS)) {
    for (const [name, at] of Object.entries(calls)) {
      const methods = window[owner]?.prototype, draw = methods?.[name];
      if (draw) methods[name] = function (...given) {
        if (awaited && given[at] > MANY) { awaited = false; wake(100, 200); }
        return draw.apply(this, given);
      };
    }
  }
  new PerformanceObserver((list) => {
    if (!list.getEntries().some(({name}) => name.endsWith("/scene.glb"))) return;
    place(awaited = true);
    wake(500, 3500);
  }).observe({type: "resource"});
}
