// Goes to the other page, or to this one anew, with a word for what was sent there.
(way) => {
  const there = new URL(way.site || (way.port ? location.origin : location.href));
  if (way.port) there.port = way.port;
  if (way.lang) chosen.keep("lang", way.lang);
  if (way.theme) chosen.keep("theme", way.theme);
  const taken = {lang: chosen.lang, theme: chosen.theme, from: way.token};
  for (const name in taken) if (taken[name]) there.searchParams.set(name, taken[name]);
  location.assign(there);
}
