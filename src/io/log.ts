/** Where events go: standard error, one line each, and no more of them than anybody reads. */
import { jsonLine, type LogFields, logfmt } from "../core/logfmt.ts";
import { LOG_LEVELS, type LogEvent, type LogLevel, LogLimit, WINDOW_MS } from "../core/logLimit.ts";

export interface Log {
  error(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  /** Said only in debug mode. */
  debug(event: string, fields?: LogFields): void;
  /** Says what was held back. */
  flush(): void;
}

export const LOG_FORMATS = { logfmt, json: jsonLine } as const;
export type LogFormat = keyof typeof LOG_FORMATS;

export interface LogParts {
  readonly format: LogFormat;
  /** Events of lower levels are not said. */
  readonly level: LogLevel;
  readonly write?: (line: string) => void;
}

// console, because process.stderr brings all of node:stream with it: 7 MB of resident memory (Bun 1.4.5).
export function openLog({ format, level, write = (line) => console.error(line) }: LogParts): Log {
  const limit = new LogLimit();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const say = ({ level, event, fields }: LogEvent) =>
    write(LOG_FORMATS[format]({ time: new Date().toISOString(), level, event, ...fields }));
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    for (const event of limit.flush(performance.now())) say(event);
  };
  const take = (event: LogEvent) => {
    if (limit.admits(event, performance.now())) say(event);
    else timer ??= setTimeout(flush, WINDOW_MS).unref();
  };
  const at = (of: LogLevel) =>
    LOG_LEVELS.indexOf(of) < LOG_LEVELS.indexOf(level)
      ? () => {}
      : (event: string, fields: LogFields = {}) => take({ level: of, event, fields });
  return { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug"), flush };
}
