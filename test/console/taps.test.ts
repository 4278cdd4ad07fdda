import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Stream } from "../../src/console/commands.ts";
import { NAMES_MS } from "../../src/console/nameCount.ts";
import { TAP_LINES_MAX, TAP_LINES_PER_SECOND, TAP_MS_MAX } from "../../src/console/tap.ts";
import { LINES_PER_TICK, TAPS_MAX, Taps } from "../../src/console/taps.ts";
import { systemClock } from "../../src/system/clock.io.ts";
import type { Clock } from "../../src/system/clock.ts";
import { ManualClock } from "../support/clocks.ts";
import { BENCH_LABELS, RelayBench } from "../support/relayBench.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

/** Time between two updates. */
const TICK_MS = 50;

const ALL = { rejected: false, pattern: undefined, linesMax: 100 };

function tapsOf(bench: RelayBench, clock: Clock = systemClock): Taps {
  return new Taps({
    nodeWidth: () => BENCH_LABELS[0].length,
    setObserver: (observer) => {
      bench.relay.observer = observer;
    },
    linesReceived: () => bench.counters.linesReceived,
    clock,
  });
}

/** A reader of a stream. */
class Reader {
  text = "";
  reads = true;
  last: string | undefined;

  constructor(stream: Stream | undefined) {
    stream?.begin(
      (text) => {
        this.text += text;
        return this.reads;
      },
      (last) => {
        this.last = last;
      },
    );
  }
}

