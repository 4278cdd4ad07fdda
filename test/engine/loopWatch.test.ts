import { describe, expect, test } from "bun:test";
import { LoopWatch } from "../../src/engine/loopWatch.ts";
import type { Loop } from "../../src/observe/view.ts";
import { ManualClock } from "../support/clocks.ts";

/** What arrives in a millisecond: nodes whose lines are held back at the moment matter, or not. */
type Arrivals = (atMs: number, isHeld: (label: string) => boolean) => number;

/** A proxy with three nodes of which arrivals may depend. */
class Bench {
  readonly clock = new ManualClock();
  readonly told: (Loop | undefined)[] = [];
  readonly nodes = ["a", "b", "c"].map((label) => ({ label, isUp: true, counters: { linesRelayed: 0 } }));
  readonly watch: LoopWatch;
  held: readonly { readonly label: string }[] = [];
  holds = 0;
  /** How long lines waited at most. */
  heldMsMax = 0;
  private heldAtMs = 0;
  gatherMs = 20;
  broken = 0;
  breaks = false;
  arrivals: Arrivals = () => 0;
  private received = 0;

  constructor() {
    this.watch = new LoopWatch({
      ...{ clock: this.clock, random: Math.random, nodes: () => this.nodes, linesReceived: () => this.received },
      gatherMs: () => this.gatherMs,
      holdsBroken: () => this.broken,
      hold: (nodes) => {
        const wasHeld = this.held.length > 0;
        if (wasHeld) this.heldMsMax = Math.max(this.heldMsMax, this.clock.nowMs() - this.heldAtMs);
        if (!wasHeld) this.heldAtMs = this.clock.nowMs();
        this.held = nodes;
        if (nodes.length > 0) this.holds++;
        if (nodes.length > 0 && this.breaks) this.broken++;
      },
      onChange: (loop) => this.told.push(loop),
    });
  }

  async pass(seconds: number): Promise<void> {
    for (let i = 0; i < 1000 * seconds; i++) {
      const isHeld = (label: string) => this.held.some((node) => node.label === label);
      this.received += this.arrivals(this.clock.nowMs(), isHeld);
      for (const node of this.nodes) if (!isHeld(node.label)) node.counters.linesRelayed++;
      await this.clock.elapse(1);
      if (this.clock.nowMs() % 1000 === 0) this.watch.look();
    }
  }
}

const FROM_B: Arrivals = (_, isHeld) => (isHeld("b") ? 0 : 3);

describe("a loop", () => {
  test("is noticed with the node whose lines come back, and is over when they do not", async () => {
    const bench = new Bench();
    bench.arrivals = FROM_B;
    await bench.pass(12);
    expect(bench.told).toEqual([{ nodes: ["b"], sinceMs: expect.any(Number) }]);
    expect(bench.watch.loop).toBe(bench.told[0]);
    await bench.pass(60);
    expect(bench.told).toHaveLength(1);
    // Clients send as much as went round before.
    bench.arrivals = () => 3;
    await bench.pass(60);
    expect(bench.told.slice(1)).toEqual([undefined]);
  });

  test("that ends in silence is over at once", async () => {
    const bench = new Bench();
    bench.arrivals = FROM_B;
    await bench.pass(12);
    bench.arrivals = () => 0;
    // A trial may be under way.
    await bench.pass(5);
    expect(bench.told.slice(1)).toEqual([undefined]);
  });

  test("that a trial could not see, because another was running there, is noticed by a later one", async () => {
    const bench = new Bench();
    bench.arrivals = (atMs) => (atMs < 4000 ? Math.random() * 6 : 3);
    await bench.pass(4);
    expect(bench.told).toEqual([]);
    bench.arrivals = FROM_B;
    await bench.pass(60);
    expect(bench.told).toHaveLength(1);
  });

  test("that one trial saw, and the next did not, is none", async () => {
    const bench = new Bench();
    // A trial holds lines back in eight slots.
    bench.arrivals = (_, isHeld) => (bench.holds <= 8 && isHeld("b") ? 0 : 3);
    await bench.pass(9);
    expect(bench.holds).toBe(16);
    expect(bench.told).toEqual([]);
  });

  test("that is not there costs one trial, and one that is known costs one as long as it goes on", async () => {
    const bench = new Bench();
    bench.arrivals = () => 3;
    await bench.pass(6);
    expect(bench.holds).toBe(8);
    const looping = new Bench();
    looping.arrivals = FROM_B;
    await looping.pass(12);
    expect(looping.told).toHaveLength(1);
    const before = looping.holds;
    // The next comes five to fifteen seconds later.
    while (looping.holds === before) await looping.pass(0.01);
    await looping.pass(3);
    expect(looping.holds).toBe(before + 8);
  });

  test("is neither noticed nor over when too much was to be held back", async () => {
    const bench = new Bench();
    bench.breaks = true;
    bench.arrivals = FROM_B;
    await bench.pass(30);
    expect(bench.told).toEqual([]);
    // They are no reason to try more often.
    expect(bench.holds).toBeLessThan(12);
    bench.breaks = false;
    await bench.pass(90);
    expect(bench.told).toHaveLength(1);
    bench.breaks = true;
    bench.arrivals = () => 3;
    await bench.pass(30);
    expect(bench.told).toHaveLength(1);
  });
});

