/** A way out: carries a node's batch to its backend. */
import type { Batch } from "../relay/batch.ts";
import type { NodeCounters } from "../relay/counters.ts";

export interface Link {
  /** Sends what is pending and counts it. What cannot be sent now stays in the batch. */
  flush(batch: Batch, counters: NodeCounters): void;
  /** Sends a datagram without a line: one LF. Returns what prevented it, if something did. */
  sendEmptyLine(): string | undefined;
  close(): void;
}

export interface LinkEvents {
  /** The node's host answered that the port is closed. */
  readonly onRefusal: () => void;
  /** Any other error, except for a datagram that is too large. `isNew`: worth a log line. */
  readonly onError: (errno: string, isNew: boolean) => void;
  /** The errors are over. */
  readonly onRecovery: () => void;
  /** The link was full or has been reopened, and takes batches again. */
  readonly onReady: () => void;
}

/** Drops everything in a batch. */
export function dropAll(batch: Batch, counters: NodeCounters): void {
  counters.linesDropped.send_buffer_full += batch.shift(batch.datagrams);
}
