/** The real log: one line per event on standard error, rate-limited, and never waiting for a reader. */

import { Flapping } from "./flapping.ts";
import { type LineWriter, openLineWriter } from "./lineWriter.io.ts";
import type { Log } from "./log.ts";
import { LOG_FORMATS, type LogFields, type LogFormat } from "./logfmt.ts";
import { LOG_LEVELS, type LogEvent, type LogLevel, LogLimit, WINDOW_MS } from "./logLimit.ts";

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
  const flapping = new Flapping();
  const limit = new LogLimit();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const write = (event: LogEvent) => writer.write(lineOf(event));
  const flushLater = () => {
    timer ??= setTimeout(() => flushHeldBack(performance.now()), WINDOW_MS).unref();
  };
  const take = (event: LogEvent) => {
    if (!isShown(event.level)) return;
    if (limit.admits(event, performance.now())) write(event);
    else flushLater();
  };
  const flushHeldBack = (flapsUntilMs: number) => {
    clearTimeout(timer);
    timer = undefined;
    for (const event of flapping.due(flapsUntilMs)) take(event);
    for (const event of limit.flush(performance.now())) write(event);
    if (flapping.isActive) flushLater();
  };
  const isShown = (of: LogLevel) => LOG_LEVELS.indexOf(of) >= LOG_LEVELS.indexOf(level);
  const at = (of: LogLevel) =>
    of === "debug" && !isShown(of)
      ? () => {}
      : (event: string, fields: LogFields = {}) => {
          // What is not shown counts, too: a node cannot come back twice.
          const told = flapping.take({ level: of, event, fields }, performance.now());
          if (told !== undefined) take(told);
          if (flapping.isActive) flushLater();
        };
  return {
    error: at("error"),
    warn: at("warn"),
    info: at("info"),
    debug: at("debug"),
    text: (line) => writer.write(line),
    flush: (msMax) => {
      flushHeldBack(Number.POSITIVE_INFINITY);
      writer.flush(msMax);
    },
    get linesLost() {
      return writer.linesLost;
    },
  };
}
