/** The state of the proxy and its nodes at one moment: all figures are read from it. */

import type { Config, NodeConfig } from "../config/config.ts";
import type { NodeHealthView } from "../health/nodeHealth.ts";
import type { Batch } from "../relay/batch.ts";
import type { Counters, NodeCounters } from "../relay/counters.ts";
import type { ProcessFigures } from "../system/processFigures.ts";
import type { DelayView } from "./delayHistogram.ts";
import type { Recent } from "./recent.ts";

export interface NodeView {
  readonly label: string;
  readonly config: NodeConfig;
  /** The IP address that its lines are sent to; undefined: its name does not resolve. */
  readonly address: string | undefined;
  readonly isUp: boolean;
  readonly counters: NodeCounters;
  readonly batch: Batch;
  /** Its current share of all names, 0 to 1; undefined when mirroring. */
  readonly ringShare: number | undefined;
  /** The same while all nodes are up. */
  readonly fullShare: number | undefined;
  /** Of the same moment as `isUp`: a long answer is made in several turns. */
  readonly health: NodeHealthView;
  /** Lines relayed to it per second; undefined: not known yet, or not measured. */
  readonly rate: number | undefined;
}

/** Nodes that are no longer in the configuration. */
export interface Retired {
  /** How many there have been. */
  readonly nodes: number;
  /** What they have counted, added up. */
  readonly counters: NodeCounters;
  /** Lines still waiting for their sockets. */
  readonly linesPending: number;
}

/** The configuration in force. */
export interface ConfigView {
  /** 12 hexadecimal digits of the SHA-256 of its text; empty: it has none. */
  readonly hash: string;
  /** When it was loaded, since 1970. */
  readonly loadedAtSeconds: number;
  /** False: a later one was read, and could not take over. */
  readonly isLatest: boolean;
  /** Why it could not; only while this is so. */
  readonly lastFailure?: ReloadFailure | undefined;
}

interface ReloadFailure {
  /** Since 1970. */
  readonly atSeconds: number;
  /** What asked for the reload: `signal`, `console` or `file`. */
  readonly cause: string;
  /** The first few problems, one line each, safe to print; then how many more there are. */
  readonly reasons: readonly string[];
}

/** What this proxy answers to health checks, as long as it has a live node. */
export interface OwnHealth {
  /** False: an operator has set it down. */
  readonly isUp: boolean;
  /** When it was set so. */
  readonly sinceMs: number;
}

/** Lines that are sent come back to this proxy. */
export interface Loop {
  /** Labels of the nodes whose lines come back; empty: which they are is not known. */
  readonly nodes: readonly string[];
  /** When it was noticed, since 1970. */
  readonly sinceMs: number;
}

export interface View {
  /** Wall-clock time. */
  readonly nowMs: number;
  readonly configuration: ConfigView;
  /** Of the configuration in force. */
  readonly settings: Pick<Config, "mirror" | "failover" | "receiveBuffer">;
  readonly health: OwnHealth;
  /** What has grown within the last minutes. */
  readonly recent: Recent;
  /** Share of the names that are not at their owner now, 0 to 1; undefined when mirroring. */
  readonly namesMoved: number | undefined;
  readonly uptimeSeconds: number;
  readonly counters: Counters;
  readonly nodes: readonly NodeView[];
  readonly retired: Retired;
  /** Undefined: none is noticed. */
  readonly loop: Loop | undefined;
  /** Names in the route cache. */
  readonly namesCached: number;
  /** Kernel receive buffer granted, in bytes; undefined if the kernel cannot tell. */
  readonly receiveBufferBytes: number | undefined;
  /** Datagrams that the kernel dropped at the receiver; undefined if it cannot tell. */
  readonly kernelDrops: number | undefined;
  /** How long lines take through the proxy; undefined: it cannot be measured here. */
  readonly delay: DelayView | undefined;
  /** Log lines dropped because nobody read the log. */
  readonly logLinesLost: number;
  /** How late the event loop is; undefined if nobody measures it. */
  readonly eventLoopLag: EventLoopLag | undefined;
  /** What the process uses of the machine. */
  readonly resources: ProcessFigures;
}

export interface EventLoopLag {
  readonly lastSeconds: number;
  /** Within the last minute. */
  readonly maxSeconds: number;
}
