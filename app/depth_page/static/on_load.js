// The theme in the address has done its work (`choices.js`). And Gradio opens the list of a field again
// at the Tab key, which leaves the field: it is not told.
() => {
  chosen.asked.delete("__theme");
  chosen.rename();
  document.addEventListener("keydown", (event) => {
    if (event.key === "Tab" && event.target.matches?.("[role=combobox]")) event.stopPropagation();
  }, true);
}
