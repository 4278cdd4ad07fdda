/**
 * A node's batch: lines packed into datagrams, in order, until they are sent. It is bounded, and lines never move to
 * another node. It lies in the core's memory, where lines are added: see core/assembly/batch.ts.
 */
import { core, coreMemory } from "../core/core.ts";
import { Inbox } from "../core/inbox.ts";
import { CoreObject } from "../core/object.ts";

/** Room for one datagram of the largest size, and as much again. */
export const BATCH_BYTES_MAX = 128 * 1024;
/** Most pending datagrams; also the most per sendMany (Bun before 1.4.5 lost those beyond about 204). */
export const BATCH_DATAGRAMS_MAX = 128;

/** Words of the core's `Batch`. */
const LINES_PENDING = 0;
const HEAD = 1;
const TAIL = 2;
const DATAGRAM_BYTES_MAX = 3;
const WORDS = 4;

export class Batch extends CoreObject {
  private readonly inbox = new Inbox();

  constructor(datagramBytesMax: number) {
    super(core.batchSize(), WORDS);
    this.set(DATAGRAM_BYTES_MAX, datagramBytesMax);
  }

  /** Lines not yet sent. */
  get linesPending(): number {
    return this.get(LINES_PENDING);
  }

  /** Pending datagrams. */
  get datagrams(): number {
    return this.get(TAIL) - this.get(HEAD);
  }

  /** The size limit of a datagram that holds more than one line; 0: one line per datagram. May change. */
  get datagramBytesMax(): number {
    return this.get(DATAGRAM_BYTES_MAX);
  }

  set datagramBytesMax(bytes: number) {
    this.set(DATAGRAM_BYTES_MAX, bytes);
  }

  /** Bytes of the first `datagrams`. */
  bytesOf(datagrams: number): number {
    return core.bytesOf(this.at, datagrams);
  }

  /**
   * Takes the run `source[start, end)` of `lines` lines, separated by single LFs. Returns how far it got: `end`, or the
   * start of the first line that did not fit.
   */
  append(source: Buffer, start: number, end: number, lines: number): number {
    const at = this.inbox.bring(source, start, end);
    return (core.append(this.at, at, at + end - start, lines) >>> 0) - at + start;
  }

  /** The pending datagrams in order, as views that are valid until the next line is added. */
  views(): Buffer[] {
    return Array.from({ length: this.datagrams }, (_, datagram) => this.view(datagram));
  }

  /** The first pending datagram, valid until the next line is added. */
  first(): Buffer {
    return this.view(0);
  }

  /** Gives its memory back. Do not use it afterwards. */
  release(): void {
    coreMemory.release(this);
  }

  /** Removes the first `datagrams`, sent or dropped; returns the number of their lines. */
  shift(datagrams: number): number {
    return core.shift(this.at, datagrams);
  }

  private view(datagram: number): Buffer {
    return coreMemory.bytes.subarray(core.startOf(this.at, datagram) >>> 0, core.endOf(this.at, datagram) >>> 0);
  }
}
