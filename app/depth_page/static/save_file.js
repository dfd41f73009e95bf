// Saves a file of the server as a click on its link would.
(files) => {
  const file = Array.isArray(files) ? files[0] : files;
  if (!file) return;
  const link = document.createElement("a");
  link.href = file.url;
  link.download = file.orig_name;
  link.click();
}