describe("whatever else happens", () => {
  const harmless: Record<string, Arrivals> = {
    "a steady stream": () => 5,
    "bursts of a second": (atMs) => (Math.floor(atMs / 1000) % 2) * 20,
    "bursts of 40 ms": (atMs) => (Math.floor(atMs / 40) % 3 === 0 ? 30 : 0),
    noise: () => Math.floor(Math.random() * 4),
    "a rate that grows all the time": (atMs) => atMs / 5000,
  };

  test.each(Object.keys(harmless))("%s is no loop", async (which) => {
    const bench = new Bench();
    bench.arrivals = harmless[which];
    await bench.pass(60);
    expect(bench.told).toEqual([]);
    expect(bench.holds).toBeGreaterThan(0);
  });

  test("a trickle is never held back, and more than that ever more rarely", async () => {
    const bench = new Bench();
    bench.arrivals = (atMs) => (atMs % 25 === 0 ? 1 : 0);
    await bench.pass(20);
    expect(bench.holds).toBe(0);
    bench.arrivals = () => 1;
    const perMinute: number[] = [];
    for (let minute = 0; minute < 4; minute++) {
      const before = bench.holds;
      await bench.pass(60);
      perMinute.push(bench.holds - before);
    }
    expect(perMinute[0]).toBeGreaterThan(0);
    // Two trials of eight each; every pause is half to one and a half times as long as planned, and doubles.
    expect(perMinute[0]).toBeLessThanOrEqual(5 * 16);
    expect(perMinute[3]).toBeLessThanOrEqual(16);
  });

  test("is noticed, too, where more nodes or a setting let what arrives gather for longer", async () => {
    const bench = new Bench();
    bench.gatherMs = 60;
    // Read every 60 ms; what was sent in the 60 ms before has come round.
    let relayed = 0;
    let back = 0;
    bench.arrivals = (atMs, isHeld) => {
      if (!isHeld("b")) relayed += 3;
      if (atMs % 60 !== 0) return 0;
      const arrived = back;
      back = relayed;
      relayed = 0;
      return arrived;
    };
    await bench.pass(30);
    expect(bench.told).toEqual([{ nodes: ["b"], sinceMs: expect.any(Number) }]);
    expect(bench.heldMsMax).toBe(300);
  });

  test("nothing stays held back after a trial, or when it is closed within one", async () => {
    const bench = new Bench();
    bench.arrivals = () => 3;
    await bench.pass(9);
    expect(bench.held).toEqual([]);
    expect(bench.heldMsMax).toBe(100);
    bench.arrivals = () => 30;
    while (bench.held.length === 0) await bench.pass(0.01);
    bench.watch.close();
    expect(bench.held).toEqual([]);
    await bench.pass(5);
    expect(bench.held).toEqual([]);
    expect(bench.clock.timersLeft).toBe(0);
  });
});
