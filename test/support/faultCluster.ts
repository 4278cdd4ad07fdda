/**
 * A proxy, its backends and a sender, each a process, for tests of faults. A fault happens under a load while nobody asks
 * the proxy anything, because a question changes what its event loop does: only its log is read. When the fault is over
 * everything must be in order again, and every line be where the figures say.
 */
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import type { AtEnd } from "./cleanUp.ts";
import { ask, figuresOf } from "./client.ts";
import type { Load } from "./pacedSender.ts";
import { PacedSender } from "./pacedSender.ts";
import { type FaultyPeer, Peer } from "./peer.ts";
import { prefer } from "./priority.ts";
import { type RunningProxy, type Settings, startProxy } from "./process.ts";
import { type StallWatch, watchStalls } from "./stalls.ts";
import type { Tally } from "./tally.ts";
import { until } from "./until.ts";

/** A trickle, and a rate at which a proxy gathers, and reads more than once in each turn. */
export const RATES: readonly Load[] = [
  { datagramsPerSecond: 50, linesPerDatagram: 1 },
  { datagramsPerSecond: 10_000, linesPerDatagram: 1 },
];
/** With datagrams of several lines, for faults at which it matters what a datagram holds. */
const LOADS: readonly Load[] = [...RATES, { datagramsPerSecond: 2000, linesPerDatagram: 10 }];

/** What OPERATING.md promises, in milliseconds. */
export const OUT_MS = 500;
const PING_MS = 500;
/** Beyond what a deadline allows, for the test to say how late it was. */
const PATIENCE_MS = 15_000;
const SETTLED_MS = 30_000;
/** Longer than a backend with nothing in its socket takes to count what it has read. */
const STEADY_MS = 100;
/** Of the proxy's memory, since all was in order first. */
const RESIDENT_GROWTH_BYTES_MAX = 48 << 20;

/** Of `stats`, by name. */
type Figures = Record<string, number>;

interface Snapshot {
  readonly figures: Figures;
  readonly sent: number;
  readonly lines: readonly number[];
  readonly kernelDrops: readonly number[];
}

/** The begin of something that has a deadline. */
export interface Moment {
  readonly atMs: number;
  readonly logLines: number;
  readonly stalls: StallWatch;
}

export interface ClusterOptions<P extends FaultyPeer> {
  readonly load: Load;
  readonly peers: readonly P[];
  readonly atEnd: AtEnd;
  readonly settings?: Record<string, unknown>;
  /** Starts the proxy, where that is not as usual. */
  readonly startWith?: (settings: Settings) => Promise<RunningProxy>;
  /** Goes before the sender's command, as in PacedSender. */
  readonly inside?: readonly string[];
  readonly residentGrowthBytesMax?: number;
  /** How the console is asked. */
  readonly asked?: (proxy: RunningProxy, command: string) => Promise<string>;
}

export class Cluster<P extends FaultyPeer = Peer> {
  readonly peers: readonly P[];
  readonly proxy: RunningProxy;
  readonly checkInterval: number;
  private readonly options: ClusterOptions<P>;
  load: Load;
  private sender: PacedSender;
  /** Datagrams, by those before it. */
  private sentBefore = 0;
  private readonly asked: (proxy: RunningProxy, command: string) => Promise<string>;
  private before: Snapshot;
  private exitCode: number | undefined;
  private residentBytes = 0;
  private openFiles = 0;

  private constructor(options: ClusterOptions<P>, proxy: RunningProxy, sender: PacedSender, checkInterval: number) {
    const { load, peers, asked = ask } = options;
    this.options = options;
    this.load = load;
    this.peers = peers;
    this.proxy = proxy;
    this.sender = sender;
    this.checkInterval = checkInterval;
    this.asked = asked;
    const nothing = peers.map(() => 0);
    this.before = { figures: {}, sent: 0, lines: nothing, kernelDrops: nothing };
    void proxy.exited.then((exitCode) => {
      this.exitCode = exitCode;
    });
  }

  /** Starts what is not there yet, and sees it work. */
  static async start<P extends FaultyPeer>(options: ClusterOptions<P>): Promise<Cluster<P>> {
    const { load, peers, atEnd, settings = {}, inside = [] } = options;
    const { startWith = (settings) => startProxy(settings, { atEnd }) } = options;
    const complete = { nodes: peers.map(({ node }) => node), checkInterval: 1000, ...settings };
    const proxy = await startWith(complete);
    prefer(proxy.pid);
    const sender = await PacedSender.start({ ...load, port: proxy.port, inside, atEnd });
    const cluster = new Cluster(options, proxy, sender, complete.checkInterval);
    cluster.before = { ...cluster.before, lines: await cluster.linesOfPeers() };
    await cluster.suffers([], async () => {});
    cluster.residentBytes = residentBytes(proxy.pid);
    // A connection for checks, of each node whose checks have not begun yet.
    cluster.openFiles = proxy.openFiles() + peers.length;
    return cluster;
  }

