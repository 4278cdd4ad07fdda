import { expect, test } from "bun:test";
import { noAnswer, shownVerdict } from "../../src/page/verdict.ts";
import { statusOf } from "../support/statusJson.ts";

test("the page and its title have the proxy's own line, with a mark, and the machine's name", () => {
  const trouble = (line: string) => ({ kind: "x", state: "losing" as const, line, since_ms: null });
  const lines = ["losing: the kernel dropped 5 datagrams", "warning: 1 of 2 nodes down"];
  const verdict = { state: "losing" as const, line: `${lines[0]} (and 1 more)`, troubles: lines.map(trouble) };
  expect(shownVerdict(statusOf(["a"], { verdict }))).toEqual({
    state: "bad",
    line: "✕ losing: the kernel dropped 5 datagrams (and 1 more)",
    title: "✕ losing: the kernel dropped 5 datagrams (and 1 more) · statsd-proxy here",
    others: [lines[1]],
  });
  expect(shownVerdict(statusOf(["a"])).line).toBe("● ok: all nodes up");
});

test("without an answer there is no verdict, but for how long there was none", () => {
  const nowMs = Date.now();
  const { state, line, title } = noAnswer(nowMs - 12_400, nowMs, "here");
  expect([state, title]).toEqual(["bad", "✕ no answer for 12 s · statsd-proxy here"]);
  expect(line).toMatch(/^✕ no answer for 12 s: the figures are those of \d\d:\d\d:\d\d UTC$/);
  expect(noAnswer(undefined, nowMs, "").line).toBe("✕ no answer");
});
