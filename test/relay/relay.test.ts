import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { coreMemory } from "../../src/core/core.ts";
import { loadFingerprint32 } from "../../src/placement/farmhash.io.ts";
import { NO_LIVE_NODE } from "../../src/placement/owner.ts";
import { Placement } from "../../src/placement/placement.ts";
import { ownerAt, type Ring } from "../../src/placement/ring.ts";
import { REJECT_REASONS, Verdict } from "../../src/protocol/line.ts";
import { BATCH_DATAGRAMS_MAX } from "../../src/relay/batch.ts";
import { chargedBytes } from "../../src/relay/kernelCharge.ts";
import { datagram, hostileBytes } from "../support/arbitraries.ts";
import { type NaiveLine, naiveLines } from "../support/naiveLines.ts";
import { BENCH_LABELS, PLACEMENT, RelayBench } from "../support/relayBench.ts";

const NODES = BENCH_LABELS.map((_, node) => node);
const FOREVER = Number.POSITIVE_INFINITY;

/** What a node's leaving does to its names. */
type Mode = "mirror" | "rehash" | "hold";
const MODES: readonly Mode[] = ["mirror", "rehash", "hold"];

type Step =
  | { readonly datagram: string }
  | { readonly node: number; readonly isUp: boolean }
  | { readonly node: number; readonly takes: number }
  | "flush";

const arrival = fc.record({ datagram: fc.oneof({ weight: 4, arbitrary: datagram }, hostileBytes) });
const node = fc.constantFrom(...NODES);
const health = fc.record({ node, isUp: fc.boolean() });
const appetite = fc.record({ node, takes: fc.constantFrom(0, 0, 1, 2, FOREVER) });
const flush = fc.constant("flush" as const);
const bench = {
  datagramBytesMax: fc.constantFrom(0, 20, 60, 512, 1432),
  cacheSize: fc.constantFrom(0, 2, 64),
};

describe("a relay whose sockets take everything", () => {
  test.each(MODES)(
    "sends every accepted line once, unchanged and in order, to each node that it is for (%s)",
    (mode) => {
      const steps = fc.array(fc.oneof({ weight: 5, arbitrary: arrival }, health, flush), {
        maxLength: 25,
        size: "max",
      });
      fc.assert(
        fc.property(steps, fc.record(bench), (steps, parts) => {
          const model = new Model(mode, new RelayBench({ mirror: mode === "mirror", ...parts }));
          for (const step of steps) model.run(step);
          model.run("flush");
          for (const node of NODES) expect(model.bench.linesSent(node)).toEqual(model.meantFor[node]);
          expect(model.bench.relay.linesPending).toBe(0);
          model.bench.release();
        }),
        { numRuns: 150 },
      );
    },
  );

  test("packs adjacent lines for one node into one datagram, within the limit", () => {
    const bench = new RelayBench({ mirror: true, datagramBytesMax: 17 });
    bench.receive("aaaa:1|c\nbbbb:2|c\ncccc:3|c");
    bench.relay.flush();
    for (const node of NODES) expect(bench.nodes[node].sent).toEqual(["aaaa:1|c\nbbbb:2|c", "cccc:3|c"]);
  });

  test("leaves out CR, empty lines and rejected lines, and keeps their neighbours whole", () => {
    const bench = new RelayBench({ mirror: true });
    bench.receive("a:1|c\r\nb:2|c\n\nbad\nc:3|c\n:1|c\nd:4|c\r");
    bench.relay.flush();
    for (const node of NODES) expect(bench.nodes[node].sent).toEqual(["a:1|c\nb:2|c\nc:3|c\nd:4|c"]);
  });
});

