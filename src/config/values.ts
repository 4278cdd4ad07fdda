/** The valid values of a configuration, and the messages about invalid ones. */

import * as v from "valibot";
import { ANY_TYPE, TYPE_BYTES_MAX } from "../protocol/line.ts";
import { isIPv6 } from "../text/ip.ts";

/** DNS limit. */
const HOST_LENGTH_MAX = 253;
const HOST = "expected a host name or an IP address";
const LABEL = "expected 1 to 255 printable characters without spaces, and not * or -";
const PATH = "expected a path of 1 to 200 printable characters without spaces, beginning with /";
const ANSWER_PART = "expected 1 to 100 printable characters";
const PREFIX = "expected words of letters, digits, _ and -, joined by dots";
const TYPES = `expected "*" or a list of types, each of 1 to ${TYPE_BYTES_MAX} bytes`;
const TYPES_MAX = 1000;

export const host = v.pipe(v.string(expected(HOST)), v.check(isHost, expected(HOST)));
export const flag = v.boolean(expected("expected true or false"));
/** Operators read * as every node and - as no live node. */
export const label = v.pipe(v.string(expected(LABEL)), v.regex(/^(?![*-]$)[^\s\p{C}]{1,255}$/u, expected(LABEL)));
export const prefix = v.pipe(v.string(expected(PREFIX)), v.regex(/^(?=.{1,200}$)[\w-]+(\.[\w-]+)*$/, expected(PREFIX)));
export const path = v.pipe(v.string(expected(PATH)), v.regex(/^\/[\x21-\x7e]{0,199}$/, expected(PATH)));
export const answerPart = v.pipe(
  v.string(expected(ANSWER_PART)),
  v.regex(/^[\x20-\x7e]{1,100}$/, expected(ANSWER_PART)),
);
export const processes = v.custom<number | "auto">(
  (value) => value === "auto" || (typeof value === "number" && Number.isInteger(value) && value >= 0),
  expected('expected "auto" or a whole number, 0 or more'),
);

const typeName = v.pipe(v.string(expected(TYPES)), v.regex(/^[\x21-\x39\x3b-\x7b\x7d\x7e]{1,4}$/, expected(TYPES)));

export const types = v.pipe(
  v.union(
    [
      v.pipe(
        v.literal(ANY_TYPE),
        v.transform((any): string[] => [any]),
      ),
      v.pipe(v.array(v.unknown()), v.maxLength(TYPES_MAX, `expected at most ${TYPES_MAX} types`), v.array(typeName)),
    ],
    expected(TYPES),
  ),
  v.minLength(1, TYPES),
);

/**
 * Also accepts a quoted number, as in the example of Etsy's proxy 0.7.
 * @param zero what 0 means, where it is allowed
 */
export function port(zero?: string) {
  const range = zero === undefined ? "a port from 1 to 65535" : `a port from 1 to 65535, or 0 for ${zero}`;
  return v.pipe(
    v.unknown(),
    v.transform((value) => (typeof value === "string" && /^[1-9]\d{0,4}$/.test(value) ? Number(value) : value)),
    integer(zero === undefined ? 1 : 0, 65535, range),
  );
}

/** @param unit plural */
export function wholeNumber(min: number, max: number, unit?: string) {
  return integer(min, max, `a whole number ${unit === undefined ? "" : `of ${unit} `}from ${min} to ${max}`);
}

export function oneOf<const Options extends readonly string[]>(options: Options) {
  return v.picklist(options, expected(`expected one of ${options.join(", ")}`));
}

/** Message about an object: the value is not one, or an entry is missing. */
export function objectOf(form: string) {
  return ({ input, expected: wanted }: { input: unknown; expected: string | null }) =>
    wanted === "Object" ? withInput(`expected an object, ${form}`, input) : "required, but missing";
}

/** Message of a check, followed by the value found. */
export function expected(message: string) {
  return (issue: { input: unknown }) => withInput(message, issue.input);
}

function integer(min: number, max: number, range: string) {
  return v.pipe(
    v.number(expected(`expected ${range}`)),
    v.check((value) => Number.isInteger(value) && value >= min && value <= max, expected(`expected ${range}`)),
    // -0, which JSON5 knows, is a value of its own to whoever compares configurations.
    v.transform((value) => value + 0),
  );
}

function isHost(text: string): boolean {
  if (text.length > HOST_LENGTH_MAX) return false;
  return /^[A-Za-z0-9._-]+$/.test(text) || isIPv6(text);
}

function withInput(message: string, input: unknown): string {
  const shown = typeof input === "number" ? String(input) : JSON.stringify(input);
  return `${message}, not ${shown.length > 60 ? `${shown.slice(0, 60)}...` : shown}`;
}
