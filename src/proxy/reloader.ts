/**
 * Reading the configuration again while the proxy runs: by SIGHUP, by the console, or because the file has changed. A
 * good one takes over between two datagrams; a bad one changes nothing, and every problem is told.
 */

import type { Config, FileReading } from "../config/config.ts";
import { excerptLines, type Problem, problemText } from "../config/problem.ts";
import type { Log } from "../log/log.ts";
import type { ConfigView } from "../observe/view.ts";
import { escapeControls } from "../text/escape.ts";
import { counted } from "../text/quantities.ts";
import { type ChangeSummary, isSummary, NOTHING, reloadedText, summaryFields } from "./changeSummary.ts";

/** What asked for it. */
export type ReloadCause = "signal" | "console" | "file";

export interface ReloaderParts {
  /** Its name. */
  readonly file: string;
  /** Reads the configuration again, without waiting. */
  readonly read: () => FileReading;
  /** Switches to a configuration: what that changed, or the problems with it. */
  readonly change: (next: Config) => Promise<ChangeSummary | readonly Problem[]>;
  readonly log: Log;
  /** Waits a little: those that ask meanwhile share the reload. */
  readonly pause: () => Promise<void>;
  /** Seconds since 1970. */
  readonly nowSeconds: () => number;
  /** Counts a reload, and shows what is in force. */
  readonly onResult: (result: "ok" | "failed", view: ConfigView) => void;
  readonly supervisor?: Supervisor | undefined;
}

/** Whoever wants to know when the process reloads: a service manager. */
export interface Supervisor {
  reloading(): void;
  /** It is as ready as before, whatever came of the reload. */
  ready(): void;
}

/** Problems that are told one by one. */
const PROBLEMS_MAX = 100;
/** Problems that are kept for whoever asks later, and how long each may be. */
const REASONS_MAX = 3;
const REASON_CHARS_MAX = 200;

export class Reloader {
  private readonly parts: ReloaderParts;
  private view: ConfigView;
  /** Of the text that was tried last, whatever came of it. */
  private triedHash: string;
  private last: Promise<unknown> = Promise.resolve();
  /** Those that have not begun, by cause. */
  private readonly waiting = new Map<ReloadCause, Promise<string>>();

  constructor(parts: ReloaderParts, view: ConfigView) {
    this.parts = parts;
    this.view = view;
    this.triedHash = view.hash;
  }

  /** Returns what to tell whoever asked for it. Never throws. One reload at a time: others wait. */
  async reload(cause: ReloadCause): Promise<string> {
    const waiting = this.waiting.get(cause) ?? this.queue(cause);
    this.waiting.set(cause, waiting);
    return await waiting;
  }

  /** One that all share who ask for it before it begins: a storm of them is a few. */
  private queue(cause: ReloadCause): Promise<string> {
    const result = this.last.then(async () => {
      await this.parts.pause();
      this.waiting.delete(cause);
      return await this.reloadNow(cause);
    });
    this.last = result.catch(() => {});
    return result;
  }

  private async reloadNow(cause: ReloadCause): Promise<string> {
    const { read, supervisor } = this.parts;
    const reading = read();
    // A file that was touched, or changed and changed back, is nobody's business.
    if (cause === "file" && reading.hash === this.triedHash && this.view.isLatest) return "";
    this.triedHash = reading.hash;
    supervisor?.reloading();
    try {
      return await this.apply(reading, cause);
    } finally {
      supervisor?.ready();
    }
  }

  private async apply(reading: FileReading, cause: ReloadCause): Promise<string> {
    const { file, change, log } = this.parts;
    const { config, errors, warnings, notes, hash } = reading;
    const isInForce = hash === this.view.hash;
    for (const problem of warnings.slice(0, PROBLEMS_MAX))
      log.warn("configuration", { file, warning: problemText(problem) });
    const result = isInForce ? NOTHING : config === undefined ? errors : await change(config).catch(bugOf);
    if (!isSummary(result)) return this.failed(cause, result);
    for (const note of notes) log.info("configuration", { file, note });
    log.info("reloaded", { cause, ...summaryFields(result), hash });
    this.done("ok", { hash, loadedAtSeconds: this.parts.nowSeconds(), isLatest: true });
    return `${reloadedText(result)}${warnings.map((problem) => `${file}: warning: ${problemText(problem)}\n`).join("")}`;
  }

  private failed(cause: ReloadCause, problems: readonly Problem[]): string {
    const { file, log } = this.parts;
    const more = problems.length - PROBLEMS_MAX;
    const told: readonly Problem[] = [
      ...problems.slice(0, PROBLEMS_MAX),
      ...(more > 0 ? [{ at: "", message: counted(more, "more problem") }] : []),
    ];
    for (const problem of told) log.error("reload_failed", { cause, file, reason: problemText(problem) });
    const lastFailure = { atSeconds: this.parts.nowSeconds(), cause, reasons: reasonsOf(problems) };
    this.done("failed", { ...this.view, isLatest: false, lastFailure });
    const lines = told.flatMap((problem) => [`${file}: ${problemText(problem)}`, ...excerptLines(problem)]);
    return `not reloaded: the configuration is as it was\n${lines.map((line) => `${line}\n`).join("")}`;
  }

  private done(result: "ok" | "failed", view: ConfigView): void {
    this.view = view;
    this.parts.onResult(result, view);
  }
}

function reasonsOf(problems: readonly Problem[]): string[] {
  const reasons = problems.slice(0, REASONS_MAX).map((problem) => {
    const text = problemText(problem);
    const isCut = text.length > REASON_CHARS_MAX;
    return escapeControls(text.slice(0, REASON_CHARS_MAX)) + (isCut ? "..." : "");
  });
  const more = problems.length - REASONS_MAX;
  return more > 0 ? [...reasons, `${more} more ${more === 1 ? "problem" : "problems"}`] : reasons;
}

/** A bug: what runs goes on. */
function bugOf(error: Error): readonly Problem[] {
  return [{ at: "", message: `internal error: ${error.message}` }];
}