describe("a relay whose sockets take little or nothing", () => {
  test.each(MODES)("accounts for every line at every moment, and changes and reorders none (%s)", (mode) => {
    const steps = fc.array(fc.oneof({ weight: 8, arbitrary: arrival }, health, appetite, flush), {
      maxLength: 60,
      size: "max",
    });
    const hungry = fc.array(fc.constantFrom(0, 1, FOREVER), { minLength: NODES.length, maxLength: NODES.length });
    fc.assert(
      fc.property(steps, fc.record(bench), hungry, (steps, parts, hungry) => {
        const model = new Model(mode, new RelayBench({ mirror: mode === "mirror", ...parts }));
        hungry.forEach((takes, node) => void model.run({ node, takes }));
        for (const step of steps) model.run(step);
        model.bench.release();
      }),
      { numRuns: 150 },
    );
  });

  test("drops what the batch has no room for, and nothing else", () => {
    const bench = new RelayBench({ mirror: true, datagramBytesMax: 0 });
    bench.nodes[1].takes = 0;
    const lines = Array.from({ length: BATCH_DATAGRAMS_MAX + 5 }, (_, i) => `line${i}:1|c`);
    bench.receive(lines.join("\n"));
    expect(bench.linesWaiting(1)).toEqual(lines.slice(0, BATCH_DATAGRAMS_MAX));
    expect(bench.nodes[1].counters.linesDropped.send_buffer_full).toBe(5);
    expect([...bench.linesSent(0), ...bench.linesWaiting(0)]).toEqual(lines);
    expect(bench.linesDropped(0)).toBe(0);
  });

  test("goes on as soon as the socket takes a datagram again", () => {
    const bench = new RelayBench({ mirror: true, datagramBytesMax: 0 });
    bench.nodes[1].takes = 1;
    const lines = Array.from({ length: BATCH_DATAGRAMS_MAX + 5 }, (_, i) => `line${i}:1|c`);
    bench.receive(lines.join("\n"));
    expect([...bench.linesSent(1), ...bench.linesWaiting(1)]).toEqual(lines);
    expect(bench.linesDropped(1)).toBe(0);
  });
});

describe("a read of many datagrams", () => {
  const datagrams = Array.from({ length: 64 }, (_, i) =>
    Array.from({ length: 20 }, (_, j) => `name.${i}.${j}:${i}|c`)
      .concat("bad")
      .join("\n"),
  );

  test("comes to the same as one datagram after the other", () => {
    const together = new RelayBench({});
    together.receiveTogether(datagrams);
    const single = new RelayBench({});
    for (const datagram of datagrams) single.receive(datagram);
    for (const bench of [together, single]) bench.relay.flush();
    expect(together.nodes.map(({ sent }) => sent)).toEqual(single.nodes.map(({ sent }) => sent));
    expect(together.counters).toEqual(single.counters);
    expect(together.counters.linesRejected).toEqual([64, 0, 0, 0, 0]);
  });

  test("goes on behind its first line when that is the one that costs an exception", () => {
    const bench = new RelayBench({});
    bench.relay.observer = () => {
      bench.relay.observer = undefined;
      throw new Error("at the first");
    };
    bench.receiveTogether(datagrams);
    bench.relay.flush();
    expect(bench.failures).toEqual(["at the first"]);
    expect(bench.counters.linesAccepted).toBe(64 * 20);
    const sent = NODES.flatMap((node) => bench.linesSent(node));
    expect(sent.length + bench.counters.linesDropped.internal_error).toBe(64 * 20);
    expect(new Set(sent).size).toBe(sent.length);
  });

  test("tells of the rejected line that is kept in which datagram it was", () => {
    const bench = new RelayBench({});
    bench.receiveTogether(["a:1|c", "b:1|c\nc:1|c", "d:1|c\nbad", "bad too"]);
    expect(bench.relay.rejected.datagram).toBe(2);
    expect(bench.relay.rejected.take()?.example).toBe("bad");
  });

  test("loses by an exception the line that it met, and what was to go with that, and nothing else", () => {
    const bench = new RelayBench({});
    let shown = 0;
    bench.relay.observer = () => {
      if (++shown % 100 === 0) throw new Error(`at ${shown}`);
    };
    bench.receiveTogether(datagrams);
    bench.relay.flush();
    const lines = 64 * 21;
    expect(shown).toBe(lines);
    expect(bench.failures).toEqual(Array.from({ length: 13 }, (_, i) => `at ${100 * (i + 1)}`));
    expect(bench.counters.linesReceived).toBe(lines);
    expect(bench.counters.packetsReceived).toBe(64);
    const sent = NODES.flatMap((node) => bench.linesSent(node)).length;
    expect(sent + bench.counters.linesDropped.internal_error).toBe(64 * 20);
    expect(sent).toBeGreaterThan(64 * 20 - 13 * 20);
  });
});