  /**
   * Has something happen to `victims` under load; and then sees that all is in order: the proxy alive and prompt, no other
   * node ever out, all nodes up, every line accounted for, here and there, memory and descriptors as before.
   * Returns how many lines were sent.
   */
  async suffers(victims: readonly P[], happens: () => Promise<void>): Promise<number> {
    const begin = this.now();
    const stalls = this.peers.map((peer) => watchStalls([this.proxy.pid, peer.pid]));
    this.sender.go();
    await this.relaysToAll();
    await happens();
    const over = this.now(...victims);
    await this.relaysToAll();
    const sent = this.sentBefore + (await this.sender.halt());
    const sentNow = sent - this.before.sent;
    await this.expectPrompt();
    await this.expectAllUp(over);
    await this.expectOrder(victims, sent, begin, stalls);
    return sentNow * this.load.linesPerDatagram;
  }

  /** Another sender sends from now on. */
  async turnTo(load: Load): Promise<void> {
    const { inside = [], atEnd } = this.options;
    await this.sender.end();
    this.sentBefore = this.before.sent;
    // Its serial numbers begin again.
    for (const tally of talliesOf(this.peers)) tally.times.fill(0);
    this.load = load;
    this.sender = await PacedSender.start({ ...load, port: this.proxy.port, inside, atEnd });
  }

  async end(): Promise<void> {
    await Promise.all([this.sender.end(), this.proxy.end(), ...this.peers.map((peer) => peer.kill())]);
  }

  /** Now; what is said to have waited for a processor since then includes `others`. */
  now(...others: readonly { readonly pid: number }[]): Moment {
    const stalls = watchStalls([this.proxy.pid, ...others.map(({ pid }) => pid)]);
    return { atMs: Date.now(), logLines: this.proxy.lines.length, stalls };
  }

  /**
   * Waits until the log says that a node is out or back, and expects that in time. Of a node that flaps it does not say
   * so, then only what is looked at in the end counts.
   */
  async says(event: "node_down" | "node_up", { label }: P, since: Moment, withinMs: number): Promise<void> {
    const what = `event=${event} node=${label} `;
    // On a busy machine a node may be back before the moment is noted at which its fault was over.
    const wentOut = this.proxy.lines.findLastIndex((said) => said.includes(`event=node_down node=${label} `));
    const from = event === "node_up" && wentOut !== -1 ? wentOut : since.logLines;
    const line = await until(
      what,
      () => this.proxy.lines.slice(from).find((said) => said.includes(what)) ?? this.flapping(label),
      withinMs + PATIENCE_MS,
    );
    if (line === this.flapping(label)) return;
    const tookMs = timeOf(line) - since.atMs;
    const stalledMs = since.stalls.stalledMs();
    if (tookMs <= withinMs + stalledMs) return;
    const slack = `the machine stalled for ${stalledMs.toFixed()} ms`;
    throw new Error(`${what}after ${tookMs} ms, and not within ${withinMs} ms (${slack})`);
  }

  /** What the log says of a node that flaps. */
  private flapping(label: string): string | undefined {
    const ofNode = this.proxy.lines.filter(
      (said) => / event=(node|flapping)_/.test(said) && said.includes(` node=${label} `),
    );
    const said = ofNode.at(-1);
    return said?.includes(" event=node_flapping ") ? said : undefined;
  }

  async saysOut(peer: P, since: Moment, withinMs = OUT_MS): Promise<void> {
    await this.says("node_down", peer, since, withinMs);
  }

  /** Expects a node to be back within two check intervals, and what the network itself takes. */
  async saysBack(peer: P, since: Moment, networkMs = 0): Promise<void> {
    await this.says("node_up", peer, since, 2 * this.checkInterval + networkMs);
  }

  /** What `stats` said when all was in order last. */
  get figures(): Figures {
    return this.before.figures;
  }

