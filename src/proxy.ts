/** The whole proxy: a receiver, the pipeline behind it, the console, and HTTP if it is asked for. */
import { heapStats } from "bun:jsc";
import { type Config, hostPort } from "./core/config.ts";
import type { Problem } from "./core/configKeys.ts";
import type { Desk, MemoryFigures } from "./core/console.ts";
import { Counters } from "./core/counters.ts";
import { divideDescriptors } from "./core/descriptors.ts";
import { History } from "./core/history.ts";
import { violations } from "./core/invariants.ts";
import type { LogFields } from "./core/logfmt.ts";
import { Losses } from "./core/losses.ts";
import type { LineWitness } from "./core/relay.ts";
import { NO_OWNER } from "./core/ring.ts";
import { type ProcessView, statsOf, type View } from "./core/stats.ts";
import { Answering } from "./io/answering.ts";
import { Console } from "./io/console.ts";
import { descriptorLimit } from "./io/descriptors.ts";
import type { Log } from "./io/log.ts";
import { Receiver } from "./io/receiver.ts";
import { Taps } from "./io/taps.ts";
import { lineLog, Pipeline } from "./pipeline.ts";
import { Start } from "./start.ts";
import { openStatus } from "./status.ts";

/** How often it is looked for losses, and whether the sums hold. */
const WATCH_MS = 1000;

export interface Proxy {
  /** As bound. */
  readonly port: number;
  readonly consolePort: number;
  /** Undefined without `httpport`. */
  readonly httpPort: number | undefined;
  readonly view: () => View;
  /** Takes in an exception that nothing else has caught: it is counted and logged, and the proxy goes on. */
  readonly failed: (error: Error) => void;
  /** Stops receiving, sends what is batched, and closes everything. */
  readonly stop: () => Promise<void>;
}

/** Starts a proxy; or returns every problem that keeps it from starting, with nothing left open. */
export async function startProxy(config: Config, log: Log, debugMode = false): Promise<Proxy | readonly Problem[]> {
  const room = descriptorRoom(config);
  if ("message" in room) return [room];
  const { connectionsMax } = room;
  const start = new Start();
  const startedAtMs = performance.now();
  const readProcess = processReader(Date.now() / 1000);
  const counters = new Counters(config.nodes.length);
  const failed = (error: Error) => {
    counters.internalErrors++;
    log.error("internal_error", { reason: String(error?.message ?? error), at: firstFrameOf(error) });
  };
  const pipeline = await Pipeline.open(config, counters, log, start);

  const receiver = await start.listen({ host: "host", port: "port" }, config.host, async (host) => {
    return await Receiver.open({
      ...config,
      host,
      onDatagram: (bytes, start, end) => pipeline?.relay.datagram(bytes, start, end),
      onTurnEnd: () => pipeline?.relay.flush(),
      onError: failed,
    });
  });

  const history = config.httpport === 0 ? undefined : new History();
  const view = (): View => ({
    uptimeSeconds: (performance.now() - startedAtMs) / 1000,
    counters,
    nodes: pipeline?.nodes() ?? [],
    namesCached: pipeline?.namesCached ?? 0,
    receiveBufferBytes: typeof receiver?.receiveBuffer === "number" ? receiver.receiveBuffer : undefined,
    kernelDrops: receiver?.kernelDrops(),
    logLinesLost: log.linesLost,
    eventLoopLag: history?.lag,
    process: readProcess(),
  });
  const debugWitness = debugMode ? lineLog(config, log) : undefined;
  const taps = new Taps({
    labels: config.nodes.map(({ label }) => label),
    watch: (witness) => {
      if (pipeline) pipeline.relay.witness = bothOf(debugWitness, witness);
    },
    linesReceived: () => counters.linesReceived,
  });
  const desk: Desk = {
    config,
    view,
    memory,
    route: (name) => pipeline?.route(name) ?? { now: NO_OWNER, allUp: NO_OWNER },
    tap: (request) => taps.open(request),
    health: "up",
  };
  const answering = new Answering(failed);
  const consoleAt = { host: "managementhost", port: "managementport" };
  const console = await start.listen(consoleAt, config.managementhost, (host) => {
    return new Console({
      ...{ host, port: config.managementport, desk, connectionsMax, answering },
      onCut: (reason) => counters.consoleCut[reason]++,
    });
  });
  const kernelDrops = () => receiver?.kernelDrops();
  const web = { config, counters, desk, kernelDrops, connectionsMax, answering };
  const http = pipeline && history && (await openStatus({ ...web, pipeline, history }, start));
  const isHttpMissing = history !== undefined && http === undefined;
  if (isHttpMissing || pipeline === undefined || receiver === undefined || console === undefined) {
    start.close();
    return start.problems;
  }

  pipeline.relay.witness = debugWitness;
  pipeline.startChecks();
  pipeline.startSelfMetrics(view);
  log.info("listening", {
    metrics: hostPort(config.host, receiver.port),
    console: hostPort(config.managementhost, console.port),
    ...(http && { http: hostPort(config.httphost, http.port) }),
    nodes: config.nodes.length,
    ring: config.mirror ? "mirror" : config.ring,
  });
  logReceiveBuffer(log, config.receiveBuffer, receiver.receiveBuffer);
  if (!receiver.canBeInterrupted)
    log.warn("flood_unprotected", { reason: "ICMP is filtered on the loopback interface" });
  const losses = new Losses();
  const watch = () => {
    const now = view();
    for (const { event, fields } of losses.see(now, performance.now())) log.warn(event, fields);
    for (const { sum, expected, found } of violations(now, config.mirror)) {
      counters.invariantViolations++;
      log.error("invariant_violated", { sum, expected, found });
    }
  };
  const watchTimer = setInterval(watch, WATCH_MS);
  const stop = async () => {
    clearInterval(watchTimer);
    await receiver.finish();
    counters.datagramsUnread = receiver.datagramsUnread;
    pipeline.finish();
    watch();
    log.info("stopped", summaryOf(view()));
    start.close();
  };
  return { port: receiver.port, consolePort: console.port, httpPort: http?.port, view, stop, failed };
}

