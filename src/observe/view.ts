/** What the proxy and its nodes are at one moment: what all figures are read from. */

import type { NodeHealth } from "../health/nodeHealth.ts";
import type { Batch } from "../relay/batch.ts";
import type { Counters, NodeCounters } from "../relay/counters.ts";

export interface NodeView {
  readonly label: string;
  readonly isUp: boolean;
  readonly counters: NodeCounters;
  readonly batch: Batch;
  /** The part of all names that it owns now, 0 to 1; undefined when mirroring. */
  readonly ringShare: number | undefined;
  readonly health: Pick<NodeHealth, "sinceMs" | "changes" | "lastCheck">;
}

export interface View {
  readonly uptimeSeconds: number;
  readonly counters: Counters;
  readonly nodes: readonly NodeView[];
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
  readonly process: ProcessView;
}

interface EventLoopLag {
  readonly lastSeconds: number;
  /** Of the last minute. */
  readonly maxSeconds: number;
}

export interface ProcessView {
  readonly startedAtSeconds: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
}
