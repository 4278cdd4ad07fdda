import { expect, onTestFinished, test } from "bun:test";
import fc from "fast-check";
import { openLog } from "../../src/log/log.io.ts";
import { dropAll } from "../../src/net/link.ts";
import type { View } from "../../src/observe/view.ts";
import { Watch } from "../../src/observe/watch.ts";
import type { NodeCounters } from "../../src/relay/counters.ts";
import { RejectedExample } from "../../src/relay/rejectedExample.ts";
import { systemClock } from "../../src/system/clock.io.ts";
import type { Clock } from "../../src/system/clock.ts";
import { ManualClock } from "../support/clocks.ts";
import { KeptLog } from "../support/logs.ts";
import { type BenchNode, RelayBench } from "../support/relayBench.ts";

/** A watch over a bench, its log, and what its timer does. Whatever happens, it looks. */
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
    signs: () => [{}],
    cpuSeconds: () => 0,
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

/** For each of the nodes some. */
const LINES = [..."abcdefghijklmnop"].map((name) => `${name}:1|c`).join("\n");

/** What may happen to a proxy; the number says to which node, or how much. */
const HAPPENINGS: Readonly<Record<string, (world: StillWorld, which: number) => void>> = {
  lines: ({ bench }) => bench.receive(LINES),
  rejected: ({ bench }) => bench.receive("bad"),
  dropped: (world, which) => {
    const { counters } = world.node(which);
    take(world, counters, which);
    counters.linesDropped.send_error += which;
  },
  refused: (world, which) => {
    world.node(which).counters.linesRefused += which;
  },
  sendError: (world, which) => void world.node(which).counters.sendErrors++,
  internalError: ({ bench }) => void bench.counters.internalErrors++,
  unread: ({ bench }, which) => {
    bench.counters.datagramsUnread += which;
  },
  consoleCut: ({ bench }, which) => {
    bench.counters.consoleCut.unread += which;
  },
  httpCut: ({ bench }, which) => {
    bench.counters.httpCut.slow += which;
  },
  check: (world, which) => {
    const check = { atMs: world.clock.epochMs(), durationMs: 1, failure: which > 3 ? "no answer" : undefined };
    world.node(which).health.record(check, { fall: 1, rise: 1 });
  },
  kernelDrops: (world, which) => {
    world.kernelDrops += which;
  },
  logLost: (world, which) => {
    world.logLinesLost += which;
  },
  health: (world, which) => {
    world.health = { isUp: which % 2 === 0, sinceMs: world.clock.epochMs() };
  },
  reload: (world, which) => {
    world.configuration = { hash: "", loadedAtSeconds: 0, isLatest: which % 2 === 0 };
  },
  loop: (world, which) => {
    world.loop = which % 2 === 0 ? undefined : { nodes: [], sinceMs: world.clock.epochMs() };
  },
  busy: (world, which) => world.use(which % 2),
  wallClock: (world, which) => world.setWallClock((which % 2 === 0 ? 1 : -1) * 200_000 * which),
  removal: (world) => {
    world.isGone = true;
    // Its socket is full, and stays so.
    const { batch, counters } = world.bench.nodes[0];
    world.clock.setTimeout(() => dropAll(batch, counters), 5000);
  },
  halt: ({ clock }, which) => clock.pass(1000 * which),
};

/** Lines arrive for a node. */
function take({ bench }: StillWorld, counters: NodeCounters, lines: number): void {
  bench.counters.packetsReceived++;
  bench.counters.linesReceived += lines;
  bench.counters.linesAccepted += lines;
  counters.linesDue += lines;
}

/** A proxy of which little is heard, and two that watch it: one looks every time. */
class StillWorld {
  readonly clock = new ManualClock();
  readonly bench = new RelayBench({});
  kernelDrops = 0;
  logLinesLost = 0;
  /** The first node is no longer in the configuration. */
  isGone = false;
  health: View["health"] = { isUp: true, sinceMs: 0 };
  configuration: View["configuration"] = { hash: "", loadedAtSeconds: 0, isLatest: true };
  loop: View["loop"];
  readonly eager = this.watch(() => [{}]);
  readonly lazy = this.watch(() => [
    ...[this.health, this.configuration, this.loop, this.kernelDrops, this.logLinesLost, this.bench.counters.watched],
    ...[this.isGone, ...this.nodes.map(({ counters, health }) => counters.watched + health.changes)],
  ]);

  private usedSeconds = 0;
  private cores = 0;
  private coresSinceMs = 0;

  /** Those in the configuration. */
  get nodes(): readonly BenchNode[] {
    return this.isGone ? this.bench.nodes.slice(1) : this.bench.nodes;
  }

  node(which: number): BenchNode {
    return this.nodes[which % this.nodes.length];
  }

  /** CPU time that the process has taken. */
  private get cpuSeconds(): number {
    return this.usedSeconds + (this.cores * (this.clock.nowMs() - this.coresSinceMs)) / 1000;
  }

  /** @param byMs forward, or back */
  setWallClock(byMs: number): void {
    const { epochMs } = this.clock;
    this.clock.epochMs = () => epochMs() + byMs;
  }