describe("taps", () => {
  test("show lines soon after they passed, and end when they have shown their number", async () => {
    const bench = new RelayBench({ mirror: true });
    const reader = new Reader(tapsOf(bench).open({ ...ALL, linesMax: 2 }));
    bench.receive("a:1|c");
    await until("the line", () => reader.text === "*               a:1|c\n");
    bench.receive("b:1|c\nc:1|c");
    await until("the end", () => reader.last === "*               b:1|c\n# 2 shown\n");
    expect(bench.relay.observer).toBeUndefined();
  });

  test("say nothing more to a client that is gone, which shows when something is shown to it", () => {
    const [bench, clock] = [new RelayBench({ mirror: true }), new ManualClock()];
    const stream = tapsOf(bench, clock).open(ALL);
    const told: string[] = [];
    stream?.begin(
      (text) => {
        told.push(text);
        stream.stop();
        return false;
      },
      (last) => told.push(last),
    );
    bench.receive("a:1|c");
    clock.advance(10 * TICK_MS);
    expect(told).toEqual(["*               a:1|c\n"]);
    expect([bench.relay.observer, clock.timersLeft]).toEqual([undefined, 0]);
  });

  test("leave the relay without an observer when the last of them is stopped", () => {
    const bench = new RelayBench({});
    const taps = tapsOf(bench);
    const streams = [taps.open(ALL), taps.open(ALL)];
    expect(bench.relay.observer).toBeUndefined();
    for (const stream of streams) new Reader(stream);
    expect(streams[0]?.stop()).toBe("# 0 shown\n");
    expect(bench.relay.observer).toBeDefined();
    expect(streams[1]?.stop()).toBe("# 0 shown\n");
    expect(bench.relay.observer).toBeUndefined();
    streams[1]?.stop();
    expect(bench.relay.observer).toBeUndefined();
  });

  test("end when the client does not read", async () => {
    const bench = new RelayBench({ mirror: true });
    const reader = new Reader(tapsOf(bench).open(ALL));
    reader.reads = false;
    bench.receive("a:1|c");
    await until("the end", () => reader.last === "# 1 shown\n");
    expect(bench.relay.observer).toBeUndefined();
  });

  test("count the names of a node for ten seconds, and show nothing before", () => {
    const clock = new ManualClock();
    const bench = new RelayBench({ mirror: true });
    const reader = new Reader(
      tapsOf(bench, clock).openNames({ label: BENCH_LABELS[0], pattern: undefined, limit: 10 }, () => true),
    );
    bench.receive("a:1|c\na:2|c\nb:1|c");
    clock.advance(NAMES_MS - TICK_MS);
    expect([reader.text, reader.last]).toEqual(["", undefined]);
    clock.advance(TICK_MS);
    expect(reader.last).toBe("lines  name\n    2  a\n    1  b\n# 2 of 2 names in 3 lines in 10.0 s\n");
    expect(bench.relay.observer).toBeUndefined();
  });

  test("of names are taps, of which there are no more than so many", () => {
    const taps = tapsOf(new RelayBench({}));
    const request = { label: BENCH_LABELS[0], pattern: undefined, limit: 10 };
    const streams = Array.from({ length: TAPS_MAX }, () => taps.openNames(request, () => true));
    for (const stream of streams) new Reader(stream);
    expect(taps.openNames(request, () => true)).toBeUndefined();
    for (const stream of streams) stream?.stop();
  });

  test("are no more than so many at once", () => {
    const taps = tapsOf(new RelayBench({}));
    const streams = Array.from({ length: TAPS_MAX }, () => taps.open(ALL));
    for (const stream of streams) new Reader(stream);
    expect(taps.open(ALL)).toBeUndefined();
    streams[0]?.stop();
    const late = taps.open(ALL);
    expect(late).toBeDefined();
    for (const stream of [...streams, late]) stream?.stop();
  });

  test("look at so many lines at a time, then at none until the next tick, and say so", async () => {
    const bench = new RelayBench({});
    const stream = tapsOf(bench).open({ ...ALL, pattern: "late" });
    const reader = new Reader(stream);
    const flood = Array.from({ length: LINES_PER_TICK + 100 }, (_, i) => `name${i}:1|c`).join("\n");
    bench.receive(flood);
    expect(bench.relay.observer).toBeUndefined();
    bench.receive("late:1|c");
    await until("the next tick", () => bench.relay.observer !== undefined);
    bench.receive("late:2|c");
    await until("the line", () => reader.text.endsWith("  late:2|c\n"));
    expect(reader.text).not.toContain("late:1|c");
    expect(stream?.stop()).toBe("# 1 shown, 101 were not examined (too many at once)\n");
  });

  test("look at as many again after each tick", async () => {
    const bench = new RelayBench({});
    const stream = tapsOf(bench).open({ ...ALL, pattern: "none" });
    new Reader(stream);
    const flood = Array.from({ length: LINES_PER_TICK - 1 }, (_, i) => `name${i}:1|c`).join("\n");
    for (let i = 0; i < 3; i++) {
      bench.receive(flood);
      expect(bench.relay.observer).toBeDefined();
      bench.receive("last:1|c");
      expect(bench.relay.observer).toBeUndefined();
      await until("the next tick", () => bench.relay.observer !== undefined);
    }
    stream?.stop();
  });

  test("look at fewer lines if each look is dear", async () => {
    const bench = new RelayBench({});
    const stream = tapsOf(bench).open({ ...ALL, pattern: `*${"n".repeat(126)}*${"n".repeat(126)}x` });
    new Reader(stream);
    const name = "n".repeat(1000);
    let looks = 0;
    for (; bench.relay.observer !== undefined && looks < LINES_PER_TICK; looks++) bench.receive(`${name}:1|c`);
    expect(looks).toBeGreaterThan(0);
    expect(looks).toBeLessThan(LINES_PER_TICK / 50);
    stream?.stop();
  });

  test("end after a minute", () => {
    const [bench, clock] = [new RelayBench({ mirror: true }), new ManualClock()];
    const reader = new Reader(tapsOf(bench, clock).open(ALL));
    clock.advance(TAP_MS_MAX - 1);
    expect(reader.last).toBeUndefined();
    bench.receive("a:1|c");
    clock.advance(1);
    expect(reader.last).toBe("*               a:1|c\n# 1 shown\n");
    expect([bench.relay.observer, clock.timersLeft]).toEqual([undefined, 0]);
  });

  test("show a limited number of lines a second, and no more than that after a quiet time", () => {
    const [bench, clock] = [new RelayBench({ mirror: true }), new ManualClock()];
    const reader = new Reader(tapsOf(bench, clock).open({ ...ALL, linesMax: TAP_LINES_MAX }));
    const many = Array.from({ length: 2 * TAP_LINES_PER_SECOND }, (_, i) => `a:${i}|c`).join("\n");
    const shownAfter = (ms: number) => {
      clock.advance(ms);
      const before = reader.text.length;
      bench.receive(many);
      clock.advance(TICK_MS);
      return reader.text.slice(before).split("\n").length - 1;
    };
    expect(shownAfter(0)).toBe(TAP_LINES_PER_SECOND);
    // The tick above counts, too.
    expect(shownAfter(500 - TICK_MS)).toBe(TAP_LINES_PER_SECOND / 2);
    expect(shownAfter(10_000)).toBe(TAP_LINES_PER_SECOND);
  });
});
