/**
 * The data plane: sources -> cluster -> nodes, and the counters along the way.
 *
 *     source: datagrams -> relay of the cluster -> ... ; at the end of a turn: send
 *
 * It starts with nothing open. Every change, including the first, is prepared and then committed between two datagrams.
 */
import type { Config } from "../config/config.ts";
import type { Log } from "../log/log.ts";
import { usualGatherMs } from "../net/gather.ts";
import type { Source, SourceSettings } from "../net/source.ts";
import { Turns } from "../net/turns.ts";
import { UdpSource } from "../net/udpSource.ts";
import { Delays } from "../observe/delays.ts";
import type { History, Totals } from "../observe/history.ts";
import { lineLog } from "../observe/lineLog.ts";
import { summaryOf } from "../observe/readings.ts";
import { LAG_SECONDS_MAX } from "../observe/verdict.ts";
import type { ConfigView, Loop, OwnHealth, View } from "../observe/view.ts";
import { Watch } from "../observe/watch.ts";
import { Counters } from "../relay/counters.ts";
import type { LineObserver } from "../relay/relay.ts";
import { hostPort } from "../text/hostPort.ts";
import { Cluster } from "./cluster.ts";
import { LoopWatch } from "./loopWatch.ts";
import type { Node } from "./node.ts";
import type { Opening } from "./opening.ts";
import type { Platform } from "./platform.ts";

export interface EngineParts {
  /** In force once the first change is committed. */
  readonly config: Config;
  /** Of its file; empty: there is none. */
  readonly hash: string;
  readonly platform: Platform;
  readonly log: Log;
  /** Names have other addresses: the configuration in force should be prepared and committed again. */
  readonly onNamesChanged: () => void;
  /** Logs what happens to each line. */
  readonly debugMode: boolean;
}

const NOT_SHARED = "is in use, and not shared: that takes reusePort on both sides, and the same user (EADDRINUSE)";

/** A source, and the address that it was opened for. */
interface BoundSource {
  readonly source: Source;
  readonly host: string;
  readonly port: number;
}

export class Engine {
  readonly counters = new Counters();
  readonly cluster: Cluster;
  /** The configuration in force. */
  config: Config;
  /** What is known of its file. */
  configuration: ConfigView;
  /** As operators set it, to take the proxy out of a load balancer. */
  health: OwnHealth;
  /** History of the rates, kept only while there is somebody to show it to. */
  history: History | undefined;
  private readonly parts: EngineParts;
  private readonly startedAtMs: number;
  private readonly turns: Turns;
  private readonly debugObserver: LineObserver | undefined;
  private readonly delays = new Delays();
  private readonly watch: Watch;
  private readonly loopWatch: LoopWatch<Node>;
  private bound: BoundSource | undefined;
  /** Replaced sources that are still being drained. */
  private readonly draining = new Map<Source, Promise<void>>();
  /** Kernel drops at sources that are closed. */
  private closedSourceDrops = 0;

  constructor(parts: EngineParts) {
    const { platform, log, debugMode, config } = parts;
    const { clock } = platform;
    this.parts = parts;
    this.config = config;
    this.startedAtMs = clock.nowMs();
    this.health = { isUp: true, sinceMs: clock.epochMs() };
    this.configuration = { hash: parts.hash, loadedAtSeconds: clock.epochMs() / 1000, isLatest: true };
    this.cluster = new Cluster({
      ...{ platform, log, counters: this.counters },
      view: () => this.view(),
      onNamesChanged: parts.onNamesChanged,
      onFailure: (error) => this.failed(error),
    });
    this.turns = new Turns({ clock, flush: () => this.flush() });
    this.debugObserver = debugMode ? this.lineLog() : undefined;
    this.observe(undefined);
    this.loopWatch = new LoopWatch<Node>({
      ...{ clock, random: () => (platform.random32() >>> 0) / 2 ** 32 },
      linesReceived: () => this.counters.linesReceived,
      nodes: () => this.cluster.backends,
      gatherMs: () => this.gatherMs(this.config.gather),
      holdsBroken: () => this.cluster.relay.holdsBroken,
      hold: (nodes) => this.hold(nodes),
      onChange: (loop) => this.logLoop(loop),
    });
    this.watch = new Watch({
      view: () => this.view(),
      signs: () => this.signs(),
      cpuSeconds: () => platform.resources().cpuSeconds,
      also: () => this.loopWatch.look(),
      ...{ counters: this.counters, rejected: this.cluster.relay.rejected, log, clock },
    });
  }

  /** Where metrics arrive; undefined before the first commit. */
  get source(): Source | undefined {
    return this.bound?.source;
  }

  /** Opens what is new in the next configuration, or behind its names, except where metrics arrive. Returns the number of nodes. */
  async prepare(next: Config, opening: Opening): Promise<number> {
    return await this.cluster.prepare(next, opening);
  }

