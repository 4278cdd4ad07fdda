/** A configuration from its file, for every way to start the program. */

import { readBounded } from "./boundedFile.io.ts";
import { type Config, type FileReading, hashOf, readConfig } from "./config.ts";
import { type Problem, problemText } from "./problem.ts";

export const DEFAULT_FILE = "/etc/statsdproxy.json";

/** A file with the most nodes that there may be has room in it. */
const FILE_BYTES_MAX = 16 * 2 ** 20;
/** How long nothing may come from a pipe, and when that is told. */
const SILENCE_MS = 10_000;
const TELL_AFTER_MS = 1000;
/** Lines of errors, and of warnings. */
const LINES_MAX = 100;

type Say = (line: string) => void;

export interface ReadFile {
  readonly config: Config;
  /** What an operator should know of how the file was read; nothing is wrong with it. */
  readonly notes: readonly string[];
  readonly hash: string;
}

/**
 * The configuration in the file, or in `text` if that is given; or undefined, and each problem said on a line of its own:
 * on standard error, if `say` does not take it elsewhere.
 */
export function readFrom(file = DEFAULT_FILE, text?: string, say = sayOnStandardError): ReadFile | undefined {
  const { config, errors, warnings, notes, hash } = readingOf(file, text, say);
  tell(warnings, (problem) => say(`${file}: warning: ${problem}`));
  tell(errors, (problem) => say(`${file}: ${problem}`));
  return config && { config, notes, hash };
}

/** As it is now, without waiting: a pipe has nothing more to say. Problems are in what is returned. */
export function readAgain(file = DEFAULT_FILE): FileReading {
  const bounds = { bytesMax: FILE_BYTES_MAX, silenceMs: 0, tellAfterMs: 0, onWait: () => {} };
  return readingBy(() => readBounded(file, bounds));
}

/** As `readFrom`, for those who run no proxy with it. */
export function configFrom(file?: string): Config | undefined {
  return readFrom(file)?.config;
}

function readingOf(file: string, text: string | undefined, say: Say): FileReading {
  return readingBy(() => text ?? textOf(file, say));
}

function readingBy(read: () => string): FileReading {
  try {
    const text = read();
    return { ...readConfig(text), hash: hashOf(text) };
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    return { errors: [{ at: "", message: REASONS[code] ?? message }], warnings: [], notes: [], hash: "" };
  }
}

function textOf(file: string, say: Say): string {
  return readBounded(file, {
    bytesMax: FILE_BYTES_MAX,
    silenceMs: SILENCE_MS,
    tellAfterMs: TELL_AFTER_MS,
    onWait: () => say(`${file}: waiting for the configuration to be written to this pipe`),
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file (-f names another; --demo needs none)",
  ENXIO: "cannot be opened: give it as a file or through a pipe (ENXIO)",
};

function tell(problems: readonly Problem[], say: (problem: string) => void): void {
  for (const problem of problems.slice(0, LINES_MAX)) say(problemText(problem));
  if (problems.length > LINES_MAX) say(`${problems.length - LINES_MAX} more like these`);
}

/** For commands that do nothing else: it waits until it is read. */
function sayOnStandardError(line: string): void {
  console.error(line);
}
