/**
 * One of the rejected lines, for the log: the first since it was taken last. Kept without making anything for a line.
 * Some sockets tell the sender only when asked before; then the next line whose sender is known takes its place.
 */
import { escapeBytes } from "../text/escape.ts";

export const EXAMPLE_BYTES_MAX = 100;

/** For people. */
export interface Rejected {
  readonly example: string;
  /** Address and port of who sent it; undefined: not known. */
  readonly from: string | undefined;
}

export class RejectedExample {
  /** Whether the next rejected line is to be kept. */
  isWanted = true;
  /** Whether one was kept of the datagrams just read. */
  awaitsSender = false;
  /** Of which of them, counted from the first. */
  datagram = 0;
  private readonly bytes = Buffer.alloc(EXAMPLE_BYTES_MAX);
  private lineBytes = 0;
  private from: string | undefined;

  /** The line is `bytes[start, end)`, and in that datagram of a read. */
  keep(bytes: Buffer, start: number, end: number, datagram: number): void {
    this.lineBytes = end - start;
    this.datagram = datagram;
    bytes.copy(this.bytes, 0, start, Math.min(end, start + EXAMPLE_BYTES_MAX));
    this.isWanted = false;
    this.awaitsSender = true;
  }

  /** Who sent that datagram; undefined: not known, but perhaps of one that follows. */
  sentBy(from: string | undefined): void {
    this.from = from;
    this.isWanted = from === undefined;
    this.awaitsSender = false;
  }

  /** Undefined: none was kept since the last time. */
  take(): Rejected | undefined {
    const { bytes, lineBytes, from } = this;
    if (lineBytes === 0) return undefined;
    const shown = escapeBytes(bytes.subarray(0, Math.min(lineBytes, EXAMPLE_BYTES_MAX)));
    this.lineBytes = 0;
    this.from = undefined;
    this.isWanted = true;
    return { example: lineBytes > EXAMPLE_BYTES_MAX ? `${shown}... (${lineBytes} bytes)` : shown, from };
  }
}