  /**
   * Binds the socket that metrics arrive at, if it is a new one. Call this when everything else is open, and commit
   * without waiting for anything: a socket that shares its port gets datagrams from the moment that it is bound. A proxy
   * that stops meanwhile binds none.
   */
  async prepareSource(next: Config, opening: Opening, isStopping: () => boolean): Promise<void> {
    const { bound } = this;
    if (bound?.host === next.host && bound.port === next.port) {
      opening.onCommit(() => {
        this.config = next;
        bound.source.use(this.sourceSettings(next));
      });
      return;
    }
    // Another address of the same port: for a moment both sockets have it.
    const isShared = bound !== undefined && bound.port === next.port;
    // What a shared port hands to a socket that is closed again is lost.
    if ((next.reusePort || isShared) && opening.problems.length > 0) return;
    const address = await opening.resolve("host", next.host);
    if (address === undefined || isStopping()) return;
    if (isShared) {
      const settings = this.sourceSettings(this.config);
      bound.source.use({ ...settings, reusePort: true });
      opening.onAbandon(() => bound.source.use(settings));
    }
    const settings = { ...next, reusePort: next.reusePort || isShared };
    const at = { host: "host", port: "port", address: hostPort(next.host, next.port) };
    const source = await opening.open(at, () => this.openSource(settings, address));
    if (source === undefined) return;
    opening.onCommit(() => {
      const before = this.config;
      this.config = next;
      this.bound = { source, host: next.host, port: next.port };
      const settings = this.sourceSettings(next);
      source.use(settings);
      source.begin();
      if (bound === undefined) return;
      // A sleep for the old socket delays the new one.
      const { gather } = settings;
      bound.source.use({ ...this.sourceSettings(before), gather, reusePort: before.reusePort || isShared });
      this.drainSource(bound.source);
    });
  }

  /**
   * Logs the receive buffer of the socket that metrics arrive at. The kernel doubles what is asked for, and counts its
   * own overhead against it; the log shows both sizes as asked for.
   */
  logSource(): void {
    const { source, config } = this;
    if (source === undefined) return;
    const { log } = this.parts;
    const { receiveBuffer, canBeInterrupted } = source;
    const asked = config.receiveBuffer;
    if (receiveBuffer instanceof Error) log.warn("receive_buffer", { asked, reason: receiveBuffer.message });
    else logGranted(log, asked, receiveBuffer / 2);
    if (!canBeInterrupted) log.warn("flood_unprotected", { reason: "ICMP is filtered on the loopback interface" });
  }

  /** An operator says whether the proxy should get metrics. */
  setHealth(isUp: boolean): void {
    if (isUp === this.health.isUp) return;
    const { log, platform } = this.parts;
    this.health = { isUp, sinceMs: platform.clock.epochMs() };
    log.info("health_set", isUp ? { from: "down", to: "up" } : { from: "up", to: "down" });
  }

  /** All figures at this moment. */
  view(): View {
    const { log, platform } = this.parts;
    const { counters, cluster, source } = this;
    const { receiveBuffer } = source ?? {};
    return {
      nowMs: platform.clock.epochMs(),
      settings: this.config,
      health: this.health,
      recent: this.watch.recent,
      namesMoved: cluster.namesMoved,
      uptimeSeconds: (platform.clock.nowMs() - this.startedAtMs) / 1000,
      counters,
      configuration: this.configuration,
      nodes: cluster.views(),
      retired: cluster.retired(),
      loop: this.loopWatch.loop,
      namesCached: cluster.namesCached,
      receiveBufferBytes: typeof receiveBuffer === "number" ? receiveBuffer : undefined,
      kernelDrops: this.kernelDrops(),
      delay: source?.tellsWaits ? this.delays.view(platform.clock.nowMs()) : undefined,
      logLinesLost: log.linesLost,
      eventLoopLag: this.history?.lag,
      resources: platform.resources(),
    };
  }

  /**
   * What a watch can tell something new of: objects, and the sum of all counts. The sum may stay the same when nodes are
   * others. A loop needs no sign: without packets there is none.
   */
  private signs(): readonly unknown[] {
    const { cluster, history, health, configuration } = this;
    const isLate = history !== undefined && history.lag.maxSeconds > LAG_SECONDS_MAX;
    let counted = this.counters.watched + (this.kernelDrops() ?? 0) + this.parts.log.linesLost;
    for (const { counters, health } of cluster.backends) counted += counters.watched + health.changes;
    return [configuration, health, isLate, cluster.backends, counted];
  }

  /** Takes a sample for the rates. */
  sample(nowMs: number): Totals {
    return this.cluster.sample(nowMs, this.kernelDrops() ?? 0);
  }

  /** Shows every line to an observer; undefined: to none. */
  observe(observer: LineObserver | undefined): void {
    this.cluster.relay.observer = bothOf(this.debugObserver, observer);
  }