test.each([0, 64])("on an etsy ring names go where its positions say (cache of %d)", (cacheSize) => {
  const placement = new Placement(
    "etsy",
    BENCH_LABELS.map((label) => ({ label, weight: 1 })),
    loadFingerprint32(),
  );
  const bench = new RelayBench({ cacheSize, placement });
  const names = Array.from({ length: 50 }, (_, i) => `name.${i}`);
  bench.receive(names.map((name) => `${name}:1|c`).join("\n"));
  bench.relay.flush();
  for (const node of NODES) {
    const own = names.filter((name) => {
      const bytes = Buffer.from(name);
      return ownerAt(placement.full, placement.position(bytes, 0, bytes.length)) === node;
    });
    expect(bench.linesSent(node)).toEqual(own.map((name) => `${name}:1|c`));
  }
});

describe("the core's memory", () => {
  test("does not grow while the core relays: those who work with its bytes would have none", () => {
    const bench = new RelayBench({});
    bench.relay.observer = () => void coreMemory.block({}, coreMemory.bytes.length);
    bench.receive("a:1|c");
    expect(bench.failures).toEqual(["the core's memory cannot grow while it relays"]);
    bench.relay.observer = undefined;
    const bytesBefore = coreMemory.bytes.length;
    const owner = {};
    coreMemory.block(owner, bytesBefore);
    coreMemory.release(owner);
    expect(coreMemory.bytes.length).toBeGreaterThan(bytesBefore);
    bench.receive("b:1|c");
    bench.relay.flush();
    expect(NODES.flatMap((node) => bench.linesSent(node))).toEqual(["b:1|c"]);
    expect(bench.failures.length).toBe(1);
  });

  test.each(["farmhash", "etsy", "ketama"] as const)("is asked for a new %s ring before the core relays", (kind) => {
    const placement = new Placement(
      kind,
      BENCH_LABELS.map((label) => ({ label, weight: 1 })),
      loadFingerprint32(),
    );
    for (const cacheSize of [0, 64]) {
      const bench = new RelayBench({ cacheSize, placement });
      const held: boolean[] = [];
      bench.locator?.use(() => {
        held.push(coreMemory.isHeld);
        return placement.full;
      });
      bench.receive("a:1|c");
      expect(held).toEqual([false]);
    }
  });
});

describe("while nodes are down", () => {
  const name = "app.logins";
  const owner = ownerOn(PLACEMENT.full, name);

  test("mirroring to the others goes on, and what the node misses is counted as node_down", () => {
    const bench = new RelayBench({ mirror: true });
    bench.nodes[1].isUp = false;
    bench.receive("a:1|c\nb:1|c");
    bench.nodes[1].isUp = true;
    bench.receive("c:1|c");
    bench.relay.flush();
    expect(NODES.map((node) => bench.linesSent(node))).toEqual([
      ["a:1|c", "b:1|c", "c:1|c"],
      ["c:1|c"],
      ["a:1|c", "b:1|c", "c:1|c"],
    ]);
    expect(bench.nodes[1].counters.linesDropped).toEqual({ node_down: 2, held: 0, send_buffer_full: 0, send_error: 0 });
  });

  test("its lines are held, and counted as held, while it still owns the names", () => {
    const bench = new RelayBench({});
    bench.nodes[owner].isUp = false;
    bench.receive(`${name}:1|c\n${name}:2|c`);
    bench.nodes[owner].isUp = true;
    bench.receive(`${name}:3|c`);
    bench.relay.flush();
    expect(bench.linesSent(owner)).toEqual([`${name}:3|c`]);
    expect(bench.nodes[owner].counters.linesDropped).toEqual({
      node_down: 0,
      held: 2,
      send_buffer_full: 0,
      send_error: 0,
    });
  });

  test("lines without a live node are counted as no_live_node", () => {
    const bench = new RelayBench({});
    bench.locator?.use(() => PLACEMENT.live(NODES.map(() => false)));
    bench.receive(`${name}:1|c\nbad\nother:1|c`);
    expect(bench.counters.linesDropped.no_live_node).toBe(2);
    expect(bench.relay.linesPending).toBe(0);
    expect(NODES.map((node) => bench.linesDropped(node))).toEqual([0, 0, 0]);
  });
});

