/**
 * A node's batch: lines packed into datagrams, in order, until they are sent. It is bounded, and lines never move to
 * another node.
 *
 *     bytes:  line LF line LF line | line LF line | line ...
 *             datagram 0             datagram 1     datagram 2 (open: takes more lines while they fit)
 *             ^ head (first unsent)
 */

const LF = 0x0a;

/** Room for one datagram of the largest size, and as much again. */
export const BATCH_BYTES_MAX = 128 * 1024;
/** Most pending datagrams; also the most per sendMany (Bun before 1.4.5 lost those beyond about 204). */
export const BATCH_DATAGRAMS_MAX = 128;

export class Batch {
  /** Lines not yet sent. */
  linesPending = 0;
  /** The size limit of a datagram that holds more than one line; 0: one line per datagram. May change. */
  datagramBytesMax: number;
  /** Where the pending datagrams lie. */
  readonly bytes = Buffer.allocUnsafeSlow(BATCH_BYTES_MAX);
  /** Half-open bounds and line count of each datagram; valid in [head, tail). */
  private readonly starts = new Int32Array(BATCH_DATAGRAMS_MAX);
  private readonly ends = new Int32Array(BATCH_DATAGRAMS_MAX);
  private readonly lineCounts = new Int32Array(BATCH_DATAGRAMS_MAX);
  private head = 0;
  private tail = 0;

  constructor(datagramBytesMax: number) {
    this.datagramBytesMax = datagramBytesMax;
  }

  /** Pending datagrams. */
  get datagrams(): number {
    return this.tail - this.head;
  }

  /** Half-open bounds in `bytes` of a pending datagram; 0: the first one. */
  startOf(datagram: number): number {
    return this.starts[this.head + datagram];
  }

  endOf(datagram: number): number {
    return this.ends[this.head + datagram];
  }

  /**
   * Takes the run `source[start, end)` of `lines` lines, separated by single LFs. Returns how far it got: `end`, or the
   * start of the first line that did not fit.
   */
  append(source: Buffer, start: number, end: number, lines: number): number {
    if (end - start <= this.datagramBytesMax) return this.place(source, start, end, lines) ? end : start;
    let at = start;
    while (at < end) {
      const pieceEnd = this.pieceEnd(source, at, end);
      if (!this.place(source, at, pieceEnd, countLines(source, at, pieceEnd))) return at;
      at = pieceEnd + 1;
    }
    return end;
  }

  /** The pending datagrams in order, as views that are valid until the next `append`. */
  views(): Buffer[] {
    const views: Buffer[] = [];
    for (let i = this.head; i < this.tail; i++) views.push(this.bytes.subarray(this.starts[i], this.ends[i]));
    return views;
  }

  /** The first pending datagram, valid until the next `append`. */
  first(): Buffer {
    return this.bytes.subarray(this.startOf(0), this.endOf(0));
  }

  /** Removes the first `datagrams`, sent or dropped; returns the number of their lines. */
  shift(datagrams: number): number {
    let lines = 0;
    for (let i = 0; i < datagrams; i++) lines += this.lineCounts[this.head++];
    this.linesPending -= lines;
    if (this.head === this.tail) this.head = this.tail = 0;
    return lines;
  }

  /** Where the next datagram's worth of a long run ends: at the last LF that lets it fit, or else after one line. */
  private pieceEnd(source: Buffer, start: number, end: number): number {
    if (end - start <= this.datagramBytesMax) return end;
    for (let at = start + this.datagramBytesMax; at > start; at--) if (source[at] === LF) return at;
    let at = start + this.datagramBytesMax;
    while (at < end && source[at] !== LF) at++;
    return at;
  }

  /** Puts lines into the open datagram if they fit, or else into a new one. False: no room. */
  private place(source: Buffer, start: number, end: number, lines: number): boolean {
    const length = end - start;
    let open = this.tail - 1;
    let at = 0;
    if (open >= this.head) {
      at = this.ends[open];
      if (at + 1 + length - this.starts[open] <= this.datagramBytesMax && at + 1 + length <= BATCH_BYTES_MAX) {
        this.bytes[at++] = LF;
      } else {
        open = -1;
      }
    } else {
      open = -1;
    }
    if (open === -1) {
      if (this.tail === BATCH_DATAGRAMS_MAX || at + length > BATCH_BYTES_MAX) {
        if (this.head === 0) return false;
        at = this.compact();
        if (at + length > BATCH_BYTES_MAX) return false;
      }
      open = this.tail++;
      this.starts[open] = at;
      this.lineCounts[open] = 0;
    }
    source.copy(this.bytes, at, start, end);
    this.ends[open] = at + length;
    this.lineCounts[open] = this.lineCounts[open] + lines;
    this.linesPending += lines;
    return true;
  }

  /** Moves what is pending to the front after a partial send. Returns where it ends. */
  private compact(): number {
    const { head, tail, starts, ends, lineCounts } = this;
    const shift = starts[head];
    this.bytes.copyWithin(0, shift, ends[tail - 1]);
    for (let i = head; i < tail; i++) {
      starts[i - head] = starts[i] - shift;
      ends[i - head] = ends[i] - shift;
      lineCounts[i - head] = lineCounts[i];
    }
    this.head = 0;
    this.tail = tail - head;
    return ends[this.tail - 1];
  }
}

/** Number of lines in a run: its separators plus one. */
export function countLines(source: Buffer, start: number, end: number): number {
  let lines = 1;
  for (let at = start; at < end; at++) if (source[at] === LF) lines++;
  return lines;
}
