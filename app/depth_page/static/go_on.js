// Goes to the explorer, which asks its server for what this page has sent.
(way) => {
  const there = new URL(way.site || location.origin);
  if (way.port) there.port = way.port;
  there.searchParams.set("lang", way.lang);
  if (way.token) there.searchParams.set("from", way.token);
  location.assign(there);
}
