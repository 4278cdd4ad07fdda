import { expect, test } from "bun:test";
import { parseHttpAnswer } from "../../src/health/httpAnswer.ts";

const OK = "HTTP/1.1 200 OK\r\n\r\n";
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const EARLY_HINTS = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";

test.each<[text: string, expected: string | undefined, verdict: string]>([
  ["", undefined, "undecided"],
  ["HTT", undefined, "undecided"],
  ["HTTP/1.1 200 OK", undefined, "undecided"],
  [OK, undefined, "passed"],
  [CONTINUE, undefined, "undecided"],
  [CONTINUE.slice(0, -1), undefined, "undecided"],
  [CONTINUE + EARLY_HINTS + OK, undefined, "passed"],
  [`${CONTINUE}HTTP/1.1 503 Busy\r\n`, undefined, "answered 503 Busy"],
  ["HTTP/1.1 099 Odd\r\n\r\n", undefined, "answered 099 Odd"],
  [`${CONTINUE}up`, undefined, "the answer is not HTTP"],
  [`${EARLY_HINTS.replace("</a.css>", "well")}${OK}`, "well", "undecided"],
  [`${OK}well`, "well", "passed"],
  ["HTTP/2 200\r\n\r\n", undefined, "the answer is not HTTP"],
])("%j, expecting %p: %s", (text, expected, verdict) => {
  const parsed = parseHttpAnswer(text, expected);
  expect(parsed.kind === "failed" ? parsed.reason : parsed.kind).toBe(verdict);
});

test("interim answers without end are too long, like anything else", () => {
  for (const endless of [CONTINUE, EARLY_HINTS]) {
    expect(parseHttpAnswer(endless.repeat(5000), undefined)).toEqual({ kind: "failed", reason: "answer too long" });
  }
});
