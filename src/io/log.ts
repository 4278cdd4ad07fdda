/** Where events go: standard error, one line each. */
import { type LogFields, logfmt } from "../core/logfmt.ts";

export interface Log {
  error(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  /** Said only in debug mode. */
  debug(event: string, fields?: LogFields): void;
}

export function standardErrorLog(debugMode: boolean): Log {
  const write =
    (level: string) =>
    (event: string, fields: LogFields = {}) => {
      // console, because process.stderr brings all of node:stream with it: 7 MB of resident memory (Bun 1.4.5).
      console.error(logfmt({ time: new Date().toISOString(), level, event, ...fields }));
    };
  return {
    error: write("error"),
    warn: write("warn"),
    info: write("info"),
    debug: debugMode ? write("debug") : () => {},
  };
}
