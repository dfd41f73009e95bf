// A visitor who comes from the explorer has the word for what it sent in the address; it counts once.
(_, ...settings) => {
  const asked = new URL(location.href), token = asked.searchParams.get("from");
  asked.searchParams.delete("from");
  if (token) history.replaceState(null, "", asked);
  return [token, ...settings];
}
