/** Reads the configuration file, for every command. */

import { counted } from "../text/quantities.ts";
import { NO_SECOND_TIME, readBounded } from "./boundedFile.io.ts";
import { type Config, type FileReading, hashOf, readConfig, strictly } from "./config.ts";
import { DEFAULT_FILE, shownFile } from "./fileName.ts";
import { excerptLines, type Problem, problemText } from "./problem.ts";

/** Enough for a file with the largest possible number of nodes. */
const FILE_BYTES_MAX = 16 * 2 ** 20;
/** How long a pipe may stay silent, and when to mention it. */
const SILENCE_MS = 10_000;
const REPORT_AFTER_MS = 1000;
/** What is told when a pipe is silent. */
export const WAITING = "waiting for the configuration to be written to this pipe";
/** Limit for the lines of errors, and of warnings. */
const LINES_MAX = 100;

/** What the command line says of a file. */
export interface FileOptions {
  /** Absent: the default one. */
  readonly file?: string | undefined;
  /** Warnings are errors. */
  readonly isStrict?: boolean | undefined;
}

/** Takes what is to be told of a file. */
export interface FileReport {
  /** It cannot be used. */
  error(problem: Problem): void;
  warning(problem: Problem): void;
  /** A pipe that is silent: reading goes on. */
  waiting(): void;
}

export interface ReadFile {
  readonly config: Config;
  /** What an operator should know about how the file was read; nothing is wrong with it. */
  readonly notes: readonly string[];
  readonly hash: string;
}

/** Returns the configuration in the file, or in `text` if given; or undefined, after reporting each problem. */
export function readFrom(
  { file = DEFAULT_FILE, isStrict, text }: FileOptions & { readonly text?: string | undefined },
  report = reportOnStandardError(file),
): ReadFile | undefined {
  const read = () => text ?? textOf(file, () => report.waiting());
  const { config, errors, warnings, notes, hash } = readingBy(read, REASONS, isStrict);
  for (const problem of firstOf(warnings)) report.warning(problem);
  for (const problem of firstOf(errors)) report.error(problem);
  return config && { config, notes, hash };
}

/** Reads the file again, without waiting: a pipe has nothing more to say. Problems are in the result. */
export function readAgain({ file = DEFAULT_FILE, isStrict }: FileOptions): FileReading {
  const read = () => readBounded(file, { bytesMax: FILE_BYTES_MAX, waiting: undefined });
  return readingBy(read, REASONS_AGAIN, isStrict);
}

/** Like `readFrom`, for commands that do not run a proxy. */
export function configFrom(file?: string): Config | undefined {
  return readFrom({ file })?.config;
}

function readingBy(read: () => string, reasons: Readonly<Record<string, string>>, isStrict = false): FileReading {
  try {
    const text = read();
    const reading = readConfig(text);
    return { ...(isStrict ? strictly(reading) : reading), hash: hashOf(text) };
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    return { errors: [{ at: "", message: reasons[code] ?? message }], warnings: [], notes: [], hash: "" };
  }
}

function textOf(file: string, onWait: () => void): string {
  const waiting = { silenceMs: SILENCE_MS, reportAfterMs: REPORT_AFTER_MS, onWait };
  return readBounded(file, { bytesMax: FILE_BYTES_MAX, waiting });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file (-f names another; --demo needs none)",
  EACCES: "permission denied: this user may not read it (EACCES)",
  ENXIO: "cannot be opened: give it as a file or through a pipe (ENXIO)",
};
/** Of a proxy that runs. */
const REASONS_AGAIN: Readonly<Record<string, string>> = {
  ENOENT: "there is no configuration file any more",
  ENXIO: NO_SECOND_TIME,
};

function firstOf(problems: readonly Problem[]): readonly Problem[] {
  const more = problems.length - LINES_MAX;
  if (more <= 0) return problems;
  return [...problems.slice(0, LINES_MAX), { at: "", message: counted(more, "more problem") }];
}

/** Lines that wait for their reader, which is fine for commands that do nothing else. */
export function reportOnStandardError(file = DEFAULT_FILE): FileReport {
  const shown = shownFile(file);
  const tell = (lines: readonly string[]) => console.error(lines.join("\n"));
  return {
    error: (problem) => tell([`${shown}: ${problemText(problem)}`, ...excerptLines(problem)]),
    warning: (problem) => tell([`${shown}: warning: ${problemText(problem)}`]),
    waiting: () => tell([`${shown}: ${WAITING}`]),
  };
}
