/** What is wrong with a configuration, or only odd. */

/** `at`: path of the value, as `nodes[1].port`; empty for the file as a whole. */
export interface Problem {
  readonly at: string;
  readonly message: string;
}

/** One line for a problem. */
export function problemText({ at, message }: Problem): string {
  return at === "" ? message : `${at}: ${message}`;
}
