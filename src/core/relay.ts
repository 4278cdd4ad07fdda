/** The way of a metric: datagram, lines, route, batch. Sending is asked for here and done elsewhere. */
import type { Batch } from "./batch.ts";
import { countLines } from "./batch.ts";
import type { Counters } from "./counters.ts";
import { type Lines, Verdict } from "./line.ts";
import type { Locator } from "./locator.ts";
import { EVERY_NODE, NO_OWNER } from "./owner.ts";

/** Stands for an owner before the first line. */
const NOBODY = -4;

/** Told of each line, in debug mode. `owner`: index of a node, `NO_OWNER`, `EVERY_NODE`; of a refused line `NO_OWNER`. */
export type LineWitness = (line: Buffer, verdict: Verdict, owner: number) => void;

export interface RelayParts {
  readonly lines: Lines;
  /** Undefined: mirroring, every accepted line goes to every node. */
  readonly locator: Locator | undefined;
  readonly batches: readonly Batch[];
  readonly counters: Counters;
  /** Sends what waits in the batch of a node, as far as its socket takes it. */
  readonly send: (node: number) => void;
}

export class Relay {
  /** Sees every line while it is set; costs nothing while it is not. */
  witness: LineWitness | undefined;
  private readonly lines: Lines;
  private readonly locator: Locator | undefined;
  private readonly batches: readonly Batch[];
  private readonly counters: Counters;
  private readonly send: (node: number) => void;
  private readonly isUp: boolean[];

  constructor(parts: RelayParts) {
    this.lines = parts.lines;
    this.locator = parts.locator;
    this.batches = parts.batches;
    this.counters = parts.counters;
    this.send = parts.send;
    this.isUp = parts.batches.map(() => true);
    this.witness = undefined;
  }

  /** From now on lines for the node are dropped and counted, or no longer. */
  setUp(node: number, isUp: boolean): void {
    this.isUp[node] = isUp;
  }

  /**
   * Takes the lines of the datagram `bytes[start, end)` to the batches of their owners. Neighbouring lines with one
   * owner (when mirroring, all) are a run and copied together.
   */
  datagram(bytes: Buffer, start: number, end: number): void {
    const { lines, counters, locator } = this;
    counters.packetsReceived++;
    counters.bytesReceived += end - start;
    let received = 0;
    let accepted = 0;
    let delivered = 0;
    let runStart = 0;
    let runEnd = 0;
    let runLines = 0;
    let runOwner = NOBODY;
    try {
      lines.open(bytes, start, end);
      for (let verdict = lines.next(); verdict !== Verdict.end; verdict = lines.next()) {
        received++;
        if (verdict !== Verdict.accepted) {
          counters.linesRejected[verdict - 1]++;
          if (this.witness) this.witness(bytes.subarray(lines.start, lines.lineEnd), verdict, NO_OWNER);
          continue;
        }
        accepted++;
        const owner = locator ? locator.owner(bytes, lines.nameStart, lines.nameEnd, lines.nameHash) : EVERY_NODE;
        if (this.witness) this.witness(bytes.subarray(lines.start, lines.lineEnd), verdict, owner);
        // One byte apart: that byte is the LF, and nothing (a refused line, an empty one, a CR) lies between.
        if (owner === runOwner && lines.start === runEnd + 1) {
          runLines++;
        } else {
          if (runLines > 0) this.deliver(runOwner, bytes, runStart, runEnd, runLines);
          delivered += runLines;
          runOwner = owner;
          runStart = lines.start;
          runLines = 1;
        }
        runEnd = lines.lineEnd;
      }
      if (runLines > 0) this.deliver(runOwner, bytes, runStart, runEnd, runLines);
      delivered += runLines;
    } finally {
      // What throws here is an error of the program's own. Even then each line that was counted has its place.
      counters.linesReceived += received;
      counters.linesAccepted += accepted;
      counters.linesFailed += (accepted - delivered) * (locator ? 1 : this.batches.length);
    }
  }

  /** Sends everything that waits. */
  flush(): void {
    const { batches } = this;
    for (let node = 0; node < batches.length; node++) if (batches[node].linesPending > 0) this.send(node);
  }

  /** Lines that wait in all batches. */
  get linesPending(): number {
    return this.batches.reduce((sum, batch) => sum + batch.linesPending, 0);
  }

  private deliver(owner: number, bytes: Buffer, start: number, end: number, lines: number): void {
    if (owner === EVERY_NODE) {
      for (let node = 0; node < this.batches.length; node++) this.deliverTo(node, bytes, start, end, lines);
    } else if (owner === NO_OWNER) {
      this.counters.linesUnowned += lines;
    } else {
      this.deliverTo(owner, bytes, start, end, lines);
    }
  }

  private deliverTo(node: number, bytes: Buffer, start: number, end: number, lines: number): void {
    const batch = this.batches[node];
    const dropped = this.counters.nodes[node].linesDropped;
    if (!this.isUp[node]) {
      if (this.locator) dropped.held += lines;
      else dropped.node_down += lines;
      return;
    }
    let at = batch.append(bytes, start, end, lines);
    while (at < end) {
      const waiting = batch.datagrams;
      this.send(node);
      if (batch.datagrams === waiting) {
        // The socket takes nothing, so neither does the batch.
        dropped.send_buffer_full += countLines(bytes, at, end);
        return;
      }
      at = batch.append(bytes, at, end, countLines(bytes, at, end));
    }
  }
}
