/** Which nodes get metrics: what checks say of each, and what that does to the routes. */
import { afterCheck, type Health, type HealthRules, STARTS_UP } from "./health.ts";
import type { Placement } from "./placement.ts";
import type { Relay } from "./relay.ts";
import type { Router } from "./router.ts";

export interface MembershipParts {
  readonly nodeCount: number;
  readonly rules: HealthRules;
  readonly relay: Relay;
  /** A node's leaving passes its names to others; undefined: it does not (mirroring, or `failover: hold`). */
  readonly rehash: { readonly router: Router; readonly placement: Placement } | undefined;
}

export class Membership {
  private readonly parts: MembershipParts;
  private readonly health: Health[];

  constructor(parts: MembershipParts) {
    this.parts = parts;
    this.health = Array.from({ length: parts.nodeCount }, () => STARTS_UP);
  }

  isUp(node: number): boolean {
    return this.health[node].isUp;
  }

  /** Nodes that are up. */
  get upCount(): number {
    return this.health.filter(({ isUp }) => isUp).length;
  }

  /** Takes in the result of a check. True: it took the node out or back. */
  record(node: number, passed: boolean): boolean {
    const { rules, relay, rehash } = this.parts;
    const before = this.health[node];
    const after = afterCheck(before, passed, rules);
    this.health[node] = after;
    if (after.isUp === before.isUp) return false;
    relay.setUp(node, after.isUp);
    rehash?.router.use(() => rehash.placement.live(this.health.map(({ isUp }) => isUp)));
    return true;
  }
}
