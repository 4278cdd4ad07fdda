/**
 * Whose turn it is, and when: all who ask something share a part of the time, so that metrics have the rest. Of those
 * who wait the one that has used least of it lately comes first, so a `ping` is answered beside clients that ask
 * without end; and nobody waits for ever, because what was used is forgiven bit by bit.
 *
 *     allowance   refilled with time, up to a burst; while there is none, nobody is served
 *     debt        of each client: what it used, less what was forgiven, up to a bound; the least comes first, then
 *                 whoever has waited longest
 */

/** The part of the time, in the long run. */
export const SHARE = 0.2;
/** What may be used at once after a rest. */
export const BURST_MS = 50;
/** A client that never stops asking owes no more than this ... */
const DEBT_MS_MAX = 5;
/**
 * ... and is forgiven so much a millisecond. Less than what each of 256 clients that never stop gets, so that they stay
 * behind one that has asked nothing yet; but after ten seconds without a turn a client owes nothing any more.
 */
const FORGIVEN_PER_MS = 0.0005;
/** A turn is short: one that took longer than this was interrupted by the machine, which is nobody's debt. */
const SPENT_MS_MAX = 20;
/** With less than this one does not begin: to be woken for each microsecond would cost more than it brings. */
const ALLOWANCE_MS_MIN = 0.5;

/** What a client owes, and when that was. */
export interface Account {
  debtMs: number;
  atMs: number;
}

export class FairShare<Client extends { readonly account: Account }> {
  private allowanceMs = BURST_MS;
  private refilledAtMs: number;
  /** In the order in which they began to wait. */
  private readonly waiting = new Set<Client>();

  /** @param nowMs here and everywhere: a clock that only goes forward */
  constructor(nowMs: number) {
    this.refilledAtMs = nowMs;
  }

  /** The client waits for a turn, if it does not already. */
  ask(client: Client): void {
    this.waiting.add(client);
  }

  /** The client waits no longer. */
  leave(client: Client): void {
    this.waiting.delete(client);
  }

  /** Whose turn it is; undefined: nobody's, now. */
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

  /** The client had its turn. If it waits on, then behind all others that owe as much. */
  spent(client: Client, ms: number, nowMs: number): void {
    const spentMs = Math.min(ms, SPENT_MS_MAX);
    this.refill(nowMs);
    this.allowanceMs -= spentMs;
    this.owe(client, spentMs, nowMs);
    if (this.waiting.delete(client)) this.waiting.add(client);
  }

  /** The client owes this too, though it has had no turn. */
  owe({ account }: Client, ms: number, nowMs: number): void {
    account.debtMs = Math.min(DEBT_MS_MAX, debtAt(account, nowMs) + ms);
    account.atMs = nowMs;
  }

  /** How long there will be nobody's turn; undefined: nobody waits. */
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
