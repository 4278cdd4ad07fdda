/**
 * The counters. At any moment, every line that the kernel delivered is in exactly one of these places:
 *
 *     received = rejected + accepted          accepted + copied = relayed + dropped + pending
 *
 * Copies are what mirroring makes of a line, not counting the first. For each single node, the lines due to it are
 * relayed + dropped + pending.
 */
import { REJECT_REASONS } from "../protocol/line.ts";

/**
 * Why an accepted line did not reach its node:
 *
 * - `node_down`: mirroring, and the node is down
 * - `held`: `failover` is `hold`, and the node is down
 * - `send_buffer_full`: its socket took nothing for so long that its batch filled up
 * - `send_error`: the kernel refused to send the datagram (too large, no route ...)
 */
export const DROP_REASONS = ["node_down", "held", "send_buffer_full", "send_error"] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/**
 * Why an accepted line was not assigned to any node:
 *
 * - `no_live_node`: no node was up to own it
 * - `internal_error`: a bug interrupted the relaying of its datagram (when mirroring: counted per copy)
 */
export const NODELESS_DROP_REASONS = ["no_live_node", "internal_error"] as const;
export type NodelessDropReason = (typeof NODELESS_DROP_REASONS)[number];

/**
 * Why a console connection was cut: everything that strangers can make grow is bounded. `http`: an HTTP client takes it
 * for something else.
 */
export const CUT_REASONS = ["too_many", "line_too_long", "unread", "idle", "http"] as const;
export type CutReason = (typeof CUT_REASONS)[number];

/** Why an HTTP connection was cut. `slow`: its request was not complete in time. */
export const HTTP_CUT_REASONS = ["too_many", "unread", "slow", "idle"] as const;
export type HttpCutReason = (typeof HTTP_CUT_REASONS)[number];

/** Status codes of HTTP answers. */
export const HTTP_CODES = [200, 400, 404, 405, 431, 500, 503] as const;
export type HttpCode = (typeof HTTP_CODES)[number];

/** What can come of reading the configuration again. */
export const RELOAD_RESULTS = ["ok", "failed"] as const;
export type ReloadResult = (typeof RELOAD_RESULTS)[number];

export class NodeCounters {
  /** Lines that were meant for it: always relayed + dropped + pending. */
  linesDue = 0;
  linesRelayed = 0;
  readonly linesDropped: Record<DropReason, number> = { node_down: 0, held: 0, send_buffer_full: 0, send_error: 0 };
  datagramsSent = 0;
  bytesSent = 0;
  /** Times that the node's host answered that the port is closed. */
  refusals = 0;
  /** Lines that it was sent and, to judge by its refusals, did not get: at least so many. They count as relayed. */
  linesRefused = 0;
  /** Errors of its socket other than refusals: no route, no address, not permitted ... */
  sendErrors = 0;
  checksPassed = 0;
  checksFailed = 0;
  /** Health checks that could not be made because the proxy lacked a resource of its own. */
  checksSkipped = 0;

  /** What a watch tells of, added up: the same as long as none of it has grown. Relayed lines are for the sums. */
  get watched(): number {
    return this.linesRelayed + allDropped(this) + this.linesRefused + this.sendErrors;
  }

  /** Adds another's counts. */
  add(other: NodeCounters): void {
    this.linesDue += other.linesDue;
    this.linesRelayed += other.linesRelayed;
    for (const reason of DROP_REASONS) this.linesDropped[reason] += other.linesDropped[reason];
    this.datagramsSent += other.datagramsSent;
    this.bytesSent += other.bytesSent;
    this.refusals += other.refusals;
    this.linesRefused += other.linesRefused;
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
  /**
   * Copies of accepted lines made by mirroring, not counting the first: one less than there are nodes, for each line.
   */
  linesCopied = 0;
  /** By `Verdict - 1`, as `REJECT_REASONS`. */
  readonly linesRejected = new Array<number>(REJECT_REASONS.length).fill(0);
  /** Lines that were not assigned to any node. */
  readonly linesDropped: Record<NodelessDropReason, number> = { no_live_node: 0, internal_error: 0 };
  /** Unexpected exceptions: each is logged, and the proxy goes on. */
  internalErrors = 0;
  /** Times that a check found the sums above violated. */
  invariantViolations = 0;
  /** Datagrams still in the kernel when the time for draining was up. */
  datagramsUnread = 0;
  /** Console connections that were cut, by reason. */
  readonly consoleCut: Record<CutReason, number> = { too_many: 0, line_too_long: 0, unread: 0, idle: 0, http: 0 };
  readonly httpCut: Record<HttpCutReason, number> = { too_many: 0, unread: 0, slow: 0, idle: 0 };
  readonly configReloads: Record<ReloadResult, number> = { ok: 0, failed: 0 };
  /**
   * Lines of the proxy's own metrics: handed to the kernel, or reaching no backend. They are in no other counter, not
   * even the nodes': those are for lines that arrived.
   */
  linesSelf = 0;
  linesSelfDropped = 0;
  /** HTTP requests answered, by status code. */
  readonly httpRequests: Record<HttpCode, number> = { 200: 0, 400: 0, 404: 0, 405: 0, 431: 0, 500: 0, 503: 0 };

  /** What a watch tells of, added up: the same as long as none of it has grown. Lines come in datagrams. */
  get watched(): number {
    const cut = sum(Object.values(this.consoleCut)) + sum(Object.values(this.httpCut));
    return this.packetsReceived + this.internalErrors + this.datagramsUnread + cut;
  }
}

/** All dropped lines, whatever the reason. */
export function allDropped({ linesDropped }: { readonly linesDropped: Readonly<Record<string, number>> }): number {
  return sum(Object.values(linesDropped));
}

/** The sum of the counts; 0 if there are none. */
export function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
