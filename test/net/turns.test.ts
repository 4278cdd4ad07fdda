import { describe, expect, test } from "bun:test";
import { Gather } from "../../src/net/gather.ts";
import { type Reader, Turns } from "../../src/net/turns.ts";
import { chargedBytes } from "../../src/relay/kernelCharge.ts";
import { ManualClock } from "../support/clocks.ts";

const DATAGRAM_BYTES = 40;
/** What reading and relaying a datagram takes: a proxy that can carry 500,000 a second and no more. */
const COST_MS = 0.002;
const BULK_DATAGRAMS = 64;

interface Weather {
  readonly perSecond: number;
  readonly bufferBytes: number;
  readonly gatherMs: number;
  /** Datagrams that come at once. */
  readonly burst: number;
  readonly bulk: boolean;
}

/**
 * A kernel's queue in front of the real turns, on a simulated clock: datagrams come at a steady rate, in bursts, and
 * are lost when the buffer is full.
 */
function simulate({ perSecond, bufferBytes, gatherMs, burst, bulk }: Weather) {
  const arrivals = Math.min(20_000, Math.max(50, perSecond));
  const spacingMs = 1000 / perSecond;
  const queueMax = Math.floor(bufferBytes / chargedBytes(DATAGRAM_BYTES));
  let nowMs = 0;
  let arrived = 0;
  let queued = 0;
  let lost = 0;
  let paused = false;
  let waitedMsMax = 0;
  const queuedAtMs: number[] = [];
  const deferred: (() => void)[] = [];

  const arrive = () => {
    for (; arrived < arrivals; arrived++) {
      const atMs = Math.floor(arrived / burst) * burst * spacingMs;
      if (atMs > nowMs) return;
      if (queued === queueMax) {
        lost++;
      } else {
        queued++;
        queuedAtMs.push(atMs);
      }
    }
  };
  const read = () => {
    queued--;
    waitedMsMax = Math.max(waitedMsMax, nowMs - (queuedAtMs.shift() as number));
    nowMs += COST_MS;
    arrive();
  };
  const turns = new Turns({
    flush: () => {},
    clock: {
      setImmediate: (run) => void deferred.push(run),
      nowMs: () => nowMs,
      sleep: (ms) => {
        nowMs += ms;
        arrive();
      },
    },
  });
  const readBulk = () => {
    const count = Math.min(BULK_DATAGRAMS, queued);
    for (let i = 0; i < count; i++) read();
    if (count > 0) reader.datagramsInBulk(count, count * DATAGRAM_BYTES);
    return count === BULK_DATAGRAMS;
  };
  const reader: Reader = turns.add(
    {
      pause: () => {
        paused = true;
      },
      resume: () => {
        paused = false;
      },
      readBulk: bulk ? readBulk : undefined,
    },
    new Gather({ msMax: gatherMs, bufferBytes }),
  );

  let loops = 0;
  while (arrived < arrivals || queued > 0) {
    loops++;
    arrive();
    // Bun: reads until the socket is empty or it is paused, then comes round.
    if (!bulk) paused = false;
    while (queued > 0 && !paused) {
      read();
      reader.datagramFromRuntime(DATAGRAM_BYTES);
    }
    const due = deferred.splice(0);
    for (const run of due) run();
    if (due.length === 0 && queued === 0) nowMs += spacingMs / 2;
  }
  return { lost, loops, waitedMsMax, arrivals };
}

const RATES = [1, 50, 300, 1000, 10_000, 50_000, 100_000, 200_000, 400_000, 500_000];
const BUFFERS = [212_992, 425_984, 1_048_576, 8_388_608];

describe.each([
  ["read in bulk", true],
  ["read by Bun alone", false],
])("gathering, %s", (_, bulk) => {
  test.each(RATES.flatMap((perSecond) => BUFFERS.map((bufferBytes) => [perSecond, bufferBytes])))(
    "at %d datagrams a second and a buffer of %d bytes loses nothing that would not be lost without it",
    (perSecond, bufferBytes) => {
      for (const burst of [1, 8, 20]) {
        const weather = { perSecond, bufferBytes, burst, bulk };
        const without = simulate({ ...weather, gatherMs: 0 });
        const gathering = simulate({ ...weather, gatherMs: 10 });
        expect(gathering.lost).toBeLessThanOrEqual(without.lost);
      }
    },
  );

  test("a metric waits no longer than the sleep and a turn", () => {
    for (const perSecond of RATES) {
      const { waitedMsMax } = simulate({ perSecond, bufferBytes: 8_388_608, gatherMs: 10, burst: 1, bulk });
      expect(waitedMsMax).toBeLessThan(perSecond > 400_000 ? 40 : 21);
    }
  });

  test("at a trickle nothing waits", () => {
    const { waitedMsMax } = simulate({ perSecond: 100, bufferBytes: 8_388_608, gatherMs: 10, burst: 1, bulk });
    expect(waitedMsMax).toBeLessThan(10);
  });

  test("the event loop runs however much arrives", () => {
    const { loops, arrivals } = simulate({ perSecond: 500_000, bufferBytes: 8_388_608, gatherMs: 10, burst: 1, bulk });
    expect(loops).toBeGreaterThan((arrivals * COST_MS) / 30);
  });
});

