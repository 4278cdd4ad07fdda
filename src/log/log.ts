/** The log as the proxy is given it: events with fields, by level. */
import type { LogFields } from "./logfmt.ts";

export interface Log {
  error(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  /** Said only in debug mode. */
  debug(event: string, fields?: LogFields): void;
  /** Says a line that is no event. */
  text(line: string): void;
  /** Says what was held back, and waits for at most so long until all is written. */
  flush(msMax: number): void;
  /** Lines that were left out because nobody read what was said before. */
  readonly linesLost: number;
}
