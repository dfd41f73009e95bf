// A photo drawn anew takes its 3D view away: where that is on the screen, it is built again.
(built) => {
  if (!built && document.querySelector("#viewer")?.offsetParent) document.querySelector("#build-3d").click();
}