/** Turns whose every effect is written down, on a clock that stands still unless it is told otherwise. */
class Bench {
  nowMs = 0;
  /** What was done since the last look. */
  private done: string[] = [];
  private readonly deferred: (() => void)[] = [];
  readonly reader: Reader;

  /** @param read what a call of `readBulk` finds: datagrams, or something that happens meanwhile */
  constructor({ onFlush = () => {}, read = () => 0 }: { onFlush?: () => void; read?: () => number } = {}) {
    const note = (what: string) => void this.done.push(what);
    const turns = new Turns({
      flush: () => {
        note("flush");
        onFlush();
      },
      clock: {
        setImmediate: (run) => void this.deferred.push(run),
        nowMs: () => this.nowMs,
        sleep: () => note("sleep"),
      },
    });
    const readBulk = () => {
      note("read");
      const count = read();
      if (count > 0) this.reader.datagramsInBulk(count, count * DATAGRAM_BYTES);
      return count === BULK_DATAGRAMS;
    };
    const gather = new Gather({ msMax: 10, bufferBytes: 8_388_608 });
    this.reader = turns.add({ pause: () => note("pause"), resume: () => note("resume"), readBulk }, gather);
  }

  /** Bun hands over so many datagrams, and the event loop comes round so much later; returns what that did. */
  turn(datagrams: number, laterMs: number): string[] {
    for (let i = 0; i < datagrams; i++) this.reader.datagramFromRuntime(DATAGRAM_BYTES);
    this.nowMs += laterMs;
    for (const run of this.deferred.splice(0)) run();
    return this.done.splice(0);
  }
}

/** So much later that a few datagrams in between are a trickle; and so few that many are not. */
const LONG_MS = 1000;
const SHORT_MS = 20;

describe("the runtime", () => {
  test("is left alone at a trickle", () => {
    const bench = new Bench();
    for (let i = 0; i < 3; i++) expect(bench.turn(20, LONG_MS)).toEqual(["flush"]);
  });

  test("is paused after as many datagrams as it may deliver in a turn, and reads again at a trickle", () => {
    const bench = new Bench({ read: () => 5 });
    expect(bench.turn(31, LONG_MS)).toEqual(["flush"]);
    expect(bench.turn(32, LONG_MS)).toEqual(["pause", "flush", "read", "resume"]);
  });

  test("is paused before the sleep while busy, and reads again when nothing has arrived meanwhile", () => {
    let count = 5;
    const bench = new Bench({ read: () => count });
    expect(bench.turn(20, SHORT_MS)).toEqual(["flush", "pause", "sleep", "read"]);
    count = 0;
    expect(bench.turn(20, SHORT_MS)).toEqual(["flush", "sleep", "read", "resume"]);
    count = 5;
    expect(bench.turn(20, SHORT_MS)).toEqual(["flush", "pause", "sleep", "read"]);
  });
});

describe.each([
  ["first", [3, 10]],
  ["last", [10, 3]],
])("with two sockets, of which the %s allows the shorter sleep", (_, msMax) => {
  test("the shorter sleep is taken", () => {
    const clock = new ManualClock();
    const turns = new Turns({ flush: () => {}, clock });
    const readable = { pause: () => {}, resume: () => {}, readBulk: () => false };
    const readers = msMax.map((msMax) => turns.add(readable, new Gather({ msMax, bufferBytes: 8_388_608 })));
    for (const reader of readers) for (let i = 0; i < 20; i++) reader.datagramFromRuntime(DATAGRAM_BYTES);
    clock.pass(SHORT_MS);
    clock.comeRound();
    expect(clock.slept).toEqual([3]);
  });

  test("a socket without traffic has no say", () => {
    const clock = new ManualClock();
    const turns = new Turns({ flush: () => {}, clock });
    const readable = { pause: () => {}, resume: () => {}, readBulk: () => false };
    const readers = msMax.map((msMax) => turns.add(readable, new Gather({ msMax, bufferBytes: 8_388_608 })));
    const busy = readers[msMax.indexOf(10)];
    for (let i = 0; i < 20; i++) busy.datagramFromRuntime(DATAGRAM_BYTES);
    clock.pass(SHORT_MS);
    clock.comeRound();
    expect(clock.slept).toEqual([10]);
  });
});

describe("once stopped, when the socket's descriptor may be reused", () => {
  test("no turn begins", () => {
    const bench = new Bench();
    bench.reader.stop();
    expect(bench.turn(20, SHORT_MS)).toEqual([]);
  });

  test("the current turn does nothing more", () => {
    const bench = new Bench();
    bench.reader.datagramFromRuntime(DATAGRAM_BYTES);
    bench.reader.stop();
    expect(bench.turn(0, SHORT_MS)).toEqual([]);
  });

  test("by a callback at the end of a turn, the turn neither sleeps nor reads", () => {
    const bench: Bench = new Bench({ onFlush: () => bench.reader.stop() });
    expect(bench.turn(20, SHORT_MS)).toEqual(["flush"]);
  });

  test("by a received datagram, nothing more is read, and Bun's reading is left alone", () => {
    const bench: Bench = new Bench({
      read: () => {
        bench.reader.stop();
        return BULK_DATAGRAMS;
      },
    });
    expect(bench.turn(20, SHORT_MS)).toEqual(["flush", "pause", "sleep", "read"]);
  });
});
