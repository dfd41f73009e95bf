// What Python gives for the same inputs: tests/web/reference.py, through the pytest that runs this.
import { readFileSync } from "node:fs";

const path = process.env.LAPDEPTH_REFERENCE;

export const reference = (path ? JSON.parse(readFileSync(path, "utf8")) : null) as Record<string, never> | null;

/** The largest absolute difference; infinite where the lengths differ. */
export function apart(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (got.length !== wanted.length) return Infinity;
  let most = 0;
  for (let k = 0; k < got.length; k++) most = Math.max(most, Math.abs(got[k] - wanted[k]));
  return most;
}
