import { expect, test } from "bun:test";
import { errorsOf, proxyErrorsText } from "../../src/page/errors.ts";
import { clockText } from "../../src/page/format.ts";

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
  const config = { hash: "0123456789ab", loaded_at_ms: 0, latest: true, last_failure: null };
  const now_ms = 90_000_000;
  expect(proxyErrorsText({ figures: none, config, now_ms })).toBe("");
  expect(proxyErrorsText({ figures: { ...none, log_lines_lost: 1200 }, config, now_ms })).toBe(
    "✕ since the start: log lines lost because nobody read them: 1,200",
  );
  expect(
    proxyErrorsText({
      figures: { internal_errors: 1, invariant_violations: 2, log_lines_lost: 0, lines_self_dropped: 3 },
      config,
      now_ms,
    }),
  ).toBe(
    "✕ since the start: internal errors (please report them with the log): 1 · " +
      "accounting errors (please report them with the log): 2 · lines of its own metrics dropped: 3",
  );
  const last_failure = { at_ms: 1, cause: "file", reasons: ["fall: expected a number, not 0", "8 more problems"] };
  expect(proxyErrorsText({ figures: none, config: { ...config, latest: false, last_failure }, now_ms })).toBe(
    `✕ the last reload failed at ${clockText(1, now_ms)}: fall: expected a number, not 0; 8 more problems; ` +
      "the older configuration is in force",
  );
});
