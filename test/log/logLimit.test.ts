import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { LogFields } from "../../src/log/logfmt.ts";
import { BURST, KINDS_MAX, type LogEvent, LogLimit, WINDOW_MS } from "../../src/log/logLimit.ts";

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
    expect(limit.flush(2)).toEqual([warning({ node: "a", reason: "ECONNREFUSED", repeated: 7 })]);
    expect(limit.flush(2)).toEqual([]);
  });

  test("is not said any sooner because what was held back is told", () => {
    const limit = new LogLimit();
    expect(admitted(limit, warning({ node: "a" }), BURST + 6, 1)).toBe(BURST);
    expect(limit.flush(2)).toHaveLength(1);
    expect(admitted(limit, warning({ node: "a" }), BURST, WINDOW_MS)).toBe(0);
    expect(limit.flush(WINDOW_MS)).toEqual([warning({ node: "a", repeated: BURST })]);
    expect(admitted(limit, warning({ node: "a" }), BURST + 1, WINDOW_MS + 1)).toBe(BURST);
  });

  test("is not said any more before what was held back is told", () => {
    const limit = new LogLimit();
    expect(admitted(limit, warning(), BURST + 1, 0)).toBe(BURST);
    expect(admitted(limit, warning(), BURST, WINDOW_MS)).toBe(0);
    expect(limit.flush(WINDOW_MS)).toEqual([warning({ repeated: BURST + 1 })]);
    expect(admitted(limit, warning(), BURST, WINDOW_MS)).toBe(BURST);
  });

  test("is another kind for another event, level, node, or reason without a node", () => {
    const limit = new LogLimit();
    const kinds = [
      warning({ node: "a" }),
      warning({ node: "b" }),
      warning({ node: "a" }, "dropping_lines"),
      { ...warning({ node: "a" }), level: "error" as const },
      warning({ reason: "idle" }, "console_cut"),
      warning({ reason: "unread" }, "console_cut"),
    ];
    for (const kind of kinds) expect(admitted(limit, kind, BURST + 1)).toBe(BURST);
    expect(limit.flush(0)).toHaveLength(kinds.length);
  });

  test("is one kind for all nodes when the reason lies with the proxy", () => {
    const limit = new LogLimit();
    const skipped = (node: string) => warning({ node, reason: "no file descriptor" }, "check_skipped");
    for (let i = 0; i < 60; i++) limit.admits(skipped(`${i}`), i);
    expect(limit.flush(60)).toEqual([
      { ...skipped("59"), fields: { node: "59", reason: "no file descriptor", repeated: 60 - BURST } },
    ]);
    expect(admitted(limit, warning({ node: "1", reason: "ENOBUFS" }, "check_skipped"), 1)).toBe(1);
  });

  test("is told in the order in which it happened last: what is told last is so", () => {
    const limit = new LogLimit();
    for (let i = 0; i < 10; i++) {
      limit.admits(warning({ node: "a" }, "node_up"), i);
      limit.admits(warning({ node: "a" }, "node_down"), i);
    }
    limit.admits(warning({ node: "a" }, "node_up"), 10);
    expect(limit.flush(11).map(({ event }) => event)).toEqual(["node_down", "node_up"]);
  });

  test.each([
    ["node_down", "node_up"],
    ["send_failed", "send_recovered"],
    ["name_unresolved", "name_resolved"],
  ])("is told before its contrary is said, so that the last word of a node is true: %s, %s", (down, up) => {
    const limit = new LogLimit();
    expect(admitted(limit, warning({ node: "a" }, down), BURST + 1, 1)).toBe(BURST);
    expect(limit.admits(warning({ node: "a" }, up), 2)).toBe(false);
    expect(limit.admits(warning({ node: "a" }, "dropping_lines"), 2)).toBe(true);
    expect(limit.admits(warning({ node: "b" }, up), 2)).toBe(true);
    expect(limit.flush(3).map(({ event, fields }) => [event, fields.repeated])).toEqual([
      [down, 1],
      [up, 1],
    ]);
    expect(limit.admits(warning({ node: "a" }, up), 4)).toBe(true);
  });
  test("of a host's name counts like one of a node: each name's are told", () => {
    const limit = new LogLimit();
    const said = ["a.test", "b.test"].map((host) => {
      return admitted(limit, warning({ host, reason: "the name does not resolve" }, "name_unresolved"), BURST + 1);
    });
    expect(said).toEqual([BURST, BURST]);
  });

  test("is forgotten in the end, also what was never said because its contrary was held back", () => {
    const limit = new LogLimit();
    for (let i = 0; i < KINDS_MAX / 2; i++) {
      admitted(limit, warning({ node: `${i}` }, "node_down"), BURST + 1);
      limit.admits(warning({ node: `${i}` }, "node_up"), 0);
    }
    expect(limit.admits(warning({ node: "another" }), 0)).toBe(false);
    limit.flush(WINDOW_MS);
    expect(
      Array.from({ length: KINDS_MAX }, (_, i) => admitted(limit, warning({ node: `new ${i}` }), 1)),
    ).not.toContain(0);
  });

  test("is always said if it was asked for, as in debug mode", () => {
    const limit = new LogLimit();
    expect(admitted(limit, { level: "debug", event: "line", fields: {} }, 1000)).toBe(1000);
  });

  test("is new again after a while", () => {
    const limit = new LogLimit();
    expect(admitted(limit, warning(), BURST, 0)).toBe(BURST);
    expect(admitted(limit, warning(), BURST, WINDOW_MS)).toBe(BURST);
    expect(limit.flush(WINDOW_MS)).toEqual([]);
  });

  test("takes no more room for many kinds, and says how many were left out", () => {
    const limit = new LogLimit();
    const more = 7;
    const said = (nowMs: number) =>
      Array.from({ length: KINDS_MAX + more }, (_, i) => limit.admits(warning({ node: `${nowMs} ${i}` }), nowMs));
    const limited = (repeated: number) => [warning({ repeated }, "log_limited")];
    expect(said(0).filter(Boolean)).toHaveLength(KINDS_MAX);
    expect(limit.flush(1)).toEqual(limited(more));
    expect(said(WINDOW_MS - 1).filter(Boolean)).toHaveLength(0);
    expect(limit.flush(WINDOW_MS - 1)).toEqual(limited(KINDS_MAX + more));
    expect(said(WINDOW_MS).filter(Boolean)).toHaveLength(KINDS_MAX);
  });

  test("of very many nodes leaves room for what is said of none, and that is bounded as well", () => {
    const limit = new LogLimit();
    for (let i = 0; i < 2 * KINDS_MAX; i++) limit.admits(warning({ node: `${i}` }), 0);
    expect(limit.admits(warning({ datagrams: 3 }, "kernel_drops"), 1)).toBe(true);
    expect(limit.admits({ level: "info", event: "stopped", fields: {} }, 1)).toBe(true);
    const reasons = Array.from({ length: 2 * KINDS_MAX }, (_, i) => warning({ reason: `${i}` }, "internal_error"));
    expect(reasons.filter((event) => limit.admits(event, 2))).toHaveLength(KINDS_MAX - 2);
  });

  test("is told however long that takes, and however many kinds come meanwhile", () => {
    const limit = new LogLimit();
    expect(admitted(limit, warning(), BURST + 1)).toBe(BURST);
    for (let i = 0; i < KINDS_MAX; i++) limit.admits(warning({ node: `${i}` }), 2 * WINDOW_MS);
    expect(limit.flush(2 * WINDOW_MS)).toContainEqual(warning({ repeated: 1 }));
  });
});