/** How many connections there may be; or why there can be none, with what would help. */
function descriptorRoom({ nodes, httpport }: Config): { connectionsMax: number } | Problem {
  const limit = descriptorLimit();
  const room = divideDescriptors(limit, nodes.length, httpport === 0 ? 1 : 2);
  if ("connectionsMax" in room) return room;
  const { needed } = room;
  const raise = `raise it with ulimit -n ${needed}, or LimitNOFILE=${needed} in a systemd unit`;
  return {
    at: "nodes",
    message: `${nodes.length} of them need ${needed} open files, and the limit is ${limit}: ${raise}`,
  };
}

function bothOf(one: LineWitness | undefined, other: LineWitness | undefined): LineWitness | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return (line, verdict, owner) => {
    one(line, verdict, owner);
    other(line, verdict, owner);
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

/** Reads what the kernel says of the process; when it says nothing, because there is no descriptor left, the last again. */
function processReader(startedAtSeconds: number): () => ProcessView {
  let last = { startedAtSeconds, cpuSeconds: 0, residentBytes: 0, heapUsedBytes: 0 };
  return () => {
    try {
      const { rss, heapUsed } = process.memoryUsage();
      const { user, system } = process.cpuUsage();
      last = { startedAtSeconds, cpuSeconds: (user + system) / 1e6, residentBytes: rss, heapUsedBytes: heapUsed };
    } catch {}
    return last;
  };
}

/** Where an error was thrown, as its stack says. */
function firstFrameOf(error: Error): string {
  return String(error?.stack ?? "").match(/^\s*at (.+)$/m)?.[1] ?? "unknown";
}

function memory(): MemoryFigures {
  const { heapSize, heapCapacity, objectCount } = heapStats();
  return {
    heapUsedBytes: heapSize,
    heapCapacityBytes: heapCapacity,
    residentBytes: process.memoryUsage.rss(),
    objects: objectCount,
  };
}
