/** Looks once a second for losses, which are logged, and whether the sums of lines hold. */

import type { Log } from "../log/log.io.ts";
import type { Counters } from "../relay/counters.ts";
import { violations } from "./invariants.ts";
import { Losses } from "./losses.ts";
import type { View } from "./view.ts";

const WATCH_MS = 1000;

export interface WatchParts {
  readonly view: () => View;
  readonly mirror: boolean;
  readonly counters: Counters;
  readonly log: Log;
}

export class Watch {
  private readonly parts: WatchParts;
  private readonly losses = new Losses();
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(parts: WatchParts) {
    this.parts = parts;
    this.timer = setInterval(() => this.look(), WATCH_MS);
  }

  /** Looks once more, and no more. */
  finish(): void {
    this.close();
    this.look();
  }

  close(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const { view, mirror, counters, log } = this.parts;
    const now = view();
    for (const { event, fields } of this.losses.see(now, performance.now())) log.warn(event, fields);
    for (const { sum, expected, found } of violations(now, mirror)) {
      counters.invariantViolations++;
      log.error("invariant_violated", { sum, expected, found });
    }
  }
}
