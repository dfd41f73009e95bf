// Words that Gradio says in English only are replaced wherever they appear, and the names inside the
// program that it shows over boxes to tick are taken away: the label beside each says what it is.
const table = Object.entries(constants.words[(navigator.language || "en").slice(0, 2)] ?? {});
const ours = (text) => {
  for (const [theirs, words] of table) {
    if (text?.trim() === theirs) return words;
    if (theirs.endsWith(" ") && text?.startsWith(theirs)) return words + text.slice(theirs.length);
  }
};
const rename = (root) => {
  const all = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = root; node; node = all.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) {
      node.data = ours(node.data) ?? node.data;
      continue;
    }
    if (node.matches("label > input[title]")) node.removeAttribute("title");
    for (const name of ["aria-label", "title"]) {
      const words = ours(node.getAttribute(name));
      if (words) node.setAttribute(name, words);
    }
  }
};
const renaming = new MutationObserver((changes) => {
  for (const change of changes) for (const node of change.addedNodes) if (node.nodeType < 4) rename(node);
});
renaming.observe(document.body, {childList: true, subtree: true});
rename(document.body);
