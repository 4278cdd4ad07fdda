/** A metric's way through memory: datagram, lines, route, batch. */
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
  /** The nodes, one `Target` after the other. */
  targets: usize;
  nodes: u32;
  /** Which lines the host is shown: 0: none, 1: rejected ones, 2: all. */
  shows: u32;
  /** The datagram at work, counted from the first of its read. */
  datagram: u32;
  /** Its length, where it came alone. */
  length: u32;
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
}

/** A node, and what has become of its lines since the host looked last. */
@unmanaged
export class Target {
  batch: Batch;
  /** 0: its lines are dropped. */
  isUp: u32;
  due: u32;
  /** Dropped, because it is down. */
  down: u32;
  /** Dropped, because its batch is full and its socket takes nothing. */
  noRoom: u32;
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
  for (let datagram = first; datagram < count; datagram++) {
    relay.datagram = datagram;
    const start = slots + datagram * slotStride;
    relayOne(relay, start, start + load<u32>(lengths + datagram * lengthStride));
  }
}

function relayOne(relay: Relay, start: usize, end: usize): void {
  const lines = relay.lines;
  const placing = relay.placing;
  const shows = relay.shows;
  // Adjacent lines with the same owner are a run, and are copied together.
  let runStart: usize = 0;
  let runEnd: usize = 0;
  let runLines: u32 = 0;
  let runOwner = NO_OWNER;
  lines.at = start;
  lines.end = end;
  for (let verdict = next(lines); verdict >= ACCEPTED; verdict = next(lines)) {
    relay.received++;
    if (verdict !== ACCEPTED) {
      const at = changetype<usize>(relay) + ((<usize>verdict) << 2);
      store<u32>(at, load<u32>(at, offsetof<Relay>("rejected0")) + 1, offsetof<Relay>("rejected0"));
      if (shows > 0) seen(lines.start, lines.lineEnd, verdict, NO_LIVE_NODE);
      continue;
    }
    relay.accepted++;
    const owner =
      placing === DIRECT
        ? ownerAt(relay, fingerprint32(lines.nameStart, lines.nameEnd))
        : placing === MIRRORED
          ? EVERY_NODE
          : locate(lines.nameStart, lines.nameEnd, lines.nameHash);
    if (shows > 1) seen(lines.start, lines.lineEnd, verdict, owner);
    // One byte apart: that byte is the LF, with nothing (a rejected line, an empty one, a CR) in between.
    if (owner === runOwner && lines.start === runEnd + 1) {
      runLines++;
    } else {
      if (runLines > 0) deliver(relay, runOwner, runStart, runEnd, runLines);
      runOwner = owner;
      runStart = lines.start;
      runLines = 1;
    }
    runEnd = lines.lineEnd;
  }
  if (runLines > 0) deliver(relay, runOwner, runStart, runEnd, runLines);
}

/** As `RingIndex.ownerAt` of placement/ringIndex.ts. */
function ownerAt(relay: Relay, position: u32): i32 {
  const entry = load<i32>(relay.buckets + (usize(position >>> relay.shift) << 2));
  if (entry >= 0) return entry;
  let at = relay.points + (usize(~entry) << 3);
  while (load<u32>(at) < position) at += 8;
  return load<i32>(at, 4);
}

function deliver(relay: Relay, owner: i32, start: usize, end: usize, lines: u32): void {
  if (owner >= 0) deliverTo(relay, owner, start, end, lines);
  else if (owner === EVERY_NODE && relay.nodes > 0) {
    for (let node = 0; node < <i32>relay.nodes; node++) deliverTo(relay, node, start, end, lines);
  } else relay.noLiveNode += lines;
  relay.delivered += lines;
}

function deliverTo(relay: Relay, node: i32, start: usize, end: usize, lines: u32): void {
  const target = changetype<Target>(relay.targets + usize(node) * offsetof<Target>());
  target.due += lines;
  if (!target.isUp) {
    target.down += lines;
    return;
  }
  const batch = target.batch;
  let at = append(batch, start, end, lines);
  while (at < end) {
    const waiting = batch.tail - batch.head;
    send(node);
    if (batch.tail - batch.head === waiting) {
      // The socket takes nothing, so the batch has no room.
      target.noRoom += countLines(at, end);
      return;
    }
    at = append(batch, at, end, countLines(at, end));
  }
}
