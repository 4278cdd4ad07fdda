/** Which nodes get metrics: what checks say of each, and what that does to the routes. */
import type { HealthRules } from "../health/health.ts";
import { type Check, type HealthChange, type NodeHealth, remember } from "../health/nodeHealth.ts";
import type { Locator } from "../placement/locator.ts";
import type { Placement } from "../placement/placement.ts";

export interface Member {
  readonly label: string;
  readonly health: NodeHealth;
}

/** What a change of the configuration replaces as a whole. */
export interface MembershipSettings {
  readonly nodes: readonly Member[];
  readonly rules: HealthRules;
  /** A node's leaving passes its names to others; undefined: it does not (mirroring, or `failover: hold`). */
  readonly rehash: { readonly locator: Locator; readonly placement: Placement } | undefined;
}

export class Membership {
  /** The last times that nodes were taken out or back, oldest first. */
  readonly changes: HealthChange[] = [];
  private settings: MembershipSettings;

  constructor(settings: MembershipSettings) {
    this.settings = settings;
  }

  /** Goes on with other nodes or rules. */
  use(settings: MembershipSettings): void {
    this.settings = settings;
  }

  /** Nodes that are up. */
  get upCount(): number {
    return this.settings.nodes.filter(({ health }) => health.isUp).length;
  }

  /** Takes in a check of a node. True: it took the node out or back. */
  record(member: Member, check: Check): boolean {
    if (!member.health.record(check, this.settings.rules)) return false;
    this.changed(member, check.atMs, check.failure);
    return true;
  }

  /** A node is not checked any more, and so up. True: it was out. */
  release(member: Member, atMs: number): boolean {
    if (!member.health.release(atMs)) return false;
    this.changed(member, atMs, undefined);
    return true;
  }

  private changed({ label, health }: Member, atMs: number, failure: string | undefined): void {
    this.rehash();
    remember(this.changes, { atMs, node: label, isUp: health.isUp, failure });
  }

  private rehash(): void {
    const { nodes, rehash } = this.settings;
    rehash?.locator.use(() => rehash.placement.live(nodes.map(({ health }) => health.isUp)));
  }
}
