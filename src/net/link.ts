/** A way out: what takes a node's batch to its backend. */
import type { Batch } from "../relay/batch.ts";
import type { NodeCounters } from "../relay/counters.ts";

export interface Link {
  /** Sends what waits, and accounts for it. What cannot be sent now stays in the batch. */
  flush(batch: Batch, counters: NodeCounters): void;
  close(): void;
}

export interface LinkEvents {
  /** The node's host answered that nobody listens on the port. */
  readonly onRefusal: () => void;
  /** Any other error but that of a datagram that is too large. `isNew`: it is worth a line of the log. */
  readonly onError: (errno: string, isNew: boolean) => void;
  /** The errors are over. */
  readonly onRecovery: () => void;
  /** It was full or is a new one, and takes batches again. */
  readonly onReady: () => void;
}

/** Gives up what waits in a batch. */
export function dropAll(batch: Batch, counters: NodeCounters): void {
  counters.linesDropped.send_buffer_full += batch.shift(batch.datagrams);
}
