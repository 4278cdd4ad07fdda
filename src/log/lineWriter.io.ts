/**
 * Lines of text to a descriptor, standard error for one, that never wait for whoever reads it:
 *
 *     write -> [ lines that wait, bounded ] -> poll(2): as much as there is room for -> write(2)
 *                                                     no room: again a little later
 *
 * When they do not fit any more, lines are left out until all that wait are written. Then one line tells how many.
 */
import { type Pointer, ptr } from "bun:ffi";
import { constants, fstatSync, openSync } from "node:fs";
import { type Libc, openLibc } from "../system/libc.io.ts";

export interface LineWriter {
  /** Lines that nobody will read. */
  readonly linesLost: number;
  /** Takes a line, without its end. */
  write(line: string): void;
  /** Waits for at most so long until all lines are written. */
  flush(msMax: number): void;
}

/**
 * What may wait: at 5,000 logged lines a second, what a reader misses that pauses for one or two; in a flood, what is said
 * in the few milliseconds until a reader on the same core has its turn.
 */
export const WAITING_BYTES_MAX = 2 ** 20;
/**
 * Bytes of one write(2). Of a pipe, poll(2) says that there is room when a page is free, and with as much as that a write
 * does not block; it is also what a pipe takes as a whole (PIPE_BUF), so that lines of several processes do not mix.
 */
const PIECE_BYTES = 4096;
const RETRY_MS_MIN = 5;
const RETRY_MS_MAX = 320;

const LF = 10;
const POLLOUT = 4;

/** `lostLine` makes the line that tells how many were left out. */
export function openLineWriter(fd: number, lostLine: (lines: number) => string): LineWriter {
  try {
    const libc = openLibc();
    return new PollingWriter(libc, ownDescription(fd) ?? fd, lostLine);
  } catch {
    // Not on Linux: there console waits for the reader. Not process.stderr, which brings all of node:stream with it: 7 MB
    // of resident memory (Bun 1.4.5).
    const write = fd === 1 ? console.log : console.error;
    return { linesLost: 0, write: (line) => write(line), flush: () => {} };
  }
}

/**
 * A pipe or a terminal, opened once more: O_NONBLOCK then holds for this program alone. A terminal blocks with less room
 * than a write needs, and of a pipe another process may take the room between poll(2) and write(2). Undefined where that
 * is not allowed (the pipe of another user), or not wanted: a file would be written from its beginning.
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
  /** What waits is in `[start, end)`. Memory that is never written to costs none. */
  private readonly bytes = Buffer.allocUnsafeSlow(WAITING_BYTES_MAX);
  private readonly bytesAt = ptr(this.bytes);
  private start = 0;
  private end = 0;
  /** struct pollfd: fd, then events and revents of 16 bits each. */
  private readonly pollfd: Int32Array;
  private readonly pollfdAt: Pointer;
  private isTurnEndDue = false;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private retryMs = RETRY_MS_MIN;
  private lost = 0;
  private lostTold = 0;

  constructor(libc: Libc, fd: number, lostLine: (lines: number) => string) {
    this.libc = libc;
    this.fd = fd;
    this.lostLine = lostLine;
    this.pollfd = Int32Array.of(fd, POLLOUT);
    this.pollfdAt = ptr(this.pollfd);
  }

  get linesLost(): number {
    return this.lost;
  }

  write(line: string): void {
    if (this.lost > this.lostTold || !this.take(line)) {
      this.lost++;
      return;
    }
    // While there was no room, only the timer looks again.
    if (this.retry !== undefined) return;
    if (this.end - this.start >= PIECE_BYTES) this.drain();
    else if (!this.isTurnEndDue) {
      // Lines of one turn of the event loop are one write.
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

  /** Writes what there is room for; whether that was all. */
  private writeSome(): boolean {
    for (;;) {
      while (this.start < this.end) {
        if ((this.poll(0) & POLLOUT) === 0) return false;
        const at = (this.bytesAt + this.start) as Pointer;
        const written = Number(this.libc.write(this.fd, at, this.pieceEnd() - this.start));
        // No room after all, or nobody reads (EPIPE): a reader may come.
        if (written <= 0) return false;
        this.start += written;
      }
      this.start = this.end = 0;
      if (this.lost === this.lostTold) return true;
      this.take(this.lostLine(this.lost - this.lostTold));
      this.lostTold = this.lost;
    }
  }

  /** What poll(2) has to say of the descriptor; 0 if it is nothing for so long. */
  private poll(waitMs: number): number {
    this.pollfd[1] = POLLOUT;
    return this.libc.poll(this.pollfdAt, 1, waitMs) > 0 ? this.pollfd[1] >> 16 : 0;
  }

  /** The end of as many whole lines as one write takes, or of a part of a long line. */
  private pieceEnd(): number {
    const max = this.start + PIECE_BYTES;
    if (this.end <= max) return this.end;
    const lastLf = this.bytes.lastIndexOf(LF, max - 1);
    return lastLf >= this.start ? lastLf + 1 : max;
  }

  /** Puts a line behind those that wait; false if there is no room for it. */
  private take(line: string): boolean {
    const { bytes } = this;
    // A UTF-16 unit is three bytes at most; only where that does not fit is it worth to look closer.
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
