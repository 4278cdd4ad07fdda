/** A console by itself, of a proxy that has little to tell. */
import { onTestFinished } from "bun:test";
import { readConfig } from "../../src/config/config.ts";
import type { ConsoleContext } from "../../src/console/commands.ts";
import { Console } from "../../src/console/session.ts";
import { bunNetwork } from "../../src/net/bunNetwork.io.ts";
import type { Network } from "../../src/net/network.ts";
import { Counters, type CutReason, NodeCounters } from "../../src/relay/counters.ts";
import { AnswerScheduler } from "../../src/server/answerScheduler.ts";
import { systemClock } from "../../src/system/clock.io.ts";
import type { Clock } from "../../src/system/clock.ts";
import { CONNECTIONS_MAX } from "../../src/system/descriptors.ts";
import { RelayBench } from "./relayBench.ts";
import { IDENTITY, QUIET_VIEW } from "./viewParts.ts";

export interface OpenConsole {
  readonly port: number;
  /** Why it cut connections, so far. */
  readonly cuts: readonly CutReason[];
  /** What went wrong within answers, so far. */
  readonly errors: readonly Error[];
  readonly close: () => void;
}

export interface OpenConsoleOptions {
  readonly port?: number;
  readonly tap?: ConsoleContext["tap"];
  readonly memory?: ConsoleContext["memory"];
  readonly connectionsMax?: number;
  /** Default: the system's. */
  readonly network?: Network;
  readonly clock?: Clock;
}

/** @throws what Console throws, if the port is taken */
export function openConsole({
  port = 0,
  tap = () => undefined,
  memory = () => ({ heapUsedBytes: 1, heapCapacityBytes: 2, residentBytes: 3, objects: 4 }),
  network = bunNetwork,
  clock = systemClock,
  ...limits
}: OpenConsoleOptions = {}): OpenConsole {
  const { config } = readConfig('{ nodes: [{ host: "127.0.0.1", port: 8130 }] }');
  if (config === undefined) throw new Error("the configuration is good");
  const nothing = {
    ...QUIET_VIEW,
    configuration: { hash: "0123456789ab", loadedAtSeconds: 1_700_000_000, isLatest: true },
    nodes: new RelayBench({}).view().nodes,
    retired: { nodes: 0, counters: new NodeCounters(), linesPending: 0 },
    loop: undefined,
    namesCached: 0,
    receiveBufferBytes: undefined,
    kernelDrops: undefined,
    logLinesLost: 0,
    eventLoopLag: undefined,
    resources: { startedAtSeconds: 0, cpuSeconds: 0, residentBytes: 0, heapUsedBytes: 0 },
  };
  const view = () => ({ uptimeSeconds: 7.9, counters: new Counters(), ...nothing });
  const none = { history: undefined, healthChanges: [] };
  const context: ConsoleContext = {
    config,
    view,
    source: () => ({ ...IDENTITY, nowMs: 9000, config, health: "up", view: view(), ...none }),
    memory,
    reload: undefined,
    setNode: () => undefined,
    destinationOf: () => ({ kind: "rejected", reason: "empty_name" }),
    tap,
    names: () => undefined,
    health: "up",
  };
  const cuts: CutReason[] = [];
  const errors: Error[] = [];
  const scheduler = new AnswerScheduler(clock, (error) => void errors.push(error));
  const onCut = (reason: CutReason) => void cuts.push(reason);
  const console = new Console({
    ...{ host: "127.0.0.1", port, context, onCut, scheduler, connectionsMax: CONNECTIONS_MAX, ...limits },
    ...{ network, clock },
  });
  onTestFinished(() => console.close());
  return { port: console.port, cuts, errors, close: () => console.close() };
}
