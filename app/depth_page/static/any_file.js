// What is a photo is decided by the server, from its content. The photo's box would decide by the
// type that the browser gives a file for its name, and many good ones get none: IMG_1.HEIC, a.jfif,
// a name without an ending. So whatever is chosen or dropped there goes in as some picture.
() => {
  const isPicture = (file) => file.type.startsWith("image/");
  const asPictures = (files) => {
    const carried = new DataTransfer();
    for (const file of files)
      carried.items.add(isPicture(file) ? file : new File([file], file.name, {type: "image/any"}));
    return carried;
  };
  const inBox = (node) => node instanceof Element && node.closest("#photo") !== null;
  const chooser = (node) => inBox(node) && node.matches("input[type=file]");
  document.addEventListener("click", (event) => {
    if (chooser(event.target)) event.target.removeAttribute("accept"); // what the dialog offers
  }, true);
  document.addEventListener("change", (event) => {
    if (chooser(event.target)) event.target.files = asPictures(event.target.files).files;
  }, true);
  document.addEventListener("drop", (event) => {
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!inBox(event.target) || files.every(isPicture)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const dataTransfer = asPictures(files);
    const options = {dataTransfer, bubbles: true, cancelable: true};
    event.target.dispatchEvent(new DragEvent("drop", options));
  }, true);
}
