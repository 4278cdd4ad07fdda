/**
 * The data plane: ways in -> cluster -> nodes, and what is counted on the way.
 *
 *     source: datagrams -> relay of the cluster -> ... ; a turn ends: send
 *
 * It begins with nothing open. Every change, also the first, is prepared, and then committed between two datagrams.
 */
import type { Config } from "../config/config.ts";
import type { Log } from "../log/log.ts";
import type { Source } from "../net/source.ts";
import { Turns } from "../net/turns.ts";
import { UdpSource } from "../net/udpSource.ts";
import type { History, Totals } from "../observe/history.ts";
import { lineLog } from "../observe/lineLog.ts";
import { summaryOf } from "../observe/readings.ts";
import type { View } from "../observe/view.ts";
import { Watch } from "../observe/watch.ts";
import { Counters } from "../relay/counters.ts";
import type { LineObserver } from "../relay/relay.ts";
import { Cluster } from "./cluster.ts";
import type { Opening } from "./opening.ts";
import type { Platform } from "./platform.ts";

export interface EngineParts {
  /** What is in force when the first change is committed. */
  readonly config: Config;
  readonly platform: Platform;
  readonly log: Log;
  /** Says what becomes of each line. */
  readonly debugMode: boolean;
}

/** A way in, and what it was opened by. */
interface Way {
  readonly source: Source;
  readonly host: string;
  readonly port: number;
}

export class Engine {
  readonly counters = new Counters();
  readonly cluster: Cluster;
  /** In force. */
  config: Config;
  /** Of the rates, while somebody may ask for them. */
  history: History | undefined;
  private readonly parts: EngineParts;
  private readonly startedAtMs: number;
  private readonly turns: Turns;
  private readonly debugObserver: LineObserver | undefined;
  private readonly watch: Watch;
  private way: Way | undefined;
  /** Ways in that are read to their ends. */
  private readonly finishing = new Map<Source, Promise<void>>();
  /** What the kernel dropped at those that are closed. */
  private dropsBefore = 0;

  constructor(parts: EngineParts) {
    const { platform, log, debugMode, config } = parts;
    const { clock } = platform;
    this.parts = parts;
    this.config = config;
    this.startedAtMs = clock.nowMs();
    this.cluster = new Cluster({
      ...{ platform, log, counters: this.counters },
      view: () => this.view(),
      onFailure: (error) => this.failed(error),
    });
    this.turns = new Turns({ clock, flush: () => this.flush() });
    this.debugObserver = debugMode ? this.lineLog() : undefined;
    this.observe(undefined);
    this.watch = new Watch({ view: () => this.view(), counters: this.counters, log, clock });
  }

  /** Where metrics arrive; undefined before the first commit. */
  get source(): Source | undefined {
    return this.way?.source;
  }

  /** Opens what the next configuration has and this has not. */
  async prepare(next: Config, opening: Opening): Promise<void> {
    await this.cluster.prepare(next, opening);
    const { way } = this;
    if (way?.host === next.host && way.port === next.port) {
      opening.whenReady(() => {
        this.config = next;
        way.source.use(next);
      });
      return;
    }
    const source = await opening.listen({ host: "host", port: "port" }, next.host, (host) =>
      this.openSource(next, host),
    );
    if (source === undefined) return;
    opening.whenReady(() => {
      this.config = next;
      this.way = { source, host: next.host, port: next.port };
      if (way) this.finishSource(way.source);
    });
  }

  /**
   * Logs what the kernel granted the socket that metrics arrive at. It doubles what is asked for, and counts its own
   * overhead against it; here both are said as asked.
   */
  logSource(): void {
    const { source, config } = this;
    if (source === undefined) return;
    const { log } = this.parts;
    const { receiveBuffer, canBeInterrupted } = source;
    const asked = config.receiveBuffer;
    const granted = typeof receiveBuffer === "number" ? receiveBuffer / 2 : "default";
    if (receiveBuffer instanceof Error) log.warn("receive_buffer", { asked, granted, reason: receiveBuffer.message });
    else if (receiveBuffer >= 2 * asked) log.info("receive_buffer", { asked, granted });
    else log.warn("receive_buffer", { asked, granted, raise_with: `sysctl -w net.core.rmem_max=${asked}` });
    if (!canBeInterrupted) log.warn("flood_unprotected", { reason: "ICMP is filtered on the loopback interface" });
  }

  /** The figures of this moment. */
  view(): View {
    const { log, platform } = this.parts;
    const { counters, cluster, source } = this;
    const { receiveBuffer } = source ?? {};
    return {
      uptimeSeconds: (platform.clock.nowMs() - this.startedAtMs) / 1000,
      counters,
      nodes: cluster.views(),
      retired: cluster.retired(),
      namesCached: cluster.namesCached,
      receiveBufferBytes: typeof receiveBuffer === "number" ? receiveBuffer : undefined,
      kernelDrops: this.kernelDrops(),
      logLinesLost: log.linesLost,
      eventLoopLag: this.history?.lag,
      resources: platform.resources(),
    };
  }

  /** For a sample of the rates. */
  sample(nowMs: number): Totals {
    return this.cluster.sample(nowMs, this.kernelDrops() ?? 0);
  }

  /** Has every line shown to an observer; undefined: to none any more. */
  observe(observer: LineObserver | undefined): void {
    this.cluster.relay.observer = bothOf(this.debugObserver, observer);
  }

  /** Takes in an exception that nothing else has caught: it is counted and logged, and the proxy goes on. */
  failed(error: Error): void {
    this.counters.internalErrors++;
    this.parts.log.error("internal_error", { reason: String(error?.message ?? error), at: firstFrameOf(error) });
  }

  /** Reads what the kernel holds, sends it, and says what came of it all. */
  async finish(): Promise<void> {
    const { source } = this;
    if (source) this.finishSource(source);
    await Promise.all(this.finishing.values());
    this.cluster.finish();
    this.watch.finish();
    this.parts.log.info("stopped", summaryOf(this.view()));
  }

  close(): void {
    this.way?.source.close();
    this.watch.close();
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
    const { port, receiveBuffer, gather } = settings;
    return await UdpSource.open({
      ...{ host, port, receiveBuffer, gather, turns: this.turns, network, clock },
      onLines: (bytes, start, end) => relay.datagram(bytes, start, end),
      onTurnEnd: () => relay.flush(),
      onError: (error) => this.failed(error),
    });
  }

  private flush(): void {
    try {
      this.cluster.relay.flush();
    } catch (error) {
      this.failed(error as Error);
    }
  }

  /** Reads it to its end, and keeps what it has counted. */
  private finishSource(source: Source): void {
    if (this.finishing.has(source)) return;
    const finish = async () => {
      await source.finish();
      this.counters.datagramsUnread += source.datagramsUnread;
      if (this.way?.source === source) return;
      this.dropsBefore += source.kernelDrops() ?? 0;
      this.finishing.delete(source);
    };
    this.finishing.set(source, finish());
  }

  /** At all sockets, also those that are closed; undefined where it cannot be asked. */
  private kernelDrops(): number | undefined {
    let drops = this.source?.kernelDrops();
    if (drops === undefined) return undefined;
    drops += this.dropsBefore;
    for (const source of this.finishing.keys()) if (source !== this.source) drops += source.kernelDrops() ?? 0;
    return drops;
  }
}

/** Where an error was thrown, as its stack says. */
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
