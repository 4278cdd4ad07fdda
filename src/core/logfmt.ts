/** Log lines in logfmt: `key=value` pairs, quoted where a value needs it. */

export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** One line, without its end. Nothing in a value can start a new line or look like another pair. */
export function logfmt(fields: LogFields): string {
  return Object.entries(fields)
    .map(([key, value]) => `${key}=${quoted(String(value))}`)
    .join(" ");
}

function quoted(value: string): string {
  return /^[\x21\x23-\x3c\x3e-\x7e]+$/.test(value) ? value : JSON.stringify(value);
}
