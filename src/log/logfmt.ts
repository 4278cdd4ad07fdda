/** Log lines: logfmt (`key=value` pairs, quoted where needed) or one JSON object each. */
import { escapeControls } from "../text/escape.ts";

export const LOG_FORMATS = { logfmt, json: jsonLine } as const;
export type LogFormat = keyof typeof LOG_FORMATS;

export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** One line, without its end. No value can start a new line or look like another pair. */
export function logfmt(fields: LogFields): string {
  return Object.entries(fields)
    .map(([key, value]) => `${key}=${quoted(String(value))}`)
    .join(" ");
}

/** The same as a JSON object on one line. */
export function jsonLine(fields: LogFields): string {
  return escapeControls(JSON.stringify(fields));
}

function quoted(value: string): string {
  return /^[\x21\x23-\x3c\x3e-\x7e]+$/.test(value) ? value : escapeControls(JSON.stringify(value));
}
