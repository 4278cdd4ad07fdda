/** Once a second: logs losses, and checks that the sums of lines hold. */

import type { Log } from "../log/log.ts";
import type { Counters } from "../relay/counters.ts";
import type { Clock, Timer } from "../system/clock.ts";
import { violations } from "./invariants.ts";
import { Losses } from "./losses.ts";
import type { View } from "./view.ts";

const WATCH_MS = 1000;

export interface WatchParts {
  readonly view: () => View;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
}

export class Watch {
  private readonly parts: WatchParts;
  private readonly losses = new Losses();
  private readonly timer: Timer;

  constructor(parts: WatchParts) {
    this.parts = parts;
    this.timer = parts.clock.setInterval(() => this.check(), WATCH_MS);
  }

  /** Checks one last time. */
  finish(): void {
    this.close();
    this.check();
  }

  close(): void {
    this.parts.clock.cancel(this.timer);
  }

  private check(): void {
    const { view, counters, log, clock } = this.parts;
    const now = view();
    for (const { event, fields } of this.losses.update(now, clock.nowMs())) log.warn(event, fields);
    for (const { sum, expected, found } of violations(now)) {
      counters.invariantViolations++;
      log.error("invariant_violated", { sum, expected, found });
    }
  }
}