  /** Waits until the proxy has no more descriptors open than when it began: what each fault left behind would add up. */
  async hasFewFiles(): Promise<void> {
    const isSo = () => {
      this.expectAlive();
      return this.proxy.openFiles() <= this.openFiles;
    };
    await until(`${this.openFiles} descriptors`, isSo);
  }

  /** Lines of the log since then. */
  log(since: Moment): readonly string[] {
    return this.proxy.lines.slice(since.logLines);
  }

  /** Waits until every backend gets lines, from now on. */
  async relaysToAll(): Promise<void> {
    const before = await this.linesOfPeers();
    await until("lines at every backend", async () =>
      (await this.linesOfPeers()).every((count, i) => count > before[i]),
    );
  }

  private async linesOfPeers(): Promise<number[]> {
    return await Promise.all(this.peers.map((peer) => peer.lines()));
  }

  /** Of the log. */
  lastLines(): string {
    return this.proxy.lines.slice(-15).join("\n");
  }

  private expectAlive(): void {
    if (this.exitCode === undefined) return;
    throw new Error(`the proxy ended with ${this.exitCode}: ${this.proxy.lines.slice(-10).join("\n")}`);
  }

  private async expectPrompt(): Promise<void> {
    this.expectAlive();
    const asking = this.now();
    expect(await this.asked(this.proxy, "ping")).toBe("pong\n");
    const tookMs = Date.now() - asking.atMs;
    expect(tookMs).toBeLessThan(PING_MS + asking.stalls.stalledMs());
  }

  /** All nodes are up two check intervals after the fault is over; what the test itself does meanwhile takes a moment, too. */
  private async expectAllUp(over: Moment): Promise<void> {
    const allowedMs = 2 * this.checkInterval + PING_MS;
    const isUp = async () => {
      const { nodes_up } = figuresOf(await this.asked(this.proxy, "stats"));
      if (nodes_up === this.peers.length) return true;
      if (Date.now() - over.atMs <= allowedMs + over.stalls.stalledMs()) return false;
      throw new Error(`${nodes_up} of ${this.peers.length} nodes are up ${allowedMs} ms after the fault was over`);
    };
    await until("all nodes up", isUp);
  }

  private async expectOrder(
    victims: readonly P[],
    sent: number,
    begin: Moment,
    stalls: readonly StallWatch[],
  ): Promise<void> {
    const { load, peers, before } = this;
    const figures = await until(
      `${sent} datagrams accounted for`,
      async () => {
        const figures = figuresOf(await this.asked(this.proxy, "stats"));
        const { packets_received, kernel_drops, lines_pending, nodes_up } = figures;
        const isOver = packets_received + kernel_drops === sent && lines_pending === 0 && nodes_up === peers.length;
        return isOver && figures;
      },
      SETTLED_MS,
    );
    const { lines_received, lines_rejected, lines_accepted, lines_relayed, lines_dropped } = figures;
    const since = (name: string) => figures[name] - (before.figures[name] ?? 0);
    expect(since("lines_received")).toBe(since("packets_received") * load.linesPerDatagram);
    expect(lines_rejected).toBe(0);
    expect(lines_received).toBe(lines_rejected + lines_accepted);
    expect(lines_accepted).toBe(lines_relayed + lines_dropped);
    expect(figures.invariant_violations ?? 0).toBe(0);
    expect(figures.internal_errors ?? 0).toBe(0);

    const lines: number[] = [];
    const kernelDrops = peers.map((peer) => kernelDropsOf(peer));
    for (const [i, peer] of peers.entries()) {
      const grown = (name: string) => since(`node.${peer.label}.${name}`);
      const isVictim = victims.includes(peer);
      // Some of them its kernel may have dropped, or have held when it was killed.
      const isExact = !isVictim && kernelDrops[i] === before.kernelDrops[i];
      const relayed = grown("lines_relayed");
      const arrived = async () => {
        const count = await peer.lines();
        lines[i] = count;
        return count - before.lines[i];
      };
      if (isExact) {
        await until(`${relayed} lines at ${peer.label}`, async () => (await arrived()) >= relayed).catch(() => {});
        expect([peer.label, await arrived()]).toEqual([peer.label, relayed]);
      } else {
        await takesInAll(peer);
        expect(await arrived()).toBeLessThanOrEqual(relayed);
      }
      if (!isVictim) {
        // A summary (repeated=N) is of the log's last window, and so perhaps of an earlier fault.
        const isNews = (line: string) =>
          line.includes(`event=node_down node=${peer.label} `) && !/ repeated=\d/.test(line);
        const news = this.log(begin).filter(isNews);
        // One that gets no processor is out, and rightly.
        const isSilent = news.length > 0 && news.every((line) => line.includes(": no answer in "));
        if (isSilent && stalls[i].stalledMs() > this.checkInterval) continue;
        expect(news).toEqual([]);
        expect([peer.label, grown("state_changes")]).toEqual([peer.label, 0]);
      }
    }
    expectEachOnce(peers, sent * load.linesPerDatagram);
    this.before = { figures, sent, lines, kernelDrops };

    if (this.openFiles === 0) return;
    const { residentGrowthBytesMax = RESIDENT_GROWTH_BYTES_MAX } = this.options;
    expect(residentBytes(this.proxy.pid)).toBeLessThan(this.residentBytes + residentGrowthBytesMax);
    await this.hasFewFiles();
  }
}

