// An upload that failed and that the browser cannot draw either leaves the photo's box, so that no
// empty picture stands there. TIFF and HEIC stay: what browsers do not draw may be a good photo
// whose settings were wrong.
async (photo) => {
  const keep = {__type__: "update"};
  const picture = document.querySelector("#photo img");
  const name = (photo?.orig_name ?? photo?.path ?? "").toLowerCase();
  if (!picture || /\.(tiff?|hei[cf])$/.test(name)) return keep;
  try {
    await picture.decode();
    return keep;
  } catch {
    return null;
  }
}