describe("the observer", () => {
  test.each([false, true])(
    "is told every line that is not empty, in order, and what became of it (mirror: %p)",
    (mirror) => {
      fc.assert(
        fc.property(fc.array(datagram, { maxLength: 4 }), (datagrams) => {
          const bench = new RelayBench({ mirror });
          const seen: unknown[] = [];
          bench.relay.observer = (line, verdict, to) => void seen.push([line.toString("latin1"), verdict, to]);
          for (const text of datagrams) bench.receive(text);
          const textOf = ({ verdict, name }: NaiveLine) => {
            if (verdict !== Verdict.accepted) return "-";
            return mirror ? "*" : BENCH_LABELS[ownerOn(PLACEMENT.full, name)];
          };
          const lines = datagrams.flatMap((text) => naiveLines(text));
          expect(seen).toEqual(lines.map((line) => [line.text, line.verdict, textOf(line)]));
        }),
      );
    },
  );

  test("sees lines without a live node as going nowhere", () => {
    const bench = new RelayBench({});
    const seen: string[] = [];
    bench.relay.observer = (_, __, to) => void seen.push(to);
    bench.locator?.use(() => PLACEMENT.live(NODES.map(() => false)));
    bench.receive("a:1|c");
    expect(seen).toEqual(["-"]);
  });
});

test("what arrives is counted", () => {
  const bench = new RelayBench({});
  bench.receive("a:1|c\nbad\n\n:1|c\nb:1\nc:1|\nd:1|zz\n");
  bench.receive("");
  const { packetsReceived, bytesReceived, linesReceived, linesAccepted, linesRejected } = bench.counters;
  expect({ packetsReceived, bytesReceived, linesReceived, linesAccepted }).toEqual({
    packetsReceived: 2,
    bytesReceived: 32,
    linesReceived: 6,
    linesAccepted: 1,
  });
  expect(Object.fromEntries(REJECT_REASONS.map((reason, i) => [reason, linesRejected[i]]))).toEqual({
    no_colon: 1,
    empty_name: 1,
    no_pipe: 1,
    empty_type: 1,
    unknown_type: 1,
  });
});

/** What must have become of every line so far. */
class Model {
  readonly bench: RelayBench;
  /** Lines meant for each node while it was up. */
  readonly meantFor: string[][] = NODES.map(() => []);
  private readonly mode: Mode;
  private readonly isUp = NODES.map(() => true);
  /** Lines meant for each node while it was down. */
  private readonly missed = NODES.map(() => 0);
  private unowned = 0;
  private readonly seen: NaiveLine[] = [];
  private ring = PLACEMENT.full;

  constructor(mode: Mode, bench: RelayBench) {
    this.mode = mode;
    this.bench = bench;
  }

  run(step: Step): void {
    const { relay, locator } = this.bench;
    if (step === "flush") {
      relay.flush();
    } else if ("takes" in step) {
      this.bench.nodes[step.node].takes = step.takes;
    } else if ("isUp" in step) {
      this.isUp[step.node] = step.isUp;
      this.bench.nodes[step.node].isUp = step.isUp;
      if (this.mode === "rehash") {
        this.ring = PLACEMENT.live(this.isUp);
        locator?.use(() => this.ring);
      }
    } else {
      this.bench.receive(step.datagram);
      for (const line of naiveLines(step.datagram)) this.route(line);
    }
    this.expectAccounted();
  }

  private route(line: NaiveLine): void {
    this.seen.push(line);
    if (line.verdict !== Verdict.accepted) return;
    const owners = this.mode === "mirror" ? NODES : [ownerOn(this.ring, line.name)];
    for (const owner of owners) {
      if (owner === NO_LIVE_NODE) this.unowned++;
      else if (this.isUp[owner]) this.meantFor[owner].push(line.text);
      else this.missed[owner]++;
    }
  }