  /** Handles an exception that nothing else caught: it is counted and logged, and the proxy goes on. */
  failed(error: Error): void {
    this.counters.internalErrors++;
    this.parts.log.error("internal_error", { reason: String(error?.message ?? error), at: firstFrameOf(error) });
  }

  /** Reads what the kernel holds, sends it, and logs a summary. */
  async finish(): Promise<void> {
    const { source } = this;
    if (source) this.drainSource(source);
    await Promise.all(this.draining.values());
    this.loopWatch.close();
    this.cluster.finish();
    this.watch.finish();
    this.parts.log.info("stopped", summaryOf(this.view()));
  }

  close(): void {
    this.bound?.source.close();
    this.watch.close();
    this.loopWatch.close();
    this.cluster.close();
  }

  private lineLog(): LineObserver {
    return lineLog({
      log: this.parts.log,
      liveLabels: () => this.cluster.liveLabels(),
      dropReason: () => (this.config.mirror ? "node_down" : this.config.failover === "hold" ? "held" : "no_live_node"),
    });
  }

  private async openSource(settings: Config, host: string): Promise<Source> {
    const { clock, network } = this.parts.platform;
    const { relay } = this.cluster;
    const { rejected } = relay;
    const { port, reusePort } = settings;
    let source: Source | undefined;
    const tellSender = () => {
      if (rejected.awaitsSender) rejected.sentBy(source?.sender(rejected.datagram));
    };
    const open = UdpSource.open({
      ...{ ...this.sourceSettings(settings), host, port, turns: this.turns, network, clock },
      onLines: (bytes, start, end) => {
        relay.datagram(bytes, start, end);
        tellSender();
      },
      onDatagrams: (datagrams) => {
        relay.datagrams(datagrams);
        tellSender();
      },
      // Without a live node their lines are dropped.
      onWaited: (ms, datagrams) => {
        if (this.cluster.hasLiveNode) this.delays.read(ms, clock.nowMs(), datagrams);
      },
      onTurnEnd: () => relay.flush(),
      onError: (error) => this.failed(error),
    });
    source = await open.catch((error: NodeJS.ErrnoException) => {
      throw reusePort && error.code === "EADDRINUSE"
        ? new Error(`${hostPort(settings.host, port)} ${NOT_SHARED}`)
        : error;
    });
    return source;
  }

  private sourceSettings({ receiveBuffer, gather, reusePort }: Config): SourceSettings {
    return { receiveBuffer, gather: this.gatherMs(gather), reusePort };
  }

  /** The longest sleep, for the nodes that there are. @param gather what is configured */
  private gatherMs(gather: number | undefined): number {
    return gather ?? usualGatherMs(this.cluster.backends.length);
  }

  private logLoop(loop: Loop | undefined): void {
    const { log } = this.parts;
    if (loop === undefined) log.info("loop_over", {});
    else log.warn("loop", { through: loop.nodes.join(" ") });
  }

  private hold(nodes: readonly Node[]): void {
    try {
      this.cluster.relay.hold(nodes);
    } catch (error) {
      this.failed(error as Error);
    }
  }

  private flush(): void {
    try {
      this.cluster.relay.flush();
      this.delays.handedOver(this.parts.platform.clock.nowMs());
    } catch (error) {
      this.failed(error as Error);
    }
  }

  /** Drains a source, and keeps its counts. */
  private drainSource(source: Source): void {
    if (this.draining.has(source)) return;
    const finish = async () => {
      await source.finish();
      this.counters.datagramsUnread += source.datagramsUnread;
      if (this.bound?.source === source) return;
      this.closedSourceDrops += source.kernelDrops() ?? 0;
      this.draining.delete(source);
    };
    this.draining.set(source, finish());
  }

  /** At all sockets, closed ones included; undefined if the kernel cannot tell. */
  private kernelDrops(): number | undefined {
    let drops = this.source?.kernelDrops();
    if (drops === undefined) return undefined;
    drops += this.closedSourceDrops;
    for (const source of this.draining.keys()) if (source !== this.source) drops += source.kernelDrops() ?? 0;
    return drops;
  }
}

function logGranted(log: Log, asked: number, granted: number): void {
  if (granted >= asked) log.info("receive_buffer", { asked, granted });
  else log.warn("receive_buffer", { asked, granted, raise_with: `sysctl -w net.core.rmem_max=${asked}` });
}

/** Where an error was thrown, according to its stack. */
function firstFrameOf(error: Error): string {
  return String(error?.stack ?? "").match(/^\s*at (.+)$/m)?.[1] ?? "unknown";
}

function bothOf(one: LineObserver | undefined, other: LineObserver | undefined): LineObserver | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return (line, verdict, to) => {
    one(line, verdict, to);
    other(line, verdict, to);
  };
}
