import { expect, test } from "bun:test";
import { errorsOf, proxyErrorsText } from "../../src/page/errors.ts";

test("a node's errors are all of those that there are", () => {
  const none = { lines_dropped: 0, send_errors: 0, lines_refused: 0, checks_failed: 0, checks_skipped: 0 };
  expect(errorsOf(none, [])).toEqual({ errors: [], errorCount: 0 });
  const all = { lines_dropped: 1200, send_errors: 2, lines_refused: 3, checks_failed: 4, checks_skipped: 5 };
  expect(errorsOf(all, [])).toEqual({
    errors: ["1,200 lines dropped", "2 send errors", "3 lines refused", "4 checks failed", "5 checks skipped"],
    errorCount: 1214,
  });
  expect(errorsOf(all, ["lines_refused"]).errors).toEqual([
    "3 lines refused",
    "1,200 lines dropped",
    "2 send errors",
    "4 checks failed",
    "5 checks skipped",
  ]);
});

test("the proxy's own troubles are told with what to do, and nothing is said of none", () => {
  const none = { internal_errors: 0, invariant_violations: 0, log_lines_lost: 0, lines_self_dropped: 0 };
  expect(proxyErrorsText(none)).toBe("");
  expect(proxyErrorsText({ ...none, log_lines_lost: 1200 })).toBe(
    "✕ since the start: log lines lost because nobody read them: 1,200",
  );
  expect(
    proxyErrorsText({ internal_errors: 1, invariant_violations: 2, log_lines_lost: 0, lines_self_dropped: 3 }),
  ).toBe(
    "✕ since the start: internal errors (please report them with the log): 1 · " +
      "accounting errors (please report them with the log): 2 · lines of its own metrics dropped: 3",
  );
});
