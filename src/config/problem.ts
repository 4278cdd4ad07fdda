/** Problems of a configuration: errors and oddities. */

/** `at`: path of the value, such as `nodes[1].port`; empty for the file as a whole. */
export interface Problem {
  readonly at: string;
  readonly message: string;
}

/** A problem as one line. */
export function problemText({ at, message }: Problem): string {
  return at === "" ? message : `${at}: ${message}`;
}
