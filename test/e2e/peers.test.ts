/** The real ones around the compiled binary: metrics from hot-shots, through the proxy, to three of Etsy's statsd. */
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { dirname, join } from "node:path";
import { fileURLToPath } from "bun";
import { StatsD } from "hot-shots";
import { endOfFile } from "../support/cleanUp.ts";
import { stats } from "../support/client.ts";
import { emptyFolder } from "../support/folder.ts";
import { freePorts } from "../support/ports.ts";
import { configFile, Running, type RunningProxy, startProxy } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const NODE = Bun.which("node");
const BECAUSE = NODE === null ? " (skipped: there is no node here)" : "";
const STATSD = fileURLToPath(import.meta.resolve("statsd/stats.js"));
const SHIM = join(import.meta.dir, "..", "support", "statsdShim.cjs");

const NAMES = 60;
/** Values of each name. */
const VALUES = 20;

/** What one statsd printed, over all its flushes. */
interface Totals {
  readonly counters: Record<string, number>;
  readonly gauges: Record<string, number>;
  readonly timers: Record<string, number[]>;
  readonly sets: Record<string, string[]>;
}

/** Etsy's daemon, with its own management port and its console backend. */
class Statsd extends Running {
  readonly port: number;
  readonly managementport: number;
  private readonly printed: Totals = { counters: {}, gauges: {}, timers: {}, sets: {} };

  static async start(atEnd: ReturnType<typeof endOfFile>): Promise<Statsd> {
    const [port, managementport] = await freePorts(2);
    const statsd = new Statsd(port, managementport, atEnd);
    await statsd.line("server is up");
    return statsd;
  }

  private constructor(port: number, managementport: number, atEnd: ReturnType<typeof endOfFile>) {
    const folder = emptyFolder(atEnd);
    const file = configFile(folder, {
      address: "127.0.0.1",
      port,
      mgmt_address: "127.0.0.1",
      mgmt_port: managementport,
      backends: [join(dirname(STATSD), "backends", "console")],
      flushInterval: 100,
      // What was printed once is not printed again, but for gauges: to those the next ones are added.
      deleteIdleStats: true,
      deleteGauges: false,
    });
    super([NODE ?? "node", "--require", SHIM, STATSD, file], folder, atEnd);
    this.port = port;
    this.managementport = managementport;
  }

  /** What was printed so far; its own figures left out. */
  totals(): Totals {
    const totals = this.printed;
    for (const line of this.lines.splice(0)) {
      if (!line.startsWith("{ counters:")) continue;
      const flush = Bun.JSON5.parse(line) as Totals;
      for (const [name, count] of ours(flush.counters)) totals.counters[name] = (totals.counters[name] ?? 0) + count;
      for (const [name, value] of ours(flush.gauges)) totals.gauges[name] = value;
      for (const [name, values] of ours(flush.timers))
        totals.timers[name] = [...(totals.timers[name] ?? []), ...values];
      for (const [name, values] of ours(flush.sets)) {
        totals.sets[name] = [...new Set([...(totals.sets[name] ?? []), ...values])].sort();
      }
    }
    return totals;
  }
}

function ours<T>(metrics: Record<string, T>): [name: string, value: T][] {
  return Object.entries(metrics).filter(([name]) => !name.startsWith("statsd."));
}

const atEnd = endOfFile();

describe.skipIf(NODE === null)(`hot-shots and three of Etsy's statsd${BECAUSE}`, () => {
  let backends: Statsd[];
  let proxy: RunningProxy;

  beforeAll(async () => {
    backends = await Promise.all([Statsd.start(atEnd), Statsd.start(atEnd), Statsd.start(atEnd)]);
    const nodes = backends.map(({ port, managementport }) => ({ host: "127.0.0.1", port, adminport: managementport }));
    proxy = await startProxy({ nodes, checkInterval: 200, fall: 5 }, { atEnd });
  });

  test("Etsy's statsd passes the health checks", async () => {
    await until("some checks", async () => {
      const figures = await stats(proxy);
      return backends.every(({ port }) => figures[`node.127.0.0.1:${port}.checks_passed`] >= 3);
    });
    expect(await stats(proxy)).toMatchObject({ nodes: 3, nodes_up: 3 });
  });

  test("what the three print adds up to what was sent, and no name is printed by two", async () => {
    const client = new StatsD({
      host: "127.0.0.1",
      port: proxy.port,
      prefix: "app.",
      maxBufferSize: 1000,
      bufferFlushInterval: 10,
    });
    const expected: Totals = { counters: {}, gauges: {}, timers: {}, sets: {} };
    for (let value = 1; value <= VALUES; value++) {
      for (let i = 0; i < NAMES; i++) {
        client.increment(`counted.${i}`, value);
        client.timing(`timed.${i}`, value * i);
        client.set(`distinct.${i}`, `user-${value % 7}`);
        // The first is absolute and the others add to it, which they do only if they come in order.
        if (value === 1) client.gauge(`level.${i}`, 1000 + i);
        else client.gaugeDelta(`level.${i}`, value);
      }
      await new Promise<void>((resolve) => client.increment("rounds", 1, () => resolve()));
      await until("taken in", async () => (await stats(proxy)).lines_accepted === value * (4 * NAMES + 1));
    }
    const values = Array.from({ length: VALUES }, (_, i) => i + 1);
    const sum = values.reduce((total, value) => total + value, 0);
    expected.counters["app.rounds"] = VALUES;
    for (let i = 0; i < NAMES; i++) {
      expected.counters[`app.counted.${i}`] = sum;
      expected.timers[`app.timed.${i}`] = values.map((value) => value * i);
      expected.sets[`app.distinct.${i}`] = Array.from({ length: 7 }, (_, user) => `user-${user}`);
      expected.gauges[`app.level.${i}`] = 1000 + i + sum - 1;
    }
    await new Promise<void>((resolve) => client.close(() => resolve()));

    const printed = () => backends.map((backend) => backend.totals());
    await until("all of it printed", () => Bun.deepEquals(merged(printed()), expected)).catch(() => {});
    expect(merged(printed())).toEqual(expected);
    for (const kind of ["counters", "gauges", "timers", "sets"] as const) {
      const names = printed().map((totals) => Object.keys(totals[kind]));
      expect(new Set(names.flat()).size).toBe(names.flat().length);
      for (const ofOne of names) expect(ofOne.length).toBeGreaterThan(0);
    }
    expect(await stats(proxy)).toMatchObject({ lines_rejected: 0, lines_dropped: 0, nodes_up: 3 });
  });
});

function merged(totals: readonly Totals[]): Totals {
  return {
    counters: Object.assign({}, ...totals.map(({ counters }) => counters)),
    gauges: Object.assign({}, ...totals.map(({ gauges }) => gauges)),
    timers: Object.assign({}, ...totals.map(({ timers }) => timers)),
    sets: Object.assign({}, ...totals.map(({ sets }) => sets)),
  };
}
