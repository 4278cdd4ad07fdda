/**
 * What is counted. Every line that the kernel handed over is at any moment in exactly one of these places:
 *
 *     received = rejected + accepted          accepted + copied = relayed + dropped + pending
 *
 * Copies are what mirroring makes of a line, besides the first. For each node by itself, the lines that are due to it are
 * relayed + dropped + pending.
 */
import { REJECT_REASONS } from "../protocol/line.ts";

/**
 * Why an accepted line did not go to a node that it was meant for:
 *
 * - `node_down`: mirroring, and the node is out
 * - `held`: `failover` is `hold`, and the node is out
 * - `send_buffer_full`: its socket took nothing for so long that its batch is full
 * - `send_error`: the kernel refused to send the datagram (too large, no route ...)
 */
export const DROP_REASONS = ["node_down", "held", "send_buffer_full", "send_error"] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/**
 * Why an accepted line got as far as no node:
 *
 * - `no_live_node`: no node was up to own it
 * - `internal_error`: relaying its datagram ended in an error of the program's own (when mirroring: each copy)
 */
export const NODELESS_DROP_REASONS = ["no_live_node", "internal_error"] as const;
export type NodelessDropReason = (typeof NODELESS_DROP_REASONS)[number];

/** Why a console connection was cut: what strangers can make grow is bounded. */
export const CUT_REASONS = ["too_many", "line_too_long", "unread", "idle"] as const;
export type CutReason = (typeof CUT_REASONS)[number];

/** Why an HTTP connection was: `slow` is one whose request did not become complete in time. */
export const HTTP_CUT_REASONS = ["too_many", "unread", "slow", "idle"] as const;
export type HttpCutReason = (typeof HTTP_CUT_REASONS)[number];

/** Status codes that HTTP requests are answered with. */
export const HTTP_CODES = [200, 400, 404, 405, 431, 500, 503] as const;
export type HttpCode = (typeof HTTP_CODES)[number];

export class NodeCounters {
  /** Lines that were meant for it: always relayed + dropped + pending. */
  linesDue = 0;
  linesRelayed = 0;
  readonly linesDropped: Record<DropReason, number> = { node_down: 0, held: 0, send_buffer_full: 0, send_error: 0 };
  datagramsSent = 0;
  bytesSent = 0;
  /** Times the node's host answered that nobody listens on the port. */
  refusals = 0;
  /** Errors of its socket that are no refusals: no route, no address, not permitted ... */
  sendErrors = 0;
  checksPassed = 0;
  checksFailed = 0;
  /** Health checks that could not be made for want of something of ours. */
  checksSkipped = 0;

  /** Adds what another has counted. */
  add(other: NodeCounters): void {
    this.linesDue += other.linesDue;
    this.linesRelayed += other.linesRelayed;
    for (const reason of DROP_REASONS) this.linesDropped[reason] += other.linesDropped[reason];
    this.datagramsSent += other.datagramsSent;
    this.bytesSent += other.bytesSent;
    this.refusals += other.refusals;
    this.sendErrors += other.sendErrors;
    this.checksPassed += other.checksPassed;
    this.checksFailed += other.checksFailed;
    this.checksSkipped += other.checksSkipped;
  }
}

export class Counters {
  packetsReceived = 0;
  bytesReceived = 0;
  linesReceived = 0;
  linesAccepted = 0;
  /** Copies of accepted lines that mirroring makes besides the first: one less than there are nodes, for each line. */
  linesCopied = 0;
  /** By `Verdict - 1`, as `REJECT_REASONS`. */
  readonly linesRejected = new Array<number>(REJECT_REASONS.length).fill(0);
  /** Those that got as far as no node. */
  readonly linesDropped: Record<NodelessDropReason, number> = { no_live_node: 0, internal_error: 0 };
  /** Exceptions that should not have been: each is logged, and the proxy goes on. */
  internalErrors = 0;
  /** Times that the sums above did not hold when they were checked. */
  invariantViolations = 0;
  /** Datagrams that the kernel still held when the time for the last reading was up. */
  datagramsUnread = 0;
  /** Console connections that were cut: by reason. */
  readonly consoleCut: Record<CutReason, number> = { too_many: 0, line_too_long: 0, unread: 0, idle: 0 };
  readonly httpCut: Record<HttpCutReason, number> = { too_many: 0, unread: 0, slow: 0, idle: 0 };
  /**
   * Lines of the proxy's own metrics that were handed to the kernel, and that no backend will get. They are in no other
   * counter, not even of the nodes: those are for lines that arrived.
   */
  linesSelf = 0;
  linesSelfDropped = 0;
  /** HTTP requests answered: by status code. */
  readonly httpRequests: Record<HttpCode, number> = { 200: 0, 400: 0, 404: 0, 405: 0, 431: 0, 500: 0, 503: 0 };
}

/** All lines that were dropped, for whatever reason. */
export function allDropped({ linesDropped }: { readonly linesDropped: Readonly<Record<string, number>> }): number {
  return sum(Object.values(linesDropped));
}

/** The sum of some counts; 0 of none. */
export function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
