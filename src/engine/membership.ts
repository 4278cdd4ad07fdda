/** Which nodes get metrics: what the checks and the operators say, and its effect on the ring. */
import type { HealthRules } from "../health/health.ts";
import { type Check, type HealthChange, type NodeHealth, type OperatorWord, remember } from "../health/nodeHealth.ts";
import type { Locator } from "../placement/locator.ts";
import type { Placement } from "../placement/placement.ts";

export interface Member {
  readonly label: string;
  readonly health: NodeHealth;
}

/** What a configuration change replaces as a whole. */
export interface MembershipSettings {
  readonly nodes: readonly Member[];
  readonly rules: HealthRules;
  /** Where names go; undefined: everywhere (mirroring). */
  readonly placed: { readonly locator: Locator; readonly placement: Placement } | undefined;
  /** Whether a dead node keeps its names (`failover: hold`). */
  readonly holds: boolean;
}

export class Membership {
  /** The last times that a node went down or came back, oldest first. */
  readonly changes: HealthChange[] = [];
  private settings: MembershipSettings;

  constructor(settings: MembershipSettings) {
    this.settings = settings;
  }

  /** Switches to other nodes or rules. */
  use(settings: MembershipSettings): void {
    this.settings = settings;
  }

  /** Nodes that are up. */
  get upCount(): number {
    return this.settings.nodes.filter(({ health }) => health.isUp).length;
  }

  /** Records a check. Returns whether the node went down or came back. */
  record(member: Member, check: Check): boolean {
    if (!member.health.record(check, this.settings.rules)) return false;
    this.recordChange(member, check.atMs, check.failure);
    return true;
  }

  /** The node has no address, and therefore counts as down. Returns whether it was up. */
  loseAddress(member: Member, reason: string, atMs: number): boolean {
    if (!member.health.loseAddress(reason, atMs)) return false;
    this.recordChange(member, atMs, reason);
    return true;
  }

  /** The node has an address again, and therefore counts as up. Returns whether it was down. */
  release(member: Member, atMs: number): boolean {
    if (!member.health.release(atMs)) return false;
    this.recordChange(member, atMs, undefined);
    return true;
  }

  /** An operator says how the node should be. */
  set(member: Member, word: OperatorWord, atMs: number): void {
    member.health.set(word, atMs);
    this.place();
  }

  /** Gives the names to the nodes that should have them now. */
  place(): void {
    const { nodes, placed, holds } = this.settings;
    placed?.locator.use(() =>
      placed.placement.live(nodes.map(({ health }) => (holds ? health.word !== "drain" : health.isUp))),
    );
  }

  private recordChange({ label, health }: Member, atMs: number, failure: string | undefined): void {
    if (!this.settings.holds) this.place();
    remember(this.changes, { atMs, node: label, isUp: health.isWell, failure });
  }
}
