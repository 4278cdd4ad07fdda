/** A configuration from its file, for every way to start the program. */
import { readFileSync } from "node:fs";
import { type Config, type ConfigReading, problemText, readConfig } from "./core/config.ts";

export const DEFAULT_FILE = "/etc/statsdproxy.json";

/**
 * The configuration in the file, or in `text` if that is given; or undefined, and each problem said on a line of its own:
 * on standard error, if `say` does not take it elsewhere.
 */
export function configFrom(file = DEFAULT_FILE, text?: string, say = sayOnStandardError): Config | undefined {
  let reading: ConfigReading;
  try {
    reading = readConfig(text ?? readFileSync(file, "utf8"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "no such file (-f names another, --demo needs none)" : message;
    reading = { errors: [{ at: "", message: reason }], warnings: [] };
  }
  for (const problem of reading.warnings) say(`${file}: warning: ${problemText(problem)}`);
  for (const problem of reading.errors) say(`${file}: ${problemText(problem)}`);
  return reading.config;
}

/** For commands that do nothing else: it waits until it is read. */
function sayOnStandardError(line: string): void {
  console.error(line);
}
