/**
 * A node's batch: lines packed into datagrams, in order, until they are sent. It is bounded, and lines never move to
 * another node.
 *
 *     bytes:  line LF line LF line | line LF line | line ...
 *             datagram 0             datagram 1     datagram 2 (open: takes more lines while they fit)
 *             ^ head (first unsent)
 */
import { copy, count } from "./search";

const LF: u8 = 0x0a;

/** Room for one datagram of the largest size, and as much again. */
export const BATCH_BYTES_MAX: u32 = 128 * 1024;
/** Most pending datagrams; also the most per sendMany (Bun before 1.4.5 lost those beyond about 204). */
export const BATCH_DATAGRAMS_MAX: u32 = 128;

/** Behind it lie, in this order: the datagrams' starts, ends and numbers of lines, and the bytes. */
@unmanaged
export class Batch {
  /** Lines not yet sent. */
  linesPending: u32;
  /** Half-open bounds of the pending datagrams. */
  head: u32;
  tail: u32;
  /** The size limit of a datagram that holds more than one line; 0: one line per datagram. */
  datagramBytesMax: u32;
}

const STARTS: usize = offsetof<Batch>();
const ENDS: usize = STARTS + 4 * BATCH_DATAGRAMS_MAX;
const LINE_COUNTS: usize = ENDS + 4 * BATCH_DATAGRAMS_MAX;
const BYTES: usize = LINE_COUNTS + 4 * BATCH_DATAGRAMS_MAX;
/** `copy` writes words. */
const SIZE: usize = BYTES + BATCH_BYTES_MAX + 8;

export function batchSize(): usize {
  return SIZE;
}

/** Half-open bounds of a pending datagram; 0: the first one. */
export function startOf(batch: Batch, datagram: u32): usize {
  return bytesAt(batch, load<u32>(slot(batch, datagram + batch.head), STARTS));
}

export function endOf(batch: Batch, datagram: u32): usize {
  return bytesAt(batch, load<u32>(slot(batch, datagram + batch.head), ENDS));
}

/** Bytes of the first `datagrams`. */
export function bytesOf(batch: Batch, datagrams: u32): u32 {
  let bytes: u32 = 0;
  for (let i: u32 = 0; i < datagrams; i++) bytes += u32(endOf(batch, i) - startOf(batch, i));
  return bytes;
}

/** Writes a struct iovec for each pending datagram; `base` is the address of the core's memory. */
export function putVectors(batch: Batch, vectors: usize, base: f64): void {
  const datagrams = batch.tail - batch.head;
  for (let i: u32 = 0; i < datagrams; i++) {
    const start = startOf(batch, i);
    store<u64>(vectors, u64(base) + start);
    store<u64>(vectors, endOf(batch, i) - start, 8);
    vectors += 16;
  }
}

/** Removes the first `datagrams`, sent or dropped; returns the number of their lines. */
export function shift(batch: Batch, datagrams: u32): u32 {
  const head = batch.head + datagrams;
  let lines: u32 = 0;
  for (let at = batch.head; at < head; at++) lines += load<u32>(slot(batch, at), LINE_COUNTS);
  batch.linesPending -= lines;
  const isEmpty = head === batch.tail;
  batch.head = isEmpty ? 0 : head;
  if (isEmpty) batch.tail = 0;
  return lines;
}

/**
 * Takes the run `[start, end)` of `lines` lines, separated by single LFs. Returns how far it got: `end`, or the start of
 * the first line that did not fit.
 */
export function append(batch: Batch, start: usize, end: usize, lines: u32): usize {
  if (end - start <= batch.datagramBytesMax) return place(batch, start, end, lines) ? end : start;
  let at = start;
  while (at < end) {
    const pieceEnd = endOfPiece(batch.datagramBytesMax, at, end);
    if (!place(batch, at, pieceEnd, countLines(at, pieceEnd))) return at;
    at = pieceEnd + 1;
  }
  return end;
}

/** Number of lines in a run: its separators plus one. */
export function countLines(start: usize, end: usize): u32 {
  return 1 + count(start, end, LF);
}

/** Where the next datagram's worth of a long run ends: at the last LF that lets it fit, or else after one line. */
function endOfPiece(bytesMax: u32, start: usize, end: usize): usize {
  if (end - start <= bytesMax) return end;
  for (let at = start + bytesMax; at > start; at--) if (load<u8>(at) === LF) return at;
  let at = start + bytesMax;
  while (at < end && load<u8>(at) !== LF) at++;
  return at;
}

/** Puts lines into the open datagram if they fit, or else into a new one. False: no room. */
function place(batch: Batch, start: usize, end: usize, lines: u32): bool {
  const length = u32(end - start);
  let at: u32 = 0;
  if (batch.tail > batch.head) {
    const open = slot(batch, batch.tail - 1);
    at = load<u32>(open, ENDS);
    const newEnd = at + 1 + length;
    if (newEnd - load<u32>(open, STARTS) <= batch.datagramBytesMax && newEnd <= BATCH_BYTES_MAX) {
      store<u8>(bytesAt(batch, at), LF);
      copy(bytesAt(batch, at + 1), start, length);
      store<u32>(open, newEnd, ENDS);
      store<u32>(open, load<u32>(open, LINE_COUNTS) + lines, LINE_COUNTS);
      batch.linesPending += lines;
      return true;
    }
  }
  if (batch.tail === BATCH_DATAGRAMS_MAX || at + length > BATCH_BYTES_MAX) {
    if (batch.head === 0) return false;
    at = compact(batch);
    if (at + length > BATCH_BYTES_MAX) return false;
  }
  const open = slot(batch, batch.tail++);
  copy(bytesAt(batch, at), start, length);
  store<u32>(open, at, STARTS);
  store<u32>(open, at + length, ENDS);
  store<u32>(open, lines, LINE_COUNTS);
  batch.linesPending += lines;
  return true;
}

/** Moves what is pending to the front after a partial send. Returns where it ends. */
function compact(batch: Batch): u32 {
  const head = batch.head;
  const datagrams = batch.tail - head;
  const shift = load<u32>(slot(batch, head), STARTS);
  const end = load<u32>(slot(batch, batch.tail - 1), ENDS) - shift;
  memory.copy(bytesAt(batch, 0), bytesAt(batch, shift), end);
  for (let i: u32 = 0; i < datagrams; i++) {
    const from = slot(batch, head + i);
    const to = slot(batch, i);
    store<u32>(to, load<u32>(from, STARTS) - shift, STARTS);
    store<u32>(to, load<u32>(from, ENDS) - shift, ENDS);
    store<u32>(to, load<u32>(from, LINE_COUNTS), LINE_COUNTS);
  }
  batch.head = 0;
  batch.tail = datagrams;
  return end;
}

function slot(batch: Batch, datagram: u32): usize {
  return changetype<usize>(batch) + (datagram << 2);
}

function bytesAt(batch: Batch, at: u32): usize {
  return changetype<usize>(batch) + BYTES + at;
}
