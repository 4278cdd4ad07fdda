/** A way in: what lines come from. */

export interface Source {
  /** As bound. */
  readonly port: number;
  /** Kernel buffer granted, as the kernel counts it; or why it cannot be asked. */
  readonly receiveBuffer: number | Error;
  /** False: a flood keeps the event loop from everything else. */
  readonly canBeInterrupted: boolean;
  /** Datagrams that the kernel dropped because its buffer was full; undefined where it cannot be asked. */
  kernelDrops(): number | undefined;
  /** Datagrams that the kernel still held when the time for the last reading was up. */
  readonly datagramsUnread: number;
  /** Takes other settings, without a pause. */
  use(settings: SourceSettings): void;
  /** Reads all that has arrived, turns senders away, and closes. */
  finish(): Promise<void>;
  close(): void;
}

export interface SourceSettings {
  /** Bytes of kernel buffer to ask for. */
  readonly receiveBuffer: number;
  /** The most milliseconds to let datagrams gather. */
  readonly gather: number;
}

/** What a source does with what comes. */
export interface SourceEvents {
  /** Lines, `bytes[start, end)`, each ended by LF but perhaps the last: a datagram. They hold until this returns. */
  readonly onLines: (bytes: Buffer, start: number, end: number) => void;
  /** Nothing more for now: what waits can be sent. */
  readonly onTurnEnd: () => void;
  /** The socket failed, or one of the two above threw. Reading goes on. */
  readonly onError: (error: Error) => void;
}
