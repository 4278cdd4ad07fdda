import { expect, test } from "bun:test";
import type { LogFields } from "../../src/log/logfmt.ts";
import { Rejections } from "../../src/observe/rejections.ts";
import { LOG_AGAIN_MS } from "../../src/observe/unlogged.ts";
import { RelayBench } from "../support/relayBench.ts";

function rejectionsOf(bench: RelayBench) {
  const rejections = new Rejections(bench.relay.rejected);
  return (nowMs: number, isLast = false): LogFields | undefined => {
    const said = rejections.update(bench.counters, nowMs, isLast);
    return said && { level: said.level, event: said.event, ...said.fields };
  };
}

const SAID = { level: "warn", event: "rejecting_lines" };

test("rejected lines are one event when they begin, then one a minute, with the counts by reason and an example", () => {
  const bench = new RelayBench({});
  const see = rejectionsOf(bench);
  expect(see(0)).toBeUndefined();
  bench.receive("bad\na:1|c\nworse\nb:1|q");
  bench.relay.rejected.sentBy("10.0.0.1:5000");
  expect(see(1)).toEqual({
    ...{ ...SAID, lines: 3, total: 3, no_colon: 2, unknown_type: 1 },
    ...{ example: "bad", from: "10.0.0.1:5000" },
  });
  expect(see(2)).toBeUndefined();
  bench.receive(":1|c");
  expect(see(LOG_AGAIN_MS)).toBeUndefined();
  bench.receive("bad again");
  expect(see(1 + LOG_AGAIN_MS)).toEqual({
    ...{ ...SAID, lines: 2, total: 5, seconds: 1, no_colon: 1, empty_name: 1, example: ":1|c" },
  });
  expect(see(1 + 3 * LOG_AGAIN_MS)).toBeUndefined();
  bench.receive("c:1|c\nd:1");
  expect(see(2 + 3 * LOG_AGAIN_MS)).toEqual({ ...SAID, lines: 1, total: 6, no_pipe: 1, example: "d:1" });
  bench.receive("e:1");
  expect(see(3 + 3 * LOG_AGAIN_MS)).toBeUndefined();
  expect(see(4 + 3 * LOG_AGAIN_MS, true)).toMatchObject({ ...SAID, lines: 1, total: 7, no_pipe: 1, example: "e:1" });
});
