/** The proxy as a process: its log, its signals, and its exit. */

import { comesOnce, NO_SECOND_TIME } from "../config/boundedFile.io.ts";
import { type FileOptions, type FileReport, readAgain, readFrom, WAITING } from "../config/file.io.ts";
import { DEFAULT_FILE, shownFile } from "../config/fileName.ts";
import { type Problem, problemText } from "../config/problem.ts";
import { type WatchEvents, watchFile } from "../config/watchFile.io.ts";
import { bunPlatform } from "../engine/bunPlatform.io.ts";
import { openLog } from "../log/log.io.ts";
import type { Log } from "../log/log.ts";
import type { LogFormat } from "../log/logfmt.ts";
import type { LogLevel } from "../log/logLimit.ts";
import { StatsdProxy } from "../proxy/proxy.ts";
import { Notifier } from "../system/notify.io.ts";
import { releaseStartPages } from "../system/startPages.io.ts";
import { Demo } from "./demo.io.ts";
import { terminalOfStart } from "./terminal.io.ts";

/** The longest that an exit waits for the log to be read, and that a failed start does. */
const END_MS_MAX = 100;
const FAILED_START_MS_MAX = 1000;
/**
 * How many times later than usual the runtime compiles what runs often, from here on; what the start runs is hardly ever
 * worth it (scripts/build.ts). What runs once a turn, fifty times a second, is compiled for a minute if it is compiled as
 * usual, in several stages. A tenth less CPU in the first ten seconds of W1, and from then on to the end of the minute.
 */
const JIT_POLICY = 4;
/** After this, a start is over. */
const START_MS = 2000;

export interface ServeOptions {
  readonly file?: string | undefined;
  /** The text of the configuration; undefined: read the file. */
  readonly text: string | undefined;
  readonly isDebug: boolean;
  /** Run with demo backends and sample metrics. */
  readonly isDemo: boolean;
  /** Warnings about the file are errors, at the start and at every reload. */
  readonly isStrict: boolean;
  /** Reads the file again when it changes. */
  readonly isWatching: boolean;
  readonly log: LogFormat;
  readonly logLevel: LogLevel;
}

/** Runs a proxy until a signal stops it. If it cannot, it reports why, and the process will exit with 1. */
export async function serve({ text, isDebug, isDemo, isWatching, ...options }: ServeOptions): Promise<void> {
  const level = isDebug ? "debug" : options.logLevel;
  const log = openLog({ format: options.log, level });
  // However the process ends, including by an exception.
  process.on("exit", () => log.flush(END_MS_MAX));
  const { file = DEFAULT_FILE, isStrict } = options;
  const named = text === undefined ? { file: shownFile(file) } : {};
  const report = reportOf(log, named);
  if (isWatching && text === undefined && comesOnce(file)) {
    report.error({ at: "", message: `${NO_SECOND_TIME} (--watch)` });
    fail(log);
    return;
  }
  const read = readFrom({ file, isStrict, text }, report);
  if (read === undefined) {
    fail(log);
    return;
  }
  const { config, notes, hash } = read;
  for (const note of notes) log.info("configuration", { ...named, note });

  const demo = isDemo ? new Demo(config) : undefined;
  let proxy: StatsdProxy | undefined;
  let isReloadDue = false;
  const notifier = new Notifier(process.env);
  onSignals(log, {
    stop: async () => {
      notifier.stopping();
      await proxy?.stop();
      demo?.close();
    },
    // Until the proxy runs there is nothing to reload, and no reason to exit: it is done then.
    reload: () => {
      isReloadDue = proxy === undefined;
      void proxy?.reload("signal");
    },
  });
  const problems = (await demo?.open()) ?? [];
  const started =
    problems.length > 0
      ? problems
      : await StatsdProxy.start(config, {
          ...{ platform: bunPlatform, log, debugMode: level === "debug" },
          file:
            text === undefined ? { name: shownFile(file), hash, read: () => readAgain({ file, isStrict }) } : undefined,
          supervisor: notifier,
        });
  if (!(started instanceof StatsdProxy)) {
    for (const problem of started) report.error(problem);
    demo?.close();
    fail(log);
    return;
  }
  proxy = started;
  Bun.unsafe.setJITPolicy(JIT_POLICY);
  // Whatever a timer or handler throws is counted and logged; the metrics keep flowing.
  process.on("uncaughtException", (error) => started.failed(error));
  process.on("unhandledRejection", (reason) => started.failed(reason as Error));
  if (isWatching && text === undefined) watchFile(file, watchEventsOf(started, { file, isStrict }));
  notifier.begin(() => started.status);
  setTimeout(releaseStartPages, START_MS);
  if (isReloadDue) void started.reload("signal");
  await demo?.begin(started);
}

/** Reading blocks the event loop, and messages should be visible meanwhile. */
function reportOf(log: Log, named: { readonly file?: string }): FileReport {
  const visibly = (tell: () => void) => {
    tell();
    log.flush(0);
  };
  return {
    error: (problem: Problem) => visibly(() => log.error("start_failed", { ...named, reason: problemText(problem) })),
    warning: (problem: Problem) =>
      visibly(() => log.warn("configuration", { ...named, warning: problemText(problem) })),
    waiting: () => visibly(() => log.info("configuration", { ...named, note: WAITING })),
  };
}

function watchEventsOf(proxy: StatsdProxy, options: FileOptions): WatchEvents {
  const reload = () => void proxy.reload("file");
  return {
    onChange: reload,
    // What kept a good file from taking over may have passed: a port that was taken, a name that did not resolve.
    onRest: () => {
      if (!proxy.view().configuration.isLatest && readAgain(options).config !== undefined) reload();
    },
  };
}

/** Call this before anything announces that it listens: from then on, signals may come. */
function onSignals(log: Log, { stop, reload }: { stop: () => Promise<void>; reload: () => void }): void {
  const terminal = terminalOfStart();
  let isStopping = false;
  const end = async (signal: string) => {
    // A terminal's Ctrl-C may arrive twice: from the terminal, and from the program that runs this one.
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
  // A terminal that closes sends it, too.
  process.on("SIGHUP", (signal) => (terminal.isGone() ? void end(signal) : reload()));
}

/** Nothing is running that could be delayed, so a slow reader gets time to read the reason. */
function fail(log: Log): void {
  log.flush(FAILED_START_MS_MAX);
  process.exitCode = 1;
}