/** Starts a cluster for each load when it is first needed, and again after it has failed. */
export function atEveryLoad<P extends FaultyPeer>(start: (load: Load) => Promise<Cluster<P>>, loads = LOADS) {
  const clusters = new Map<Load, Cluster<P>>();
  /** Does the same at every load, side by side; tells all that failed. */
  return async (play: (cluster: Cluster<P>) => Promise<void>): Promise<void> => {
    const failures = loads.map(async (load) => {
      try {
        const cluster = clusters.get(load) ?? (await start(load));
        clusters.set(load, cluster);
        await play(cluster);
      } catch (error) {
        const log = clusters.get(load)?.lastLines() ?? "";
        await clusters.get(load)?.end();
        clusters.delete(load);
        return `at ${loadName(load)}: ${(error as Error).message}\n${log}`;
      }
      return undefined;
    });
    const said = (await Promise.all(failures)).filter((failure) => failure !== undefined);
    if (said.length > 0) throw new Error(said.join("\n\n"));
  };
}

function loadName({ datagramsPerSecond, linesPerDatagram }: Load): string {
  return `${datagramsPerSecond} datagrams/s${linesPerDatagram > 1 ? ` of ${linesPerDatagram} lines` : ""}`;
}

function talliesOf(peers: readonly FaultyPeer[]): Tally[] {
  return peers.filter((peer) => peer instanceof Peer).map(({ tally }) => tally);
}

/** No line arrived twice, nor anything that was not sent. @param sent no more lines than that were */
function expectEachOnce(peers: readonly FaultyPeer[], sent: number): void {
  const tallies = talliesOf(peers);
  expect(tallies.map(({ strange }) => strange)).toEqual(tallies.map(() => 0));
  const times = new Uint8Array(sent);
  let repeated = 0;
  for (const tally of tallies) {
    for (let serial = 0; serial < sent; serial++) {
      times[serial] += tally.times[serial];
      if (times[serial] > 1) repeated++;
    }
  }
  expect(repeated).toBe(0);
}

/** The time that a line of the log has, as Date.now. */
function timeOf(line: string): number {
  return Date.parse(/^time=(\S+)/.exec(line)?.[1] ?? "");
}

export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

/** Waits until a backend has counted all that its socket held: later it would count as what comes after the next fault. */
async function takesInAll(peer: FaultyPeer): Promise<void> {
  let last = { lines: -1, atMs: 0 };
  await until(`all that ${peer.label} has to read`, async () => {
    const lines = await peer.lines();
    if (lines !== last.lines || udpSocketsOf(peer).some(({ queuedBytes }) => queuedBytes > 0))
      last = { lines, atMs: performance.now() };
    return performance.now() - last.atMs >= STEADY_MS;
  });
}

/** Datagrams that the kernel dropped at a backend's socket. */
export function kernelDropsOf(peer: FaultyPeer): number {
  return udpSocketsOf(peer).reduce((sum, { drops }) => sum + drops, 0);
}

/** The sockets on a backend's port, in whatever namespace that is. */
function udpSocketsOf({ pid, node }: FaultyPeer): { queuedBytes: number; drops: number }[] {
  const port = `:${node.port.toString(16).toUpperCase().padStart(4, "0")}`;
  const sockets = readFileSync(`/proc/${pid}/net/udp`, "utf8").split("\n");
  const own = sockets.map((line) => line.trim().split(/\s+/)).filter(([, local]) => local?.endsWith(port));
  // local_address, rem_address, st, tx_queue:rx_queue, ..., drops
  return own.map((fields) => ({
    queuedBytes: Number.parseInt(fields[4].split(":")[1], 16),
    drops: Number(fields.at(-1)),
  }));
}
