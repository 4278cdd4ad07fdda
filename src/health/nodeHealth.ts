/** What is known of a node's health, and the last times that nodes were taken out or back. For people, too. */
import { afterCheck, type Health, type HealthRules, STARTS_UP } from "./health.ts";

/** Changes that are remembered. */
const CHANGES_MAX = 50;

/** Times are those of the wall clock. */
export interface Check {
  readonly atMs: number;
  readonly durationMs: number;
  /** Undefined: passed. */
  readonly failure: string | undefined;
}

export interface HealthChange {
  readonly atMs: number;
  /** The node's label. */
  readonly node: string;
  readonly isUp: boolean;
  /** What was wrong; undefined: nothing, it is back. */
  readonly failure: string | undefined;
}

export class NodeHealth {
  /** Since when it is in its present state. */
  sinceMs: number;
  /** Times that it was taken out or back. */
  changes = 0;
  /** Undefined before the first. */
  lastCheck: Check | undefined;
  private health: Health = STARTS_UP;

  constructor(nowMs: number) {
    this.sinceMs = nowMs;
  }

  get isUp(): boolean {
    return this.health.isUp;
  }

  /** Nobody checks it any more, so it is up. True: it was out. */
  release(atMs: number): boolean {
    const wasUp = this.health.isUp;
    this.health = STARTS_UP;
    this.lastCheck = undefined;
    if (wasUp) return false;
    this.sinceMs = atMs;
    this.changes++;
    return true;
  }

  /** Takes in a check. True: it took the node out or back. */
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

/** Adds a change to the last ones, oldest first. */
export function remember(changes: HealthChange[], change: HealthChange): void {
  changes.push(change);
  if (changes.length > CHANGES_MAX) changes.shift();
}
