/** What is known about a node's health, and the last times that nodes went down or came back. For people, too. */
import type { MovedNames } from "../placement/movedShare.ts";
import { afterCheck, type Health, type HealthRules, STARTS_UP } from "./health.ts";

/** Changes to remember. */
const CHANGES_MAX = 50;

/** Times are wall-clock times. */
export interface Check {
  readonly atMs: number;
  readonly durationMs: number;
  /** Undefined: it passed. */
  readonly failure: string | undefined;
}

export interface HealthChange {
  readonly atMs: number;
  /** The node's label. */
  readonly node: string;
  readonly isUp: boolean;
  /** What was wrong; undefined: nothing, it came back. */
  readonly failure: string | undefined;
  /** What it did to the names; undefined: none can move, or there are too many points to look. */
  readonly moved: MovedNames | undefined;
}

export class NodeHealth {
  /** When it entered its current state. */
  sinceMs: number;
  /** Times that it went down or came back. */
  changes = 0;
  /** Undefined before the first check. */
  lastCheck: Check | undefined;
  /** Why the node has no address, and is down whatever its checks said; undefined: it has one. */
  noAddress: string | undefined;
  private health: Health = STARTS_UP;

  constructor(nowMs: number) {
    this.sinceMs = nowMs;
  }

  get isUp(): boolean {
    return this.health.isUp;
  }

  /** The node has no address, and therefore counts as down. Returns whether it was up. */
  loseAddress(reason: string, atMs: number): boolean {
    const wasUp = this.health.isUp;
    this.noAddress = reason;
    this.health = { isUp: false, against: 0 };
    this.lastCheck = undefined;
    if (!wasUp) return false;
    this.sinceMs = atMs;
    this.changes++;
    return true;
  }

  /** The node has an address again, and therefore counts as up. Returns whether it was down. */
  release(atMs: number): boolean {
    const wasUp = this.health.isUp;
    this.health = STARTS_UP;
    this.noAddress = undefined;
    this.lastCheck = undefined;
    if (wasUp) return false;
    this.sinceMs = atMs;
    this.changes++;
    return true;
  }

  /** Records a check. Returns whether the node went down or came back. */
  record(check: Check, rules: HealthRules): boolean {
    const before = this.health;
    this.health = afterCheck(before, check.failure === undefined, rules);
    this.lastCheck = check;
    if (this.health.isUp === before.isUp) return false;
    this.sinceMs = check.atMs;
    this.changes++;
    return true;
  }
}

/** Appends a change, and forgets the oldest if there are too many. */
export function remember(changes: HealthChange[], change: HealthChange): void {
  changes.push(change);
  if (changes.length > CHANGES_MAX) changes.shift();
}
