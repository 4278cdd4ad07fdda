import { expect, onTestFinished, test } from "bun:test";
import { openLog } from "../../src/log/log.io.ts";
import { Watch } from "../../src/observe/watch.ts";
import { systemClock } from "../../src/system/clock.io.ts";
import type { Clock } from "../../src/system/clock.ts";
import { RelayBench } from "../support/relayBench.ts";

/** A watch over a bench, its log, and what its timer does. */
function watched(clock: Clock = systemClock) {
  const bench = new RelayBench({});
  const lines: string[] = [];
  const writer = { linesLost: 0, write: (line: string) => void lines.push(line), flush: () => {} };
  const timers: [look: () => void, everyMs: number][] = [];
  const setInterval = (...timer: (typeof timers)[number]) => {
    timers.push(timer);
    return clock.setInterval(...timer);
  };
  const log = openLog({ format: "logfmt", level: "info", writer });
  const view = () => ({ ...bench.view(), kernelDrops: undefined });
  const watch = new Watch({
    view,
    counters: bench.counters,
    rejected: bench.relay.rejected,
    log,
    clock: { ...clock, setInterval },
    also: () => {},
  });
  onTestFinished(() => watch.close());
  const [[look, everyMs]] = timers;
  return { bench, lines, watch, look, everyMs };
}

test("once a second it is looked whether the sums hold: if not, that is counted and logged", () => {
  const { bench, lines, look, everyMs } = watched();
  expect(everyMs).toBe(1000);
  bench.receive("a:1|c\nb:1|c");
  look();
  expect([bench.counters.invariantViolations, lines]).toEqual([0, []]);
  bench.counters.linesAccepted++;
  look();
  expect(bench.counters.invariantViolations).toBe(2);
  expect(lines).toEqual([
    expect.stringContaining("level=error event=invariant_violated sum=lines_received expected=2 found=3"),
    expect.stringContaining("level=error event=invariant_violated sum=lines_accepted expected=3 found=2"),
    expect.stringContaining('level=error event=verdict line="critical: sums of lines did not add up 2 times in 5 min'),
  ]);
});

test("what was lost since the last look is told at the end", () => {
  const { bench, lines, watch } = watched();
  bench.receive("bad");
  watch.finish();
  expect(lines).toEqual([
    expect.stringContaining("level=warn event=rejecting_lines lines=1 total=1 no_colon=1 example=bad"),
  ]);
});

test("what is left of a loss that was logged within the minute is logged at the end", () => {
  const { bench, lines, look, watch } = watched();
  bench.nodes[1].counters.linesRefused = 3;
  look();
  bench.nodes[1].counters.linesRefused = 8;
  look();
  const refusing = () => lines.filter((line) => line.includes("event=refusing"));
  expect(refusing()).toEqual([expect.stringContaining("lines=3 total=3")]);
  watch.finish();
  expect(refusing().slice(1)).toEqual([expect.stringContaining("lines=5 total=8")]);
});

test("after a halt it is told what it was, though this timer is the first to see it", () => {
  let nowMs = 0;
  const { lines, look } = watched({ ...systemClock, nowMs: () => nowMs });
  nowMs += 1000;
  look();
  expect(lines).toEqual([]);
  nowMs += 4000;
  look();
  expect(lines).toEqual([expect.stringContaining("the event loop was 3.0 s late")]);
});

test("a verdict that became worse is logged at once, and what else is new beside the worst", () => {
  const { bench, lines, look } = watched();
  const verdicts = () =>
    lines.filter((line) => line.includes("event=verdict")).map((line) => line.slice(line.indexOf("line=")));
  bench.nodes[0].isUp = false;
  look();
  expect(verdicts()).toEqual([expect.stringContaining('line="warning: 1 of 3 nodes down since')]);
  bench.nodes[1].isUp = false;
  bench.nodes[2].isUp = false;
  bench.nodes[0].counters.sendErrors = 5;
  look();
  expect(verdicts().slice(1)).toEqual([
    expect.stringContaining('line="critical: all 3 nodes down since'),
    expect.stringContaining('line="losing: sending fails since'),
  ]);
  // What is less bad waits, for the log must not follow a proxy that flaps.
  bench.nodes[0].isUp = true;
  look();
  expect(verdicts()).toHaveLength(3);
});
