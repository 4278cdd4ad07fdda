/** A mutant: a small change that breaks the code, and that a test must notice. */

export interface Mutant {
  readonly name: string;
  /** Relative to the root of the repository. */
  readonly file: string;
  /** Occurs exactly once in the file. Keep it short, and to code rather than comments, so that it seldom goes stale. */
  readonly find: string;
  readonly replace: string;
  /** Test files, relative to `test/`. One of them must fail. */
  readonly tests: readonly string[];
}

/** The file's text with the mutant applied. @throws Error if `find` does not occur exactly once */
export function mutated({ name, file, find, replace }: Mutant, text: string): string {
  const [before, after, ...more] = text.split(find);
  const places = after === undefined ? 0 : 1 + more.length;
  if (places !== 1) throw new Error(`${name}: ${JSON.stringify(find)} is ${places} times in ${file}, not once`);
  return before + replace + after;
}
