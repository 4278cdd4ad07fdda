/**
 * A metric's way through memory, in three stages: the lines of many datagrams are found, then their owners, and then they
 * are brought to batches.
 *
 * After a sleep, the ring's index has left the processor's cache. Looked up one right after the other, independent of
 * each other, many owners are waited for at once; one at a time, that was a sixth of all time (W3).
 */
import { append, Batch, countLines } from "./batch";
import { fingerprint32 } from "./fingerprint32";
import { locate, seen, send } from "./host";
import { ACCEPTED, Lines, next } from "./lines";

/** As in placement/owner.ts. */
const NO_LIVE_NODE: i32 = -1;
const EVERY_NODE: i32 = -2;
/** Owner of the current run before the first line. */
const NO_OWNER: i32 = -4;

/** How names are given to nodes. */
const MIRRORED: u32 = 0;
/** By fingerprint32 and the index of the ring. */
const DIRECT: u32 = 1;

/** Where lines go, and what has become of them since the host looked last. */
@unmanaged
export class Relay {
  lines: Lines;
  placing: u32;
  /** The ring's index, see placement/ringIndex.ts. */
  buckets: usize;
  points: usize;
  shift: u32;
  /** One `Node` after the other, and how many they are. */
  nodes: usize;
  nodeCount: u32;
  /** Which lines the host is shown: 0: none, 1: rejected ones, 2: all. */
  shows: u32;
  /** The datagram whose lines are being found, counted from the first of its read. */
  datagram: u32;
  /** Its length, where it came alone. */
  length: u32;
  /** Whether to go on in the middle of that datagram, because the host has thrown. */
  isResumed: u32;
  /** The datagram of the line that the host is being shown. */
  datagramShown: u32;
  /** Room for `FOUND_MAX` lines, one `Found` after the other; how many there are, and how many are done with. */
  found: usize;
  foundLines: u32;
  doneLines: u32;
  received: u32;
  accepted: u32;
  /** Of the accepted ones, those whose way has ended: in batches, or dropped. */
  delivered: u32;
  noLiveNode: u32;
  /** By verdict; the first is unused. */
  rejected0: u32;
  rejected1: u32;
  rejected2: u32;
  rejected3: u32;
  rejected4: u32;
  rejected5: u32;
  /** So that reading ahead is not left out. */
  unused: u32;
}

/** A node, and what has become of its lines since the host looked last. */
@unmanaged
export class Node {
  batch: Batch;
  /** 0: its lines are dropped. */
  isUp: u32;
  due: u32;
  /** Dropped, because it is down. */
  down: u32;
  /** Dropped, because its batch is full and its socket takes nothing. */
  noRoom: u32;
}

/** A line on its way. */
@unmanaged
class Found {
  start: usize;
  lineEnd: usize;
  verdict: i32;
  /** Its owner; at first, on a ring that the core knows, the position of its name. */
  owner: i32;
  datagram: u32;
}

/** Their memory stays in the processor's first cache. */
const FOUND_MAX: u32 = 256;

export function foundSize(): usize {
  return FOUND_MAX * offsetof<Found>();
}

/**
 * Adds the lines of datagrams to the batches of their owners: of those from `first` on of a read of `count`. Slots and
 * lengths are so many bytes apart.
 */
export function relay(
  relay: Relay,
  first: u32,
  count: u32,
  slots: usize,
  slotStride: usize,
  lengths: usize,
  lengthStride: usize,
): void {
  const lines = relay.lines;
  if (relay.doneLines > 0) bringOn(relay);
  for (let datagram = first; datagram < count; datagram++) {
    relay.datagram = datagram;
    if (!relay.isResumed) {
      lines.at = slots + datagram * slotStride;
      lines.end = lines.at + load<u32>(lengths + datagram * lengthStride);
    }
    relay.isResumed = 0;
    findLines(relay, lines);
  }
  bringOn(relay);
}

function findLines(relay: Relay, lines: Lines): void {
  const placing = relay.placing;
  for (let verdict = next(lines); verdict >= ACCEPTED; verdict = next(lines)) {
    relay.received++;
    let owner = NO_LIVE_NODE;
    if (verdict === ACCEPTED) {
      relay.accepted++;
      owner =
        placing === DIRECT
          ? <i32>fingerprint32(lines.nameStart, lines.nameEnd)
          : placing === MIRRORED
            ? EVERY_NODE
            : locate(lines.nameStart, lines.nameEnd, lines.nameHash);
    } else {
      countRejected(relay, verdict);
      if (relay.shows === 0) continue;
    }
    const found = foundAt(relay, relay.foundLines++);
    found.start = lines.start;
    found.lineEnd = lines.lineEnd;
    found.verdict = verdict;
    found.owner = owner;
    found.datagram = relay.datagram;
    if (relay.foundLines === FOUND_MAX) bringOn(relay);
  }
}

