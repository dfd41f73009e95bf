// A photo that is pasted, or dropped beside every field for files, goes to the field for the photo:
// Streamlit takes files only where they are dropped on a field.
(() => {
  const give = (event, files) => {
    const field = document.querySelector(".st-key-photo_file input[type=file]");
    if (!field || !files?.length) return;
    event.preventDefault();
    const carried = new DataTransfer();
    carried.items.add(files[0]);
    field.files = carried.files;
    field.dispatchEvent(new Event("change", {bubbles: true}));
  };
  document.addEventListener("paste", (event) => give(event, event.clipboardData?.files));
  document.addEventListener("drop", (event) => {
    if (event.target.closest?.("[data-testid=stFileUploaderDropzone]")) return;
    give(event, event.dataTransfer?.files);
  });
  document.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
})();
