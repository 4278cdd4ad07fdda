import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { LogFields } from "../../src/core/logfmt.ts";
import { BURST, KINDS_MAX, type LogEvent, LogLimit, WINDOW_MS } from "../../src/core/logLimit.ts";

function warning(fields: LogFields = {}, event = "node_down"): LogEvent {
  return { level: "warn", event, fields };
}

/** How many of so many at that moment are said. */
function admitted(limit: LogLimit, event: LogEvent, times: number, nowMs = 0): number {
  return Array.from({ length: times }, () => limit.admits(event, nowMs)).filter(Boolean).length;
}

describe("what is said often", () => {
  test("is said a few times, then counted, and the last of it told with the count", () => {
    const limit = new LogLimit();
    expect(admitted(limit, warning({ node: "a", reason: "no answer" }), BURST + 6)).toBe(BURST);
    expect(limit.admits(warning({ node: "a", reason: "ECONNREFUSED" }), 1)).toBe(false);
    expect(limit.flush()).toEqual([warning({ node: "a", reason: "ECONNREFUSED", repeated: 7 })]);
    expect(limit.flush()).toEqual([]);
    expect(admitted(limit, warning({ node: "a" }), BURST + 1, 2)).toBe(BURST);
  });

  test("is another kind for another event, level, node, or reason without a node", () => {
    const limit = new LogLimit();
    const kinds = [
      warning({ node: "a" }),
      warning({ node: "b" }),
      warning({ node: "a" }, "node_up"),
      { ...warning({ node: "a" }), level: "error" as const },
      warning({ reason: "idle" }, "console_cut"),
      warning({ reason: "unread" }, "console_cut"),
    ];
    for (const kind of kinds) expect(admitted(limit, kind, BURST + 1)).toBe(BURST);
    expect(limit.flush()).toHaveLength(kinds.length);
  });

  test("is told in the order in which it happened last: what is told last is so", () => {
    const limit = new LogLimit();
    for (let i = 0; i < 10; i++) {
      limit.admits(warning({ node: "a" }, "node_up"), i);
      limit.admits(warning({ node: "a" }, "node_down"), i);
    }
    limit.admits(warning({ node: "a" }, "node_up"), 10);
    expect(limit.flush().map(({ event }) => event)).toEqual(["node_down", "node_up"]);
  });

  test("is always said if it was asked for, as in debug mode", () => {
    const limit = new LogLimit();
    expect(admitted(limit, { level: "debug", event: "line", fields: {} }, 1000)).toBe(1000);
  });

  test("is new again after a while", () => {
    const limit = new LogLimit();
    expect(admitted(limit, warning(), BURST, 0)).toBe(BURST);
    expect(admitted(limit, warning(), BURST, WINDOW_MS)).toBe(BURST);
    expect(limit.flush()).toEqual([]);
  });

  test("takes no more room for many kinds, and says how many were left out", () => {
    const limit = new LogLimit();
    for (let i = 0; i < KINDS_MAX + 7; i++) limit.admits(warning({ node: `node${i}` }), 0);
    expect(limit.flush()).toEqual([{ level: "warn", event: "log_limited", fields: { repeated: 7 } }]);
  });
});

test("nothing is lost: what is said and what is counted are all there was", () => {
  const event = fc.tuple(fc.constantFrom("a", "b"), fc.constantFrom("node_up", "node_down"), fc.nat({ max: 4000 }));
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 9, arbitrary: event }, fc.constant("flush"))), (steps) => {
      const limit = new LogLimit();
      let [nowMs, said, all] = [0, 0, 0];
      const flush = () => {
        for (const { fields } of limit.flush()) said += Number(fields.repeated);
      };
      for (const step of steps) {
        if (typeof step === "string") {
          flush();
          continue;
        }
        const [node, name, elapsedMs] = step;
        nowMs += elapsedMs;
        all++;
        if (limit.admits(warning({ node }, name), nowMs)) said++;
      }
      flush();
      expect(said).toBe(all);
    }),
  );
});
