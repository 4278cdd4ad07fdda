/** Log lines: logfmt (`key=value` pairs, quoted where needed) or one JSON object each. */

export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** One line, without its end. No value can start a new line or look like another pair. */
export function logfmt(fields: LogFields): string {
  return Object.entries(fields)
    .map(([key, value]) => `${key}=${quoted(String(value))}`)
    .join(" ");
}

/** The same as a JSON object on one line. */
export function jsonLine(fields: LogFields): string {
  return printable(JSON.stringify(fields));
}

function quoted(value: string): string {
  return /^[\x21\x23-\x3c\x3e-\x7e]+$/.test(value) ? value : printable(JSON.stringify(value));
}

/** Escapes what JSON does not, and what a terminal or line reader could misinterpret. */
function printable(json: string): string {
  return json.replace(/[\p{C}\u2028\u2029]/gu, escaped);
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