test("whatever happens, nothing is said too often, and what is said and what is counted are all there was", () => {
  const happening = fc.record({
    node: fc.constantFrom("a", "b"),
    event: fc.constantFrom("node_up", "node_down"),
    elapsedMs: fc.oneof(fc.nat({ max: 4000 }), fc.constantFrom(0, 1, WINDOW_MS - 1, WINDOW_MS)),
    isFlush: fc.nat({ max: 9 }).map((of10) => of10 === 0),
  });
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 100, size: "max" }), (happenings) => {
      const limit = new LogLimit();
      const saidAtMs = new Map<string, number[]>();
      let [nowMs, all, said, repeated] = [0, 0, 0, 0];
      const flush = () => {
        for (const { fields } of limit.flush(nowMs)) repeated += Number(fields.repeated);
      };
      for (const { node, event, elapsedMs, isFlush } of happenings) {
        nowMs += elapsedMs;
        if (isFlush) {
          flush();
          continue;
        }
        all++;
        if (!limit.admits(warning({ node }, event), nowMs)) continue;
        said++;
        const times = saidAtMs.get(`${node} ${event}`) ?? [];
        saidAtMs.set(`${node} ${event}`, [...times, nowMs]);
        expect(times.filter((timeMs) => timeMs > nowMs - WINDOW_MS).length).toBeLessThan(BURST);
      }
      flush();
      expect(said + repeated).toBe(all);
    }),
  );
});
