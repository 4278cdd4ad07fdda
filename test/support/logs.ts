/** A log that a test reads. */
import type { Log } from "../../src/log/log.ts";
import { type LogFields, logfmt } from "../../src/log/logfmt.ts";

/** Keeps its events as lines, `level=... event=... ...`. */
export class KeptLog implements Log {
  readonly lines: string[] = [];
  /** The same as they are, without the level. */
  readonly events: LogFields[] = [];
  readonly linesLost = 0;

  error(event: string, fields?: LogFields): void {
    this.keep("error", event, fields);
  }

  warn(event: string, fields?: LogFields): void {
    this.keep("warn", event, fields);
  }

  info(event: string, fields?: LogFields): void {
    this.keep("info", event, fields);
  }

  debug(): void {}

  text(line: string): void {
    this.lines.push(line);
  }

  flush(): void {}

  /** Those since the last call. */
  take(): string[] {
    return this.lines.splice(0);
  }

  private keep(level: string, event: string, fields: LogFields = {}): void {
    this.lines.push(logfmt({ level, event, ...fields }));
    this.events.push({ event, ...fields });
  }
}