  /** It is as busy as that from now on. */
  use(cores: number): void {
    this.usedSeconds = this.cpuSeconds;
    this.coresSinceMs = this.clock.nowMs();
    this.cores = cores;
  }

  private watch(signs: () => readonly unknown[]) {
    const { clock, bench } = this;
    const told = { looks: 0 };
    const log = new KeptLog();
    const view = (): View => {
      told.looks++;
      const { kernelDrops, logLinesLost, health, configuration, loop } = this;
      const seen = bench.view();
      const all = seen.nodes.map((node, i) => ({ ...node, health: bench.nodes[i].health.view() }));
      const { counters, batch } = all[0];
      return {
        ...{ ...seen, kernelDrops, logLinesLost, health, configuration, loop },
        ...(this.isGone && { retired: { nodes: 1, counters, linesPending: batch.linesPending } }),
        nodes: this.isGone ? all.slice(1) : all,
        ...{ nowMs: clock.epochMs(), uptimeSeconds: clock.nowMs() / 1000 },
      };
    };
    const rejected = new RejectedExample();
    const watch = new Watch({
      ...{ view, signs, counters: bench.counters, rejected, log, clock },
      ...{ cpuSeconds: () => this.cpuSeconds, also: () => {} },
    });
    onTestFinished(() => watch.close());
    return { watch, told, lines: log.lines };
  }
}

test("one that does not look while nothing happens tells the same as one that looks every second", () => {
  const happening = fc.record({
    what: fc.constantFrom(...Object.keys(HAPPENINGS)),
    which: fc.integer({ min: 1, max: 6 }),
    seconds: fc.constantFrom(0.3, 1, 2, 9, 20, 70, 400),
  });
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 12 }), (happenings) => {
      const world = new StillWorld();
      for (const { what, which, seconds } of happenings) {
        HAPPENINGS[what](world, which);
        world.clock.advance(1000 * seconds);
        expect(world.lazy.lines).toEqual(world.eager.lines);
        expect({ ...world.lazy.watch.recent, cpuShare: 0 }).toEqual({ ...world.eager.watch.recent, cpuShare: 0 });
      }
      world.eager.watch.finish();
      world.lazy.watch.finish();
      expect(world.lazy.lines).toEqual(world.eager.lines);
    }),
  );
});

test("while nothing happens it does not look, and then it does", () => {
  const { lazy, bench, clock } = new StillWorld();
  clock.advance(60_000);
  expect(lazy.told.looks).toBe(1);
  bench.receive("bad");
  clock.advance(1000);
  expect([lazy.told.looks, lazy.lines.length]).toEqual([2, 1]);
  // Until it is five minutes ago.
  clock.advance(299_000);
  expect(lazy.told.looks).toBe(301);
  clock.advance(600_000);
  expect(lazy.told.looks).toBeLessThan(315);
});

test("what came within a minute of what was logged is logged then, though nothing else happens", () => {
  const { lazy, bench, clock } = new StillWorld();
  for (const times of [1, 2]) {
    bench.counters.consoleCut.idle += times;
    clock.advance(2000);
  }
  expect(lazy.lines).toHaveLength(1);
  clock.advance(120_000);
  expect(lazy.lines.slice(1)).toEqual([expect.stringContaining("event=console_cut reason=idle connections=2 total=3")]);
});

test("a proxy that takes a whole core is overloaded, though nothing arrives", () => {
  const world = new StillWorld();
  world.clock.advance(600_000);
  world.use(1);
  world.clock.advance(11_000);
  expect(world.lazy.lines).toEqual([expect.stringContaining("warning: overload, 100% of a core within 10 s")]);
  world.use(0);
  world.clock.advance(30_000);
  expect(world.lazy.lines.slice(1)).toEqual([expect.stringContaining("ok: all 3 nodes up")]);
});

test("rejected lines that are left over are told, though the wall clock went ahead; at the end, too", () => {
  for (const isEnd of [false, true]) {
    const world = new StillWorld();
    for (let i = 0; i < 2; i++) {
      world.bench.receive("bad");
      world.clock.advance(1000);
    }
    world.setWallClock(600_000);
    world.clock.advance(5000);
    if (isEnd) world.lazy.watch.finish();
    else world.clock.advance(60_000);
    expect(world.lazy.lines.slice(1)).toEqual([expect.stringContaining("event=rejecting_lines lines=1 total=2")]);
  }
});

test("what a node drops after it was removed, after quiet minutes, is in the verdict", () => {
  const world = new StillWorld();
  world.bench.receive(LINES);
  world.clock.advance(600_000);
  HAPPENINGS.removal(world, 1);
  world.clock.advance(8000);
  expect(world.lazy.lines).toEqual([
    expect.stringMatching(/event=verdict line="warning, lost: .* lines dropped .*\(removed\)/),
  ]);
});

test("sums that no longer hold are told, though nothing has arrived", () => {
  const world = new StillWorld();
  world.clock.advance(60_000);
  world.bench.nodes[1].counters.linesRelayed++;
  world.clock.advance(1000);
  expect(world.lazy.lines[0]).toContain("event=invariant_violated");
});
