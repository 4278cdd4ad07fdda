/** The proxy as a process: its log, its signals, and its end. */

import { DEFAULT_FILE, readAgain, readFrom } from "../config/file.io.ts";
import { problemText } from "../config/problem.ts";
import { watchFile } from "../config/watchFile.io.ts";
import { bunPlatform } from "../engine/bunPlatform.io.ts";
import { type LogFormat, openLog } from "../log/log.io.ts";
import type { Log } from "../log/log.ts";
import type { LogLevel } from "../log/logLimit.ts";
import { StatsdProxy } from "../proxy/proxy.ts";
import { Demo } from "./demo.io.ts";

/** The longest that the end waits until the log is read, and that of a start which fails. */
const END_MS_MAX = 100;
const FAILED_START_MS_MAX = 1000;

export interface ServeOptions {
  readonly file?: string | undefined;
  /** The configuration; undefined: it is in the file. */
  readonly text: string | undefined;
  readonly isDebug: boolean;
  /** With backends and metrics of its own. */
  readonly isDemo: boolean;
  /** Reads the file again when it changes. */
  readonly isWatching: boolean;
  readonly log: LogFormat;
  readonly logLevel: LogLevel;
}

/** Runs a proxy until a signal ends it. If it cannot, that is told, and the process is to exit with 1. */
export async function serve({ file, text, isDebug, isDemo, isWatching, ...options }: ServeOptions): Promise<void> {
  const level = isDebug ? "debug" : options.logLevel;
  const log = openLog({ format: options.log, level });
  // However it ends, with an exception for one.
  process.on("exit", () => log.flush(END_MS_MAX));
  // Reading keeps the event loop waiting, and what is said meanwhile is to be seen meanwhile.
  const read = readFrom(file, text, (line) => {
    log.text(line);
    log.flush(0);
  });
  if (read === undefined) {
    fail(log);
    return;
  }
  const { config, notes, hash } = read;
  for (const note of notes) log.info("configuration", { note });

  const demo = isDemo ? new Demo(config) : undefined;
  let proxy: StatsdProxy | undefined;
  stopOnSignals(log, async () => {
    await proxy?.stop();
    demo?.close();
  });
  const problems = (await demo?.open()) ?? [];
  const started =
    problems.length > 0
      ? problems
      : await StatsdProxy.start(config, {
          ...{ platform: bunPlatform, log, debugMode: level === "debug" },
          file: text === undefined ? { hash, read: () => readAgain(file) } : undefined,
        });
  if (!(started instanceof StatsdProxy)) {
    for (const problem of started) log.text(problemText(problem));
    demo?.close();
    fail(log);
    return;
  }
  proxy = started;
  // Whatever a timer or a handler throws is counted and logged; the metrics go on.
  process.on("uncaughtException", (error) => started.failed(error));
  process.on("unhandledRejection", (reason) => started.failed(reason as Error));
  process.on("SIGHUP", () => void started.reload("signal"));
  if (isWatching && text === undefined) watchFile(file ?? DEFAULT_FILE, () => void started.reload("file"));
  await demo?.begin(started);
}

/** To be called before anything says that it listens: from then on somebody may end it. */
function stopOnSignals(log: Log, stop: () => Promise<void>): void {
  let isStopping = false;
  const end = async (signal: string) => {
    // A terminal's Ctrl-C may come twice: from it, and from the program that runs this one.
    if (isStopping) return;
    isStopping = true;
    log.info("stopping", { signal });
    try {
      await stop();
    } catch (error) {
      log.error("internal_error", { reason: String((error as Error).message) });
    }
    process.exit(0);
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  // Until it runs there is nothing to reload, and no reason to end.
  process.on("SIGHUP", () => {});
}

/** Nothing runs that could be held up, so whoever reads slowly has time to read why. */
function fail(log: Log): void {
  log.flush(FAILED_START_MS_MAX);
  process.exitCode = 1;
}
