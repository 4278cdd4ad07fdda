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

/** What shows its place, below it. */
export function excerptLines({ excerpt = [] }: Problem): string[] {
  return excerpt.map((line) => `  ${line}`.trimEnd());
}

/** Of a proxy that was started without a file. */
export const NO_FILE = "there is no configuration file to read: the proxy runs on its built-in example";
