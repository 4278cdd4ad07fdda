/** The name of the configuration file: as it is given, and as it is told. */

export const DEFAULT_FILE = "/etc/statsdproxy.json";
export const STANDARD_INPUT = "/dev/stdin";

/** What a file is called, for people. */
export function shownFile(file: string): string {
  return file === STANDARD_INPUT ? "standard input" : file;
}
