/** Where events go: standard error, one line each, no more of them than anybody reads, and none that waits to be read. */

import { type LineWriter, openLineWriter } from "./lineWriter.io.ts";
import type { Log } from "./log.ts";
import { jsonLine, type LogFields, logfmt } from "./logfmt.ts";
import { LOG_LEVELS, type LogEvent, type LogLevel, LogLimit, WINDOW_MS } from "./logLimit.ts";

export const LOG_FORMATS = { logfmt, json: jsonLine } as const;
export type LogFormat = keyof typeof LOG_FORMATS;

export interface LogParts {
  readonly format: LogFormat;
  /** Events of lower levels are not said. */
  readonly level: LogLevel;
  readonly writer?: LineWriter;
}

export function openLog({ format, level, ...parts }: LogParts): Log {
  const lineOf = ({ level, event, fields }: LogEvent) =>
    LOG_FORMATS[format]({ time: new Date().toISOString(), level, event, ...fields });
  // Of whatever level, only what is said can be lost: so that is said, too.
  const lostLevel = level === "error" ? "error" : "warn";
  const writer =
    parts.writer ?? openLineWriter(2, (lines) => lineOf({ level: lostLevel, event: "log_lost", fields: { lines } }));
  const limit = new LogLimit();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const say = (event: LogEvent) => writer.write(lineOf(event));
  const sayHeldBack = () => {
    clearTimeout(timer);
    timer = undefined;
    for (const event of limit.flush(performance.now())) say(event);
  };
  const take = (event: LogEvent) => {
    if (limit.admits(event, performance.now())) say(event);
    else timer ??= setTimeout(sayHeldBack, WINDOW_MS).unref();
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
      sayHeldBack();
      writer.flush(msMax);
    },
    get linesLost() {
      return writer.linesLost;
    },
  };
}