  private expectAccounted(): void {
    const { bench, seen } = this;
    const { counters, relay } = bench;
    const count = (verdict: Verdict) => seen.filter((line) => line.verdict === verdict).length;
    expect(counters.linesReceived).toBe(seen.length);
    expect(counters.linesAccepted).toBe(count(Verdict.accepted));
    expect(counters.linesRejected).toEqual(REJECT_REASONS.map((_, i) => count((i + 1) as Verdict)));
    expect(counters.linesDropped.no_live_node).toBe(this.unowned);
    expect(relay.linesPending).toBe(sum(bench.nodes.map(({ batch }) => batch.linesPending)));

    for (const node of NODES) {
      const { linesRelayed, linesDropped } = bench.nodes[node].counters;
      const kept = [...bench.linesSent(node), ...bench.linesWaiting(node)];
      expect(linesRelayed).toBe(bench.linesSent(node).length);
      expect(bench.nodes[node].batch.linesPending).toBe(bench.linesWaiting(node).length);
      expect(kept.length).toBe(this.meantFor[node].length - linesDropped.send_buffer_full);
      expect(isSubsequence(kept, this.meantFor[node])).toBe(true);
      const [missed, other] =
        this.mode === "mirror" ? (["node_down", "held"] as const) : (["held", "node_down"] as const);
      expect(linesDropped[missed]).toBe(this.missed[node]);
      expect(linesDropped[other]).toBe(0);
    }
    const places = NODES.map(
      (node) =>
        bench.nodes[node].counters.linesRelayed + bench.linesDropped(node) + bench.nodes[node].batch.linesPending,
    );
    if (this.mode === "mirror") expect(places).toEqual(NODES.map(() => counters.linesAccepted));
    else expect(sum(places) + counters.linesDropped.no_live_node).toBe(counters.linesAccepted);
  }
}

/** The naive way: no cache. The name is latin1, a character a byte. */
function ownerOn(ring: Ring, name: string): number {
  const bytes = Buffer.from(name, "latin1");
  return ownerAt(ring, PLACEMENT.position(bytes, 0, bytes.length));
}

function isSubsequence(some: readonly string[], all: readonly string[]): boolean {
  let at = 0;
  for (const line of all) if (at < some.length && some[at] === line) at++;
  return at === some.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

describe("a node whose lines are held back", () => {
  test("gets them in order when it is let go, and the others do not wait", () => {
    const bench = new RelayBench({ mirror: true });
    const [a, b, c] = bench.nodes;
    bench.receive("before:1|c");
    bench.relay.hold([a]);
    expect(bench.nodes.map(({ sent }) => sent.length)).toEqual([0, 1, 1]);
    bench.receive("while:1|c");
    bench.relay.flush();
    expect(bench.linesWaiting(0)).toEqual(["before:1|c", "while:1|c"]);
    bench.relay.hold([b, c]);
    expect(bench.linesSent(0)).toEqual(["before:1|c", "while:1|c"]);
    bench.relay.hold([]);
    expect(bench.linesSent(1)).toEqual(bench.linesSent(0));
    expect(bench.relay.holdsBroken).toBe(0);
  });

  // A receiver that sleeps meanwhile has room for 212,992 bytes as its kernel charges them, and other senders.
  test.each([
    [0, 20],
    [0, 700],
    [1432, 20],
    [1432, 760],
    [8192, 760],
  ])("never waits for more than its receiver takes at once (datagrams of %d bytes, lines of %d)", (most, length) => {
    const bench = new RelayBench({ mirror: true, datagramBytesMax: most });
    const [node] = bench.nodes;
    bench.relay.hold([node]);
    let chargedMax = 0;
    for (let i = 0; i < 3000; i++) {
      bench.receive(`${"x".repeat(length)}:1|c`);
      const sentBefore = node.sent.length;
      bench.relay.flush();
      const sent = node.sent.slice(sentBefore);
      chargedMax = Math.max(
        chargedMax,
        sent.map((datagram) => chargedBytes(datagram.length)).reduce((a, b) => a + b, 0),
      );
    }
    expect(bench.relay.holdsBroken).toBeGreaterThan(0);
    expect(chargedMax).toBeGreaterThan(30_000);
    expect(chargedMax).toBeLessThan(212_992 / 3);
  });
});
