/** The real log: one line per event on standard error, rate-limited, and never waiting for a reader. */

import { type LineWriter, openLineWriter } from "./lineWriter.io.ts";
import type { Log } from "./log.ts";
import { jsonLine, type LogFields, logfmt } from "./logfmt.ts";
import { LOG_LEVELS, type LogEvent, type LogLevel, LogLimit, WINDOW_MS } from "./logLimit.ts";

export const LOG_FORMATS = { logfmt, json: jsonLine } as const;
export type LogFormat = keyof typeof LOG_FORMATS;

export interface LogParts {
  readonly format: LogFormat;
  /** The lowest level to log. */
  readonly level: LogLevel;
  readonly writer?: LineWriter;
}

export function openLog({ format, level, ...parts }: LogParts): Log {
  const lineOf = ({ level, event, fields }: LogEvent) =>
    LOG_FORMATS[format]({ time: new Date().toISOString(), level, event, ...fields });
  // This matters as much as the lines that were lost, so it passes the same level.
  const lostLevel = level === "error" ? "error" : "warn";
  const writer =
    parts.writer ?? openLineWriter(2, (lines) => lineOf({ level: lostLevel, event: "log_lost", fields: { lines } }));
  const limit = new LogLimit();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const write = (event: LogEvent) => writer.write(lineOf(event));
  const flushHeldBack = () => {
    clearTimeout(timer);
    timer = undefined;
    for (const event of limit.flush(performance.now())) write(event);
  };
  const take = (event: LogEvent) => {
    if (limit.admits(event, performance.now())) write(event);
    else timer ??= setTimeout(flushHeldBack, WINDOW_MS).unref();
  };
  const at = (of: LogLevel) =>
    LOG_LEVELS.indexOf(of) < LOG_LEVELS.indexOf(level)
      ? () => {}
      : (event: string, fields: LogFields = {}) => take({ level: of, event, fields });
  return {
    error: at("error"),
    warn: at("warn"),
    info: at("info"),
    debug: at("debug"),
    text: (line) => writer.write(line),
    flush: (msMax) => {
      flushHeldBack();
      writer.flush(msMax);
    },
    get linesLost() {
      return writer.linesLost;
    },
  };
}
