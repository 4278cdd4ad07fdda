/** What the proxy and its nodes are at one moment: what all figures are read from. */

import type { NodeConfig } from "../config/config.ts";
import type { NodeHealth } from "../health/nodeHealth.ts";
import type { Batch } from "../relay/batch.ts";
import type { Counters, NodeCounters } from "../relay/counters.ts";
import type { ProcessFigures } from "../system/processFigures.ts";

export interface NodeView {
  readonly label: string;
  readonly config: NodeConfig;
  readonly isUp: boolean;
  readonly counters: NodeCounters;
  readonly batch: Batch;
  /** The part of all names that it owns now, 0 to 1; undefined when mirroring. */
  readonly ringShare: number | undefined;
  readonly health: Pick<NodeHealth, "sinceMs" | "changes" | "lastCheck">;
  /** Lines relayed to it a second; undefined: not known yet, or nobody measures it. */
  readonly rate: number | undefined;
}

/** Nodes that are in the configuration no more. */
export interface Retired {
  /** What they have counted together. */
  readonly counters: NodeCounters;
  /** Lines that wait for their sockets still. */
  readonly linesPending: number;
}

export interface View {
  readonly uptimeSeconds: number;
  readonly counters: Counters;
  readonly nodes: readonly NodeView[];
  readonly retired: Retired;
  /** Names that the route cache holds. */
  readonly namesCached: number;
  /** Bytes of kernel receive buffer granted; undefined where that cannot be asked. */
  readonly receiveBufferBytes: number | undefined;
  /** Datagrams that the kernel dropped at the receiver; undefined where that cannot be asked. */
  readonly kernelDrops: number | undefined;
  /** Lines that the log left out because nobody read it. */
  readonly logLinesLost: number;
  /** How late the event loop is; undefined where nobody measures it. */
  readonly eventLoopLag: EventLoopLag | undefined;
  /** What the process takes of the machine. */
  readonly resources: ProcessFigures;
}

interface EventLoopLag {
  readonly lastSeconds: number;
  /** Of the last minute. */
  readonly maxSeconds: number;
}
