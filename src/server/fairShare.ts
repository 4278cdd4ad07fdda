/**
 * Whose turn it is, and when: all clients together get a share of the time, so that the rest is left for metrics. Among
 * those that wait, the one that has recently used the least goes first, so a `ping` is answered even next to clients
 * that never stop asking; and nobody waits forever, because debt is gradually forgiven.
 *
 *     allowance   refilled over time, up to a burst; while there is none, nobody is served
 *     debt        per client: time used, less what was forgiven, bounded; lowest first, then
 *                 longest waiting
 */

/** The share of the time in the long run. */
export const SHARE = 0.2;
/** What may be used at once after a rest. */
export const BURST_MS = 50;
/** Upper limit of the debt of a client that never stops asking ... */
const DEBT_MS_MAX = 5;
/**
 * ... which is forgiven at this rate. That is less than what each of 256 incessant clients gets, so they stay behind
 * one that has asked nothing yet; but after ten seconds without a turn, a client owes nothing.
 */
const FORGIVEN_PER_MS = 0.0005;
/**
 * Turns are short: one that took longer than this, where only a clock on the wall tells, was interrupted by the machine,
 * which is no client's fault.
 */
const SPENT_MS_MAX = 20;
/** The least allowance to start with: waking up for every microsecond would cost more than it gains. */
const ALLOWANCE_MS_MIN = 0.5;

/** What a client owed, and when. */
export interface Account {
  debtMs: number;
  atMs: number;
}

export class FairShare<Client extends { readonly account: Account }> {
  private allowanceMs = BURST_MS;
  private refilledAtMs: number;
  /** In the order in which they started to wait. */
  private readonly waiting = new Set<Client>();

  /** @param nowMs here and below: time on a monotonic clock */
  constructor(nowMs: number) {
    this.refilledAtMs = nowMs;
  }

  /** The client waits for a turn, unless it already does. */
  ask(client: Client): void {
    this.waiting.add(client);
  }

  /** The client no longer waits. */
  leave(client: Client): void {
    this.waiting.delete(client);
  }

  /** Whose turn it is; undefined: nobody's at the moment. */
  next(nowMs: number): Client | undefined {
    this.refill(nowMs);
    if (this.allowanceMs <= 0) return undefined;
    let first: Client | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const client of this.waiting) {
      const debtMs = debtAt(client.account, nowMs);
      if (debtMs >= least) continue;
      first = client;
      least = debtMs;
      if (debtMs === 0) break;
    }
    return first;
  }

  /** The client has had its turn. If it still waits, it goes behind all others with the same debt. */
  spent(client: Client, ms: number, nowMs: number): void {
    const spentMs = Math.min(ms, SPENT_MS_MAX);
    this.refill(nowMs);
    this.allowanceMs -= spentMs;
    this.owe(client, spentMs, nowMs);
    if (this.waiting.delete(client)) this.waiting.add(client);
  }

  /** Adds to the client's debt without a turn. */
  owe({ account }: Client, ms: number, nowMs: number): void {
    account.debtMs = Math.min(DEBT_MS_MAX, debtAt(account, nowMs) + ms);
    account.atMs = nowMs;
  }

  /** How long until somebody may be served; undefined: nobody waits. */
  waitMs(nowMs: number): number | undefined {
    if (this.waiting.size === 0) return undefined;
    this.refill(nowMs);
    return this.allowanceMs > 0 ? 0 : (ALLOWANCE_MS_MIN - this.allowanceMs) / SHARE;
  }

  private refill(nowMs: number): void {
    this.allowanceMs = Math.min(BURST_MS, this.allowanceMs + SHARE * (nowMs - this.refilledAtMs));
    this.refilledAtMs = nowMs;
  }
}

function debtAt({ debtMs, atMs }: Account, nowMs: number): number {
  return Math.max(0, debtMs - FORGIVEN_PER_MS * (nowMs - atMs));
}