function countRejected(relay: Relay, verdict: i32): void {
  const at = changetype<usize>(relay) + offsetof<Relay>("rejected0") + (usize(verdict) << 2);
  store<u32>(at, load<u32>(at) + 1);
}

/** Brings the lines that were found to batches. */
function bringOn(relay: Relay): void {
  if (relay.doneLines === 0 && relay.placing === DIRECT) findOwners(relay);
  // Adjacent lines with the same owner are a run, and are copied together.
  let runStart: usize = 0;
  let runEnd: usize = 0;
  let runLines: u32 = 0;
  let runOwner = NO_OWNER;
  while (relay.doneLines < relay.foundLines) {
    const found = foundAt(relay, relay.doneLines++);
    const isAccepted = found.verdict === ACCEPTED;
    if (relay.shows > (isAccepted ? 1 : 0)) {
      relay.datagramShown = found.datagram;
      seen(found.start, found.lineEnd, found.verdict, found.owner);
    }
    if (!isAccepted) continue;
    // One byte apart: that byte is the LF, with nothing (a rejected line, an empty one, a CR) in between.
    if (found.owner === runOwner && found.start === runEnd + 1) {
      runLines++;
    } else {
      if (runLines > 0) deliver(relay, runOwner, runStart, runEnd, runLines);
      runOwner = found.owner;
      runStart = found.start;
      runLines = 1;
    }
    runEnd = found.lineEnd;
  }
  if (runLines > 0) deliver(relay, runOwner, runStart, runEnd, runLines);
  relay.foundLines = 0;
  relay.doneLines = 0;
}

/** As `RingIndex.ownerAt` of placement/ringIndex.ts, for all lines that were found. */
function findOwners(relay: Relay): void {
  const buckets = relay.buckets;
  const points = relay.points;
  const shift = relay.shift;
  const lines = relay.foundLines;
  // Reads what will be needed. Nothing here depends on what was read before, so the processor goes on reading.
  let sum: u32 = 0;
  for (let line: u32 = 0; line < lines; line++) {
    const entry = load<i32>(buckets + (usize(<u32>foundAt(relay, line).owner >>> shift) << 2));
    sum += load<u32>(select<usize>(points, points + (usize(~entry) << 3), entry >= 0));
  }
  relay.unused = sum;
  for (let line: u32 = 0; line < lines; line++) {
    const found = foundAt(relay, line);
    if (found.verdict === ACCEPTED) found.owner = ownerAt(buckets, points, shift, <u32>found.owner);
  }
}

function ownerAt(buckets: usize, points: usize, shift: u32, position: u32): i32 {
  const entry = load<i32>(buckets + (usize(position >>> shift) << 2));
  if (entry >= 0) return entry;
  let at = points + (usize(~entry) << 3);
  while (load<u32>(at) < position) at += 8;
  return load<i32>(at, 4);
}

function foundAt(relay: Relay, line: u32): Found {
  return changetype<Found>(relay.found + line * offsetof<Found>());
}

function deliver(relay: Relay, owner: i32, start: usize, end: usize, lines: u32): void {
  if (owner >= 0) deliverTo(relay, owner, start, end, lines);
  else if (owner === EVERY_NODE && relay.nodeCount > 0) {
    for (let node = 0; node < <i32>relay.nodeCount; node++) deliverTo(relay, node, start, end, lines);
  } else relay.noLiveNode += lines;
  relay.delivered += lines;
}

function deliverTo(relay: Relay, node: i32, start: usize, end: usize, lines: u32): void {
  const to = changetype<Node>(relay.nodes + usize(node) * offsetof<Node>());
  to.due += lines;
  if (!to.isUp) {
    to.down += lines;
    return;
  }
  const batch = to.batch;
  let at = append(batch, start, end, lines);
  while (at < end) {
    const waiting = batch.tail - batch.head;
    send(node);
    if (batch.tail - batch.head === waiting) {
      // The socket takes nothing, so the batch has no room.
      to.noRoom += countLines(at, end);
      return;
    }
    at = append(batch, at, end, countLines(at, end));
  }
}
