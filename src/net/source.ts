/** A way in: where lines come from. */
import type { Datagrams } from "../core/datagrams.ts";

export interface Source {
  /** The port that was bound. */
  readonly port: number;
  /** The kernel buffer granted, as the kernel reports it; or why it cannot tell. */
  readonly receiveBuffer: number | Error;
  /** False: a flood blocks the event loop. */
  readonly canBeInterrupted: boolean;
  /** Datagrams that the kernel dropped because its buffer was full; undefined if it cannot tell. */
  kernelDrops(): number | undefined;
  /** Whether the kernel tells how long datagrams have waited. */
  readonly tellsWaits: boolean;
  /** Datagrams still in the kernel when the time for draining was up. */
  readonly datagramsUnread: number;
  /**
   * Address and port of who sent the datagram that is being delivered; of several, of that one. Undefined: not known, but
   * perhaps of one that follows.
   */
  sender(datagram: number): string | undefined;
  /** Starts to deliver: until then, what arrives waits in the kernel. */
  begin(): void;
  /** Applies other settings without interruption. */
  use(settings: SourceSettings): void;
  /** Refuses new datagrams, reads everything that has arrived, and closes. */
  finish(): Promise<void>;
  close(): void;
}

export interface SourceSettings {
  /** Kernel buffer size to ask for, in bytes. */
  readonly receiveBuffer: number;
  /** The longest time to let datagrams gather, in milliseconds. */
  readonly gather: number;
  /** Whether other processes may bind the same port. */
  readonly reusePort: boolean;
}

/** What happens to what a source reads. */
export interface SourceEvents {
  /**
   * Lines `bytes[start, end)`, separated by LF; the last LF is optional: a datagram. Valid until the callback returns.
   */
  readonly onLines: (bytes: Buffer, start: number, end: number) => void;
  /** The same in bulk. */
  readonly onDatagrams: (datagrams: Datagrams) => void;
  /** Of a sample of the datagrams: how long one had waited in the kernel when it was read, just now. NaN: not known. */
  readonly onWaited?: (ms: number, datagrams: number) => void;
  /** Nothing more for now: what is pending can be sent. */
  readonly onTurnEnd: () => void;
  /** The socket failed, or one of the callbacks above threw. Reading goes on. */
  readonly onError: (error: Error) => void;
}
