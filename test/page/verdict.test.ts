import { expect, test } from "bun:test";
import { noAnswer, shownVerdict } from "../../src/page/verdict.ts";
import { statusOf } from "../support/statusJson.ts";

test("the page and its title have the proxy's own line, with a mark, and the machine's name", () => {
  const trouble = (line: string) => ({ kind: "x", state: "losing" as const, line, since_ms: null });
  const lines = ["losing: the kernel dropped 5 datagrams", "warning: 1 of 2 nodes down"];
  const verdict = { state: "losing" as const, line: `${lines[0]} (and 1 more)`, troubles: lines.map(trouble) };
  expect(shownVerdict(statusOf(["a"], { verdict }))).toEqual({
    state: "bad",
    line: "✕ losing: the kernel dropped 5 datagrams",
    title: "✕ losing: the kernel dropped 5 datagrams (and 1 more) · statsd-proxy here",
    others: [{ state: "bad", line: "✕ warning: 1 of 2 nodes down" }],
  });
  expect(shownVerdict(statusOf(["a"])).line).toBe("● ok: all nodes up");
});

test("a failed reload is told once, with all its reasons", () => {
  const reasons = ["fall: bad", "rise: worse", "2 more problems"];
  const line = `warning: the reload at 12:00:00 UTC failed, an older configuration is in force: ${reasons[0]}`;
  const trouble = { kind: "reload_failed", state: "warning" as const, line, since_ms: 0 };
  const status = statusOf(["a"], { verdict: { state: "warning", line, troubles: [trouble] } });
  const config = { ...status.config, latest: false, last_failure: { at_ms: 0, cause: "signal", reasons } };
  expect(shownVerdict({ ...status, config })).toEqual({
    state: "fair",
    line: `▲ ${line}; rise: worse; 2 more problems`,
    title: `▲ ${line} · statsd-proxy here`,
    others: [],
  });
});

test("without an answer there is no verdict, but for how long there was none", () => {
  const nowMs = Date.now();
  const { state, line, title } = noAnswer(nowMs - 12_400, nowMs, "here");
  expect([state, title]).toEqual(["bad", "✕ no answer for 12 s · statsd-proxy here"]);
  expect(line).toMatch(/^✕ no answer for 12 s: the figures are those of \d\d:\d\d:\d\d UTC$/);
  expect(noAnswer(undefined, nowMs, "").line).toBe("✕ no answer");
});
