/** Parses the answer to an HTTP check: its status, and its body if something is expected of it. */

/** A body that says so late that it is well is not read to that point. */
const ANSWER_BYTES_MAX = 64 * 1024;

const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})(?: ([^\r\n]*))?\r?\n/;
const HEAD_END = /\r?\n\r?\n/;

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
  if (!"HTTP/1.".startsWith(text.slice(0, 7))) return failed("the answer is not HTTP");
  const status = STATUS_LINE.exec(text);
  if (status === null) return text.length > ANSWER_BYTES_MAX ? failed("answer too long") : UNDECIDED;
  const [, code, phrase = ""] = status;
  const headEnd = HEAD_END.exec(text);
  const body = headEnd === null ? undefined : text.slice(headEnd.index + headEnd[0].length);
  // An interim answer is followed by another.
  if (code.startsWith("1")) return body ? parseHttpAnswer(body, expected) : UNDECIDED;
  const answered = `answered ${`${code} ${phrase}`.trim().slice(0, 80)}`;
  if (code < "200" || code >= "400") return failed(answered);
  if (expected === undefined || body?.includes(expected)) return PASSED;
  return text.length > ANSWER_BYTES_MAX ? failed(`${answered} without ${JSON.stringify(expected)}`) : UNDECIDED;
}

function failed(reason: string): HttpVerdict {
  return { kind: "failed", reason };
}
