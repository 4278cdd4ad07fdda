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
  /** How long it was in the state before, as its checks tell. */
  readonly lastedMs: number;
  /** What it did to the names; undefined: none can move, or there are too many points to look. */
  readonly moved: MovedNames | undefined;
}

/**
 * What an operator has said of a node:
 *
 * - `up`: its checks decide
 * - `drain`: it gets no more lines, and its names go to other nodes, whatever `failover` is
 * - `down`: as if its checks failed
 */
export const OPERATOR_WORDS = ["up", "drain", "down"] as const;
export type OperatorWord = (typeof OPERATOR_WORDS)[number];

/** The state of a node in a word or two. */
export type NodeState = "up" | "down" | "drained" | "set down";

export type NodeHealthView = Readonly<
  Pick<NodeHealth, "sinceMs" | "ownChanges" | "isWell" | "lastCheck" | "lastFailure" | "noAddress" | "state">
>;

export class NodeHealth {
  /** When it entered its current state. */
  sinceMs: number;
  /** When what its checks say changed last. */
  wellSinceMs: number;
  /** Times that it went down or came back. */
  changes = 0;
  /** Of these, those that were no operator's doing. */
  ownChanges = 0;
  /** Undefined before the first check. */
  lastCheck: Check | undefined;
  /** Of the last check that failed: a node that is down stays so while `rise` asks for more that pass. */
  lastFailure: string | undefined;
  /** Why the node has no address, and is down whatever its checks said; undefined: it has one. */
  noAddress: string | undefined;
  private health: Health = STARTS_UP;
  private operatorWord: OperatorWord = "up";

  constructor(nowMs: number) {
    this.sinceMs = nowMs;
    this.wellSinceMs = nowMs;
  }

  /** Whether it gets lines. */
  get isUp(): boolean {
    return this.isWell && this.operatorWord === "up";
  }

  /** What its checks say. */
  get isWell(): boolean {
    return this.health.isUp;
  }

  /** What an operator said last. */
  get word(): OperatorWord {
    return this.operatorWord;
  }

  get state(): NodeState {
    if (this.operatorWord === "drain") return "drained";
    if (this.operatorWord === "down") return "set down";
    return this.isWell ? "up" : "down";
  }

  /** As it is now, and stays. */
  view(): NodeHealthView {
    const { sinceMs, ownChanges, isWell, lastCheck, lastFailure, noAddress, state } = this;
    return { sinceMs, ownChanges, isWell, lastCheck, lastFailure, noAddress, state };
  }

  /** An operator says how it should be. */
  set(word: OperatorWord, atMs: number): void {
    const before = this.now();
    this.operatorWord = word;
    this.changed(before, atMs);
  }

  /** The node has no address, and therefore counts as down. */
  loseAddress(reason: string, atMs: number): void {
    const before = this.now();
    this.noAddress = reason;
    this.health = { isUp: false, against: 0 };
    this.lastCheck = undefined;
    this.lastFailure = undefined;
    this.changed(before, atMs);
  }

  /** The node has an address again, and therefore counts as up. */
  release(atMs: number): void {
    const before = this.now();
    this.health = STARTS_UP;
    this.noAddress = undefined;
    this.lastCheck = undefined;
    this.lastFailure = undefined;
    this.changed(before, atMs);
  }

  /** Records a check. */
  record(check: Check, rules: HealthRules): void {
    const before = this.now();
    this.health = afterCheck(this.health, check.failure === undefined, rules);
    this.lastFailure = check.failure ?? this.lastFailure;
    this.lastCheck = check;
    this.changed(before, check.atMs);
  }

  private now() {
    const { isWell, isUp, state, word } = this;
    return { isWell, isUp, state, word };
  }

  private changed(before: ReturnType<NodeHealth["now"]>, atMs: number): void {
    if (this.isWell !== before.isWell) this.wellSinceMs = atMs;
    if (this.state !== before.state) this.sinceMs = atMs;
    if (this.isUp === before.isUp) return;
    this.changes++;
    if (this.word === before.word) this.ownChanges++;
  }
}

/** Appends a change, and forgets the oldest if there are too many. */
export function remember(changes: HealthChange[], change: HealthChange): void {
  changes.push(change);
  if (changes.length > CHANGES_MAX) changes.shift();
}
