/** The name of the configuration file: as it is given, and as it is told. */

export const DEFAULT_FILE = "/etc/statsdproxy.json";
export const STANDARD_INPUT = "/dev/stdin";

/** What is read for a file as it is named on the command line: `-` is standard input. */
export function fileNamed(name: string): string {
  return name === "-" ? STANDARD_INPUT : name;
}

/** What a file is called, for people. */
export function shownFile(file: string): string {
  return file === STANDARD_INPUT ? "standard input" : file;
}
