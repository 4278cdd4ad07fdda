/** A configuration from its file, for every way to start the program. */
import { readFileSync } from "node:fs";
import { type Config, type ConfigReading, problemText, readConfig } from "./core/config.ts";

export const DEFAULT_FILE = "/etc/statsdproxy.json";

/**
 * The configuration in the file, or in `text` if that is given; or undefined, and each problem said on a line of its own
 * on standard error.
 */
export function configFrom(file = DEFAULT_FILE, text?: string): Config | undefined {
  let reading: ConfigReading;
  try {
    reading = readConfig(text ?? readFileSync(file, "utf8"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "no such file (-f names another, --demo needs none)" : message;
    reading = { errors: [{ at: "", message: reason }], warnings: [] };
  }
  for (const problem of reading.warnings) console.error(`${file}: warning: ${problemText(problem)}`);
  for (const problem of reading.errors) console.error(`${file}: ${problemText(problem)}`);
  return reading.config;
}
