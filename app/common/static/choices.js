// The language and the theme that a reader chose. Both pages keep them in cookies, which all ports of
// a host share; the ways between the pages carry them in the address too, for pages on two hosts.
const chosen = (() => {
  const known = {lang: /^(en|zh)$/, theme: /^(light|dark)$/};
  const address = new URL(location.href), asked = address.searchParams;
  const kept = (choice) => document.cookie.match(`(?:^|; )lapdepth_${choice}=(\\w+)`)?.[1];
  const value = (choice) => [asked.get(choice), kept(choice)].find((each) => known[choice].test(each));
  return {
    lang: value("lang"),
    theme: value("theme"),
    asked,
    keep(choice, value) {
      this[choice] = value;
      document.cookie = `lapdepth_${choice}=${value}; path=/; max-age=31536000; samesite=lax`;
    },
    rename() { history.replaceState(history.state, "", address); },
  };
})();
