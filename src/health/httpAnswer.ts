/** Parses the answer to an HTTP check: its status, and its body if something is expected of it. */

/** A body that says so late that it is well is not read to that point. */
const ANSWER_BYTES_MAX = 64 * 1024;

const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})(?: ([^\r\n]*))?\r?\n/;
const HEAD_END = /\r?\n\r?\n/;
/** A whole one: its status line, its fields, and the empty line. */
const INTERIM = /HTTP\/1\.[01] 1\d\d(?: [^\r\n]*)?\r?\n(?:[^\r\n]+\r?\n)*\r?\n/y;

/** What is known of the answer so far. */
export type HttpVerdict =
  | { readonly kind: "undecided" }
  | { readonly kind: "passed" }
  /** `reason`: for people. */
  | { readonly kind: "failed"; readonly reason: string };

const UNDECIDED: HttpVerdict = { kind: "undecided" };
const PASSED: HttpVerdict = { kind: "passed" };

/**
 * Parses everything received since the request, one character per byte. 2xx and 3xx pass, as with HAProxy's `httpchk`.
 *
 * @param expected what the body must contain; undefined: anything
 */
export function parseHttpAnswer(text: string, expected: string | undefined): HttpVerdict {
  const verdict = verdictOf(afterInterims(text), expected);
  return verdict.kind === "undecided" && text.length > ANSWER_BYTES_MAX ? failed("answer too long") : verdict;
}

/** Interim answers (1xx) are followed by another. Each is looked at once: a peer may send nothing else, without end. */
function afterInterims(text: string): string {
  INTERIM.lastIndex = 0;
  let end = 0;
  while (INTERIM.test(text)) end = INTERIM.lastIndex;
  return text.slice(end);
}

function verdictOf(text: string, expected: string | undefined): HttpVerdict {
  if (!"HTTP/1.".startsWith(text.slice(0, 7))) return failed("the answer is not HTTP");
  const status = STATUS_LINE.exec(text);
  if (status === null || status[1].startsWith("1")) return UNDECIDED;
  const [, code, phrase = ""] = status;
  const answered = `answered ${`${code} ${phrase}`.trim().slice(0, 80)}`;
  if (code < "200" || code >= "400") return failed(answered);
  if (expected === undefined) return PASSED;
  const headEnd = HEAD_END.exec(text);
  if (headEnd !== null && text.includes(expected, headEnd.index + headEnd[0].length)) return PASSED;
  return text.length > ANSWER_BYTES_MAX ? failed(`${answered} without ${JSON.stringify(expected)}`) : UNDECIDED;
}

function failed(reason: string): HttpVerdict {
  return { kind: "failed", reason };
}
