/** Which nodes get metrics: what checks say of each, and what that does to the routes. */
import type { HealthRules } from "../health/health.ts";
import { type Check, type HealthChange, type NodeHealth, remember } from "../health/nodeHealth.ts";
import type { Locator } from "../placement/locator.ts";
import type { Placement } from "../placement/placement.ts";

export interface Member {
  readonly label: string;
  readonly health: NodeHealth;
}

export interface MembershipParts {
  readonly nodes: readonly Member[];
  readonly rules: HealthRules;
  /** A node's leaving passes its names to others; undefined: it does not (mirroring, or `failover: hold`). */
  readonly rehash: { readonly locator: Locator; readonly placement: Placement } | undefined;
}

export class Membership {
  /** The last times that nodes were taken out or back, oldest first. */
  readonly changes: HealthChange[] = [];
  private readonly parts: MembershipParts;

  constructor(parts: MembershipParts) {
    this.parts = parts;
  }

  /** Nodes that are up. */
  get upCount(): number {
    return this.parts.nodes.filter(({ health }) => health.isUp).length;
  }

  /** Takes in a check of a node. True: it took the node out or back. */
  record({ label, health }: Member, check: Check): boolean {
    const { nodes, rules, rehash } = this.parts;
    if (!health.record(check, rules)) return false;
    rehash?.locator.use(() => rehash.placement.live(nodes.map((node) => node.health.isUp)));
    remember(this.changes, { atMs: check.atMs, node: label, isUp: health.isUp, failure: check.failure });
    return true;
  }
}
