/**
 * Finds where a text stops being JSON5, and what is expected there: `Bun.JSON5.parse` of Bun 1.4.5 only reports that it
 * does. Bun alone decides what is JSON5; this finds the place in a text that Bun has rejected.
 */
import { escapeBytes } from "../text/escape.ts";
import { otherForm } from "./otherForms.ts";

/** Characters of the text to show. */
const SHOWN_MAX = 40;
const LINE_ENDS = /\r\n|[\n\r\u2028\u2029]/;
const NOT_A_COLUMN = /[^\x20-\x7e]/g;
/** Deeper than any configuration. */
export const DEPTH_MAX = 100;

const SPACE = /(?:\s+|\/\/[^\n\r\u2028\u2029]*|\/\*[^*]*\*+(?:[^*/][^*]*\*+)*\/)*/y;
const KEY = /(?:[\p{ID_Start}$_]|\\u[\da-f]{4})(?:[\p{ID_Continue}$\u200c\u200d]|\\u[\da-f]{4})*/iuy;
const WORD = /(?:true|false|null)(?![\p{ID_Continue}$])/uy;
/** The dot is for unquoted addresses: 127.0.0.1 is not a number followed by something. */
const NUMBER =
  /[+-]?(?:0x[\da-f]+|(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|(?-i:Infinity|NaN))(?![\p{ID_Continue}$.])/iuy;
const PLAIN = { "'": /[^'\\\n\r]*/y, '"': /[^"\\\n\r]*/y };
const ESCAPE = /\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|0(?!\d)|\r\n|[^\dxu])/y;

const BEGINNING = "{ at the beginning";
const VALUE = 'a plain value, such as 8125 or "text"';
const KEY_OR_END = "a key or }";

/**
 * What only a program contains, in place of a value or key, or after a value. Etsy's proxy runs its file as a program.
 */
const EXPRESSION = /^(?:[\p{ID_Start}$_(`[]|\.\.\.)/u;
const OPERATION = /^(?:[?|&*%<>=+([-]|\/(?!\*)|\.\p{ID_Start})/u;
const NOT_RUN = "; JavaScript is not run here: write";

export interface SyntaxFault {
  /** One line: the place, what is expected there, and what was found instead. */
  readonly message: string;
  /** The line of the text, and a mark under the place. */
  readonly excerpt: readonly [line: string, mark: string];
}

/** Undefined: no fault is found. */
export function syntaxFault(text: string): SyntaxFault | undefined {
  const scan = new Scan(text);
  const expected = scan.file();
  return expected === undefined ? undefined : faultAt(text, scan.at, expected);
}

function faultAt(text: string, at: number, expected: string): SyntaxFault {
  const lines = text.slice(0, at).split(LINE_ENDS);
  const before = (lines.at(-1) as string).replace("\ufeff", "");
  const [rest] = text.slice(at, at + 4 * SHOWN_MAX).split(LINE_ENDS, 1);
  const place = `line ${lines.length}, column ${before.length + 1}: expected ${expected}`;
  return { message: `${place}, ${foundText(rest.trimEnd(), text, at, expected)}`, excerpt: excerptOf(before, rest) };
}

function foundText(there: string, text: string, at: number, expected: string): string {
  if (there === "") return `but the ${at >= text.length ? "file" : "line"} ends here`;
  const shown = there.length > SHOWN_MAX ? `${there.slice(0, SHOWN_MAX)}...` : there;
  return `not ${escapeBytes(Buffer.from(shown))}${adviceFor(expected, there, text)}`;
}

/** Of a long line the part around the place. What takes no column, or several, is shown as a dot. */
function excerptOf(before: string, rest: string): readonly [string, string] {
  const isCut = before.length > SHOWN_MAX;
  const left = (isCut ? `...${before.slice(-SHOWN_MAX)}` : before).replace(/\t/g, " ").replace(NOT_A_COLUMN, ".");
  const right = rest.trimEnd().slice(0, SHOWN_MAX).replace(/\t/g, " ").replace(NOT_A_COLUMN, ".");
  return [left + right, `${" ".repeat(left.length)}^`];
}

function adviceFor(expected: string, there: string, text: string): string {
  if (expected === BEGINNING) return adviceAtBeginning(there, text);
  const isExpression = expected === VALUE || expected === KEY_OR_END;
  return (isExpression ? EXPRESSION : OPERATION).test(there) ? `${NOT_RUN} the value itself` : "";
}

function adviceAtBeginning(there: string, text: string): string {
  const form = otherForm(text);
  if (form !== undefined) return `; this looks like ${form}: write JSON5, { nodes: [ { host: ..., port: ... } ] }`;
  return EXPRESSION.test(there) ? `${NOT_RUN} only the object itself` : "";
}

/** Each method consumes what it is named after, starting at `at`; or returns what is expected at `at` instead. */
class Scan {
  at = 0;
  private depth = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  file(): string | undefined {
    this.take(SPACE);
    if (this.text[this.at] !== "{") return BEGINNING;
    return this.value() ?? (this.at < this.text.length ? "the end of the file" : undefined);
  }

  private value(): string | undefined {
    const first = this.text[this.at];
    if (first === "{" || first === "[") return this.list(first);
    const fault = first === "'" || first === '"' ? this.string(first) : this.plain();
    if (fault === undefined) this.take(SPACE);
    return fault;
  }

  private plain(): string | undefined {
    return this.take(WORD) || this.take(NUMBER) ? undefined : VALUE;
  }

  private list(begin: "{" | "["): string | undefined {
    const end = begin === "{" ? "}" : "]";
    if (this.depth === DEPTH_MAX) return `at most ${DEPTH_MAX} nested brackets`;
    this.depth++;
    this.skip(1);
    while (this.text[this.at] !== end) {
      const fault = (begin === "{" ? this.key() : undefined) ?? this.value();
      if (fault !== undefined) return fault;
      if (this.text[this.at] === ",") this.skip(1);
      else if (this.text[this.at] !== end) return `, or ${end}`;
    }
    this.skip(1);
    this.depth--;
    return undefined;
  }

  private key(): string | undefined {
    const first = this.text[this.at];
    if (first === "'" || first === '"') {
      const fault = this.string(first);
      if (fault !== undefined) return fault;
    } else if (!this.take(KEY)) return KEY_OR_END;
    this.take(SPACE);
    if (this.text[this.at] !== ":") return ":";
    this.skip(1);
    return undefined;
  }

  private string(quote: "'" | '"'): string | undefined {
    this.at++;
    for (;;) {
      this.take(PLAIN[quote]);
      if (this.text[this.at] === quote) break;
      if (this.text[this.at] !== "\\") return `a closing ${quote}`;
      if (!this.take(ESCAPE)) return "an escape, such as \\n or \\u0041";
    }
    this.at++;
    return undefined;
  }

  private skip(count: number): void {
    this.at += count;
    this.take(SPACE);
  }

  /** Returns whether anything matched. */
  private take(form: RegExp): boolean {
    form.lastIndex = this.at;
    const [found = ""] = form.exec(this.text) ?? [];
    this.at += found.length;
    return found !== "";
  }
}
