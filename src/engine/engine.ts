/** The data plane: the socket that metrics arrive at, the cluster of nodes that they go to, and what is counted. */

import type { Config } from "../config/config.ts";
import type { Stream } from "../console/commands.ts";
import type { TapRequest } from "../console/tap.ts";
import { Taps } from "../console/taps.ts";
import type { Log } from "../log/log.io.ts";
import type { LogFields } from "../log/logfmt.ts";
import { Receiver } from "../net/receiver.ts";
import { statsOf, type View } from "../observe/figures.ts";
import type { History, Totals } from "../observe/history.ts";
import { lineLog } from "../observe/lineLog.ts";
import { Watch } from "../observe/watch.ts";
import type { Start } from "../proxy/start.ts";
import { Counters } from "../relay/counters.ts";
import type { LineObserver } from "../relay/relay.ts";
import { processReader } from "../system/processFigures.io.ts";
import { Cluster } from "./cluster.ts";

export interface EngineParts {
  readonly config: Config;
  readonly log: Log;
  /** Says what becomes of each line. */
  readonly debugMode: boolean;
  /** Of the rates, where somebody may ask for them. */
  readonly history: History | undefined;
}

/** What an engine is made of. */
interface Opened {
  readonly counters: Counters;
  readonly cluster: Cluster;
  readonly receiver: Receiver;
}

export class Engine {
  readonly counters: Counters;
  readonly cluster: Cluster;
  readonly receiver: Receiver;
  private readonly parts: EngineParts;
  private readonly startedAtMs = performance.now();
  private readonly readProcess = processReader(Date.now() / 1000);
  private readonly taps: Taps;
  private readonly watch: Watch;

  private constructor(parts: EngineParts, { counters, cluster, receiver }: Opened) {
    const { config, log, debugMode } = parts;
    this.parts = parts;
    this.counters = counters;
    this.cluster = cluster;
    this.receiver = receiver;
    const labels = () => config.nodes.map(({ label }) => label);
    const debugObserver = debugMode ? lineLog(log, labels) : undefined;
    cluster.relay.observer = debugObserver;
    this.taps = new Taps({
      nodeWidth: () => Math.max(...labels().map(({ length }) => length)),
      watch: (observer) => {
        cluster.relay.observer = bothOf(debugObserver, observer);
      },
      linesReceived: () => counters.linesReceived,
    });
    this.watch = new Watch({ view: () => this.view(), mirror: config.mirror, counters, log });
  }

  /** Undefined: it cannot be opened; why is `start`'s to tell. */
  static async open(parts: EngineParts, start: Start): Promise<Engine | undefined> {
    const { config, log } = parts;
    const counters = new Counters();
    const onFailure = (error: Error) => failed(error, counters, log);
    const cluster = await Cluster.open({ config, counters, log, onFailure }, start);
    const receiver = await start.listen({ host: "host", port: "port" }, config.host, async (host) => {
      return await Receiver.open({
        ...config,
        host,
        onDatagram: (bytes, start, end) => cluster?.relay.datagram(bytes, start, end),
        onTurnEnd: () => cluster?.relay.flush(),
        onError: onFailure,
      });
    });
    if (cluster === undefined || receiver === undefined) return undefined;
    return await start.open("", () => new Engine(parts, { counters, cluster, receiver }));
  }

  /** Begins what nobody else sets off: checks, and the proxy's own metrics. */
  begin(): void {
    const { log, config } = this.parts;
    this.cluster.startChecks();
    this.cluster.startSelfMetrics(() => this.view());
    logReceiveBuffer(log, config.receiveBuffer, this.receiver.receiveBuffer);
    if (!this.receiver.canBeInterrupted) {
      log.warn("flood_unprotected", { reason: "ICMP is filtered on the loopback interface" });
    }
  }

  /** The figures of this moment. */
  view(): View {
    const { log, history } = this.parts;
    const { counters, cluster, receiver } = this;
    return {
      uptimeSeconds: (performance.now() - this.startedAtMs) / 1000,
      counters,
      nodes: cluster.views(),
      namesCached: cluster.namesCached,
      receiveBufferBytes: typeof receiver.receiveBuffer === "number" ? receiver.receiveBuffer : undefined,
      kernelDrops: receiver.kernelDrops(),
      logLinesLost: log.linesLost,
      eventLoopLag: history?.lag,
      process: this.readProcess(),
    };
  }

  /** For a sample of the history. */
  totals(): Totals {
    return this.cluster.totals(this.receiver.kernelDrops() ?? 0);
  }

  /** Undefined: there are as many taps as there may be. */
  tap(request: TapRequest): Stream | undefined {
    return this.taps.open(request);
  }

  /** Takes in an exception that nothing else has caught: it is counted and logged, and the proxy goes on. */
  failed(error: Error): void {
    failed(error, this.counters, this.parts.log);
  }

  /** Reads what the kernel holds, sends it, and says what came of it all. */
  async finish(): Promise<void> {
    await this.receiver.finish();
    this.counters.datagramsUnread = this.receiver.datagramsUnread;
    this.cluster.finish();
    this.watch.finish();
    this.parts.log.info("stopped", summaryOf(this.view()));
  }

  close(): void {
    this.watch.close();
  }
}

function failed(error: Error, counters: Counters, log: Log): void {
  counters.internalErrors++;
  log.error("internal_error", { reason: String(error?.message ?? error), at: firstFrameOf(error) });
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

/** The kernel doubles what is asked for, and counts its own overhead against it; here both are said as asked. */
function logReceiveBuffer(log: Log, asked: number, granted: number | Error): void {
  if (granted instanceof Error) log.warn("receive_buffer", { asked, granted: "default", reason: granted.message });
  else if (granted >= 2 * asked) log.info("receive_buffer", { asked, granted: granted / 2 });
  else log.warn("receive_buffer", { asked, granted: granted / 2, raise_with: `sysctl -w net.core.rmem_max=${asked}` });
}

/** The last word on what came of it all. */
function summaryOf(view: View): LogFields {
  const shown = [
    "packets_received",
    "kernel_drops",
    "lines_received",
    "lines_rejected",
    "lines_relayed",
    "lines_dropped",
    "datagrams_unread",
  ];
  return Object.fromEntries(statsOf(view).filter(([name]) => shown.includes(name)));
}
