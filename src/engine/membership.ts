/** Which nodes get metrics: what the checks and the operators say, and its effect on the ring. */
import { type Checkable, failedCheckText } from "../config/nodeCheck.ts";
import type { HealthRules } from "../health/health.ts";
import { type Check, type HealthChange, type NodeHealth, type OperatorWord, remember } from "../health/nodeHealth.ts";
import type { Locator } from "../placement/locator.ts";
import { canMove, type MovedNames, movedNames } from "../placement/movedShare.ts";
import type { Placement } from "../placement/placement.ts";
import type { Ring } from "../placement/ring.ts";

/** Points of a ring that is looked at whenever a node goes or comes: a millisecond. */
const POINTS_MAX = 65_536;
/** Nodes that a change names. */
const NAMED_MAX = 8;

export interface Member {
  readonly label: string;
  readonly config: Checkable;
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

  /** Records a check. Returns whether the node went down or came back: one that an operator has taken out does not. */
  record(member: Member, check: Check): boolean {
    const failure = check.failure && failedCheckText(member.config, check.failure);
    return this.change(member, check.atMs, failure, () => member.health.record(check, this.settings.rules));
  }

  /** The node has no address, and therefore counts as down. Returns whether it was up. */
  loseAddress(member: Member, reason: string, atMs: number): boolean {
    return this.change(member, atMs, reason, () => member.health.loseAddress(reason, atMs));
  }

  /** The node has an address again, and therefore counts as up. Returns whether it was down. */
  release(member: Member, atMs: number): boolean {
    return this.change(member, atMs, undefined, () => member.health.release(atMs));
  }

  /** An operator says how the node should be. */
  set(member: Member, word: OperatorWord, atMs: number): void {
    this.change(member, atMs, `${word === "drain" ? "drained" : "set down"} by an operator`, () => {
      member.health.set(word, atMs);
    });
    // With `hold`, `drain` and `down` differ in what becomes of the names.
    this.place();
  }

  /** @param make what happened; it may be no change */
  private change({ label, health }: Member, atMs: number, failure: string | undefined, make: () => void): boolean {
    const { isUp: wasUp, wellSinceMs } = health;
    // The locator makes its ring when it is asked for it, of the nodes that are up by then.
    const before = this.smallRing();
    make();
    const { isUp } = health;
    if (isUp === wasUp) return false;
    if (!this.settings.holds) this.place();
    const after = this.smallRing();
    const moved = before && after && this.namesMoved(before, after, label);
    // A wall clock may be set back.
    const lastedMs = Math.max(0, atMs - wellSinceMs);
    remember(this.changes, { atMs, node: label, isUp, failure: isUp ? undefined : failure, lastedMs, moved });
    return true;
  }

  /** The ring in use; undefined if none can move, or it takes too long to look: many nodes may leave together. */
  private smallRing(): Ring | undefined {
    const { placed, holds } = this.settings;
    if (placed === undefined || holds || placed.placement.full.positions.length > POINTS_MAX) return undefined;
    return placed.locator.ring;
  }

  /** By the other nodes: what this one has lost or got is the whole. Undefined: there are no others. */
  private namesMoved(before: Ring, after: Ring, label: string): MovedNames | undefined {
    if (!canMove(before, after)) return undefined;
    const labels = this.settings.nodes.map(({ label }) => label);
    const { share, changes } = movedNames({ ring: before, labels }, { ring: after, labels });
    return { share, changes: changes.filter(({ node }) => node !== label).slice(0, NAMED_MAX) };
  }

  /** Gives the names to the nodes that should have them now. */
  place(): void {
    const { nodes, placed, holds } = this.settings;
    placed?.locator.use(() =>
      placed.placement.live(nodes.map(({ health }) => (holds ? health.word !== "drain" : health.isUp))),
    );
  }
}
