/** Problems of a configuration: errors and oddities. */

/** `at`: path of the value, such as `nodes[1].port`; empty for the file as a whole. */
export interface Problem {
  readonly at: string;
  readonly message: string;
  /** Lines of the file that show the place, for a reader who sees them below the message. */
  readonly excerpt?: readonly string[];
}

/** A problem as one line. */
export function problemText({ at, message }: Problem): string {
  return at === "" ? message : `${at}: ${message}`;
}

/** The same with the place below it, where there is one. */
export function problemLines(problem: Problem): string[] {
  return [problemText(problem), ...(problem.excerpt ?? []).map((line) => `  ${line}`.trimEnd())];
}
