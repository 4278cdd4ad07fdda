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
      process.stderr.write(`${logfmt({ time: new Date().toISOString(), level, event, ...fields })}\n`);
    };
  return {
    error: write("error"),
    warn: write("warn"),
    info: write("info"),
    debug: debugMode ? write("debug") : () => {},
  };
}
