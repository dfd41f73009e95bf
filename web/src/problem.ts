/** Something that the user can cause: a key of the texts' section "web", and what fills its blanks. */
export class Problem extends Error {
  constructor(
    readonly key: string,
    readonly values: Record<string, string | number> = {},
  ) {
    super(key);
  }
}
