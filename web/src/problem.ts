/** What the user can cause: a key of the texts' section "web", and what fills its blanks. */
export class Problem {
  constructor(readonly key: string, readonly values: Record<string, string | number> = {}) {}
}

/** Anything thrown, as a problem; from the worker one comes without its class. */
export function problemOf(error: unknown, name = ""): Problem {
  const { key, values } = error as Problem;
  if (key) return new Problem(key, values);
  const memory = error instanceof RangeError || /memory|allocat/i.test(String(error));
  return new Problem(memory ? "error_memory" : "error_bug", { name, reason: String(error).slice(0, 200) });
}
