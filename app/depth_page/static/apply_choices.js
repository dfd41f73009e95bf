// Before Gradio's scripts run: they take the language from the browser and the theme from the address.
if (chosen.lang) {
  if (chosen.asked.has("lang")) chosen.keep("lang", chosen.lang);
  const first = chosen.lang === "zh" ? "zh-CN" : "en";
  Object.defineProperty(navigator, "language", {get: () => first});
  Object.defineProperty(navigator, "languages", {get: () => [first]});
}
document.documentElement.lang = navigator.language;
if (chosen.theme) {
  if (chosen.asked.has("theme")) chosen.keep("theme", chosen.theme);
  chosen.asked.set("__theme", chosen.theme);
}
chosen.asked.delete("lang");
chosen.asked.delete("theme");
chosen.rename();
