/**
 * Writes lines of text to a descriptor, such as standard error, without ever waiting for its reader:
 *
 *     write -> [ pending lines, bounded ] -> poll(2): is there room? -> write(2)
 *                                                     no: retry a little later
 *
 * Once the buffer is full, lines are dropped until everything pending is written. Then one line tells how many were
 * lost.
 */
import { type Pointer, ptr } from "bun:ffi";
import { constants, fstatSync, openSync } from "node:fs";
import { bytesThatStay, type Libc, openLibc, wordsThatStay } from "../system/libc.io.ts";

export interface LineWriter {
  /** Lines dropped. */
  readonly linesLost: number;
  /** Takes a line, without its end. */
  write(line: string): void;
  /** Waits until everything is written, but no longer than this. */
  flush(msMax: number): void;
}

/**
 * Limit for pending bytes: at 5,000 logged lines per second, it covers a reader that pauses for one or two seconds; in
 * a flood, it covers the few milliseconds until a reader on the same core gets its turn.
 */
export const WAITING_BYTES_MAX = 2 ** 20;
/**
 * Bytes per write(2). For a pipe, poll(2) reports room when a page is free, and a write of that size does not block; it
 * is also what a pipe takes atomically (PIPE_BUF), so lines of several processes do not mix.
 */
const PIECE_BYTES = 4096;
const RETRY_MS_MIN = 5;
const RETRY_MS_MAX = 320;

const LF = 10;
const POLLOUT = 4;

/** @param lostLine makes the line that tells how many were dropped */
export function openLineWriter(fd: number, lostLine: (lines: number) => string): LineWriter {
  try {
    const libc = openLibc();
    return new PollingWriter(libc, ownDescription(fd) ?? fd, lostLine);
  } catch {
    // Not Linux: console waits for the reader. process.stderr would load all of node:stream: 7 MB of resident memory
    // (Bun 1.4.5).
    const write = fd === 1 ? console.log : console.error;
    return { linesLost: 0, write: (line) => write(line), flush: () => {} };
  }
}

/**
 * Opens a pipe or a terminal again, so that O_NONBLOCK applies to this program alone. A terminal blocks when it has
 * less room than a write needs, and another process may fill a pipe between poll(2) and write(2). Undefined if that is
 * not permitted (another user's pipe), or not wanted: a file would be written from its beginning.
 */
function ownDescription(fd: number): number | undefined {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
  try {
    const stat = fstatSync(fd);
    if (!stat.isFIFO() && !stat.isCharacterDevice()) return undefined;
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    return undefined;
  }
}

export class PollingWriter implements LineWriter {
  private readonly libc: Libc;
  private readonly fd: number;
  private readonly lostLine: (lines: number) => string;
  /** Pending bytes are in `[start, end)`. Memory that is never written to costs nothing. */
  private readonly bytes = bytesThatStay(WAITING_BYTES_MAX);
  private readonly bytesAt = ptr(this.bytes);
  private start = 0;
  private end = 0;
  /** struct pollfd: fd, then events and revents of 16 bits each. */
  private readonly pollfd = wordsThatStay(2);
  private readonly pollfdAt = ptr(this.pollfd);
  private isTurnEndDue = false;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private retryMs = RETRY_MS_MIN;
  private lost = 0;
  private lostReported = 0;

  constructor(libc: Libc, fd: number, lostLine: (lines: number) => string) {
    this.libc = libc;
    this.fd = fd;
    this.lostLine = lostLine;
    this.pollfd[0] = fd;
  }

  get linesLost(): number {
    return this.lost;
  }

  write(line: string): void {
    if (this.lost > this.lostReported || !this.take(line)) {
      this.lost++;
      return;
    }
    // While there is no room, only the timer retries.
    if (this.retry !== undefined) return;
    if (this.end - this.start >= PIECE_BYTES) this.drain();
    else if (!this.isTurnEndDue) {
      // All lines of one turn of the event loop go into one write.
      this.isTurnEndDue = true;
      setImmediate(() => {
        this.isTurnEndDue = false;
        if (this.retry === undefined) this.drain();
      });
    }
  }

  flush(msMax: number): void {
    const endMs = performance.now() + msMax;
    let isReady = false;
    for (;;) {
      const { start } = this;
      if (this.writeSome()) return;
      const leftMs = Math.ceil(endMs - performance.now());
      const nobodyReads = isReady && this.start === start;
      if (nobodyReads || leftMs <= 0) return;
      isReady = this.poll(leftMs) !== 0;
    }
  }

  private drain(): void {
    const before = this.start;
    if (this.writeSome()) {
      this.retryMs = RETRY_MS_MIN;
      return;
    }
    if (this.start !== before) this.retryMs = RETRY_MS_MIN;
    this.retry = setTimeout(() => {
      this.retry = undefined;
      this.drain();
    }, this.retryMs).unref();
    this.retryMs = Math.min(2 * this.retryMs, RETRY_MS_MAX);
  }

  /** Writes what there is room for; returns whether that was everything. */
  private writeSome(): boolean {
    for (;;) {
      while (this.start < this.end) {
        if ((this.poll(0) & POLLOUT) === 0) return false;
        const at = (this.bytesAt + this.start) as Pointer;
        const written = Number(this.libc.write(this.fd, at, this.pieceEnd() - this.start));
        // No room after all, or no reader (EPIPE): one may come.
        if (written <= 0) return false;
        this.start += written;
      }
      this.start = this.end = 0;
      if (this.lost === this.lostReported) return true;
      this.take(this.lostLine(this.lost - this.lostReported));
      this.lostReported = this.lost;
    }
  }

  /** The descriptor's events according to poll(2); 0 if there are none within this time. */
  private poll(waitMs: number): number {
    this.pollfd[1] = POLLOUT;
    return this.libc.poll(this.pollfdAt, 1, waitMs) > 0 ? this.pollfd[1] >>> 16 : 0;
  }

  /** The end of as many whole lines as fit into one write, or of part of a long line. */
  private pieceEnd(): number {
    const max = this.start + PIECE_BYTES;
    if (this.end <= max) return this.end;
    const lastLf = this.bytes.lastIndexOf(LF, max - 1);
    return lastLf >= this.start ? lastLf + 1 : max;
  }

  /** Appends a line to those pending; false if there is no room. */
  private take(line: string): boolean {
    const { bytes } = this;
    // A UTF-16 unit takes at most three bytes; only if that does not fit is an exact count worthwhile.
    if (this.end + 3 * line.length + 1 > bytes.length) {
      if (this.end - this.start + Buffer.byteLength(line) + 1 > bytes.length) return false;
      if (this.start > 0) bytes.copyWithin(0, this.start, this.end);
      this.end -= this.start;
      this.start = 0;
    }
    this.end += bytes.write(line, this.end);
    bytes[this.end++] = LF;
    return true;
  }
}
