/** Reads the configuration file, for every command. */

import { NO_SECOND_TIME, readBounded } from "./boundedFile.io.ts";
import { type Config, type FileReading, hashOf, readConfig } from "./config.ts";
import { type Problem, problemText } from "./problem.ts";

export const DEFAULT_FILE = "/etc/statsdproxy.json";

/** Enough for a file with the largest possible number of nodes. */
const FILE_BYTES_MAX = 16 * 2 ** 20;
/** How long a pipe may stay silent, and when to mention it. */
const SILENCE_MS = 10_000;
const REPORT_AFTER_MS = 1000;
/** Limit for the lines of errors, and of warnings. */
const LINES_MAX = 100;

type Report = (line: string) => void;

export interface ReadFile {
  readonly config: Config;
  /** What an operator should know about how the file was read; nothing is wrong with it. */
  readonly notes: readonly string[];
  readonly hash: string;
}

/**
 * Returns the configuration in the file, or in `text` if given; or undefined, after reporting each problem on a line of
 * its own: on standard error, unless `report` sends it elsewhere.
 */
export function readFrom(file = DEFAULT_FILE, text?: string, report = reportOnStandardError): ReadFile | undefined {
  const { config, errors, warnings, notes, hash } = readingOf(file, text, report);
  reportAll(warnings, (problem) => report(`${file}: warning: ${problem}`));
  reportAll(errors, (problem) => report(`${file}: ${problem}`));
  return config && { config, notes, hash };
}

/** Reads the file again, without waiting: a pipe has nothing more to say. Problems are in the result. */
export function readAgain(file = DEFAULT_FILE): FileReading {
  return readingBy(() => readBounded(file, { bytesMax: FILE_BYTES_MAX, waiting: undefined }), REASONS_AGAIN);
}

/** Like `readFrom`, for commands that do not run a proxy. */
export function configFrom(file?: string): Config | undefined {
  return readFrom(file)?.config;
}

function readingOf(file: string, text: string | undefined, report: Report): FileReading {
  return readingBy(() => text ?? textOf(file, report), REASONS);
}

function readingBy(read: () => string, reasons: Readonly<Record<string, string>>): FileReading {
  try {
    const text = read();
    return { ...readConfig(text), hash: hashOf(text) };
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    return { errors: [{ at: "", message: reasons[code] ?? message }], warnings: [], notes: [], hash: "" };
  }
}

function textOf(file: string, report: Report): string {
  const waiting = {
    silenceMs: SILENCE_MS,
    reportAfterMs: REPORT_AFTER_MS,
    onWait: () => report(`${file}: waiting for the configuration to be written to this pipe`),
  };
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

function reportAll(problems: readonly Problem[], report: (problem: string) => void): void {
  for (const problem of problems.slice(0, LINES_MAX)) report(problemText(problem));
  if (problems.length > LINES_MAX) report(`${problems.length - LINES_MAX} more problems`);
}

/** Waits for the reader, which is fine for commands that do nothing else. */
function reportOnStandardError(line: string): void {
  console.error(line);
}
