/** The log as the proxy sees it: events with fields, by level. */
import type { LogFields } from "./logfmt.ts";

export interface Log {
  error(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  /** Logged only in debug mode. */
  debug(event: string, fields?: LogFields): void;
  /** Logs a line that is not an event. */
  text(line: string): void;
  /** Logs what was held back, and waits until everything is written, but no longer than this. */
  flush(msMax: number): void;
  /** Lines dropped because nobody read the log. */
  readonly linesLost: number;
}
