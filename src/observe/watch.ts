/**
 * Once a second: logs losses and what they come to, and checks that the sums of lines hold. An idle proxy is spared all
 * that: while nothing is left to tell, and nothing that could change it has happened, nothing new can be seen. A look
 * took a quarter of what an idle proxy takes.
 */

import type { Log } from "../log/log.ts";
import type { Counters } from "../relay/counters.ts";
import type { RejectedExample } from "../relay/rejectedExample.ts";
import type { Clock, Timer } from "../system/clock.ts";
import { CpuShare } from "./cpuShare.ts";
import { violations } from "./invariants.ts";
import { Losses } from "./losses.ts";
import { isNothing, NOTHING_RECENT, type Recent, RecentGrowth } from "./recent.ts";
import { Rejections } from "./rejections.ts";
import { VERDICT_STATES } from "./trouble.ts";
import { LOOK_MS } from "./unlogged.ts";
import { CPU_SHARE_MAX, LAG_SECONDS_MAX, troubleKey, type Verdict, verdictKey, verdictOf } from "./verdict.ts";
import type { EventLoopLag, View } from "./view.ts";

/** A verdict that changes is logged at most so often. */
const VERDICT_AGAIN_MS = 10_000;
const LEVELS = { critical: "error", losing: "warn", drained: "warn", warning: "warn", ok: "info" } as const;

export interface WatchParts {
  readonly view: () => View;
  /** What stays the same while a look would see nothing new: sums of counts, and objects that are replaced. */
  readonly signs: () => readonly unknown[];
  /** CPU time that the process has taken. */
  readonly cpuSeconds: () => number;
  readonly counters: Counters;
  readonly rejected: RejectedExample;
  readonly log: Log;
  readonly clock: Clock;
  /** What else is looked at once a second. */
  readonly also: () => void;
}

interface Look {
  readonly lateSeconds: number;
  /** Of one core, within the last ten seconds; undefined: not known yet. */
  readonly cpuShare: number | undefined;
  readonly isLast: boolean;
}

export class Watch {
  private readonly parts: WatchParts;
  /** What has grown within the last minutes. */
  recent: Recent = NOTHING_RECENT;
  private readonly losses = new Losses();
  private readonly rejections: Rejections;
  private readonly growth = new RecentGrowth();
  private readonly cpu = new CpuShare();
  /** What was logged last, and when. */
  private logged: Verdict & { readonly atMs: number } = {
    ...{ state: "ok", line: "", troubles: [] },
    atMs: Number.NEGATIVE_INFINITY,
  };
  private checkedAtMs: number;
  /** At the last check. */
  private signs: readonly unknown[] = [];
  /** Nothing is left that would be told later, by itself. */
  private isSettled = false;
  private readonly timer: Timer;

  constructor(parts: WatchParts) {
    this.parts = parts;
    this.rejections = new Rejections(parts.rejected);
    this.checkedAtMs = parts.clock.nowMs();
    this.timer = parts.clock.setInterval(() => this.check(), LOOK_MS);
  }

  /** Checks one last time. */
  finish(): void {
    this.close();
    this.check(true);
  }

  close(): void {
    this.parts.clock.cancel(this.timer);
  }

  private check(isLast = false): void {
    const { also, signs, cpuSeconds, clock } = this.parts;
    also();
    const before = this.signs;
    this.signs = signs();
    const nowMs = clock.nowMs();
    const lateSeconds = (nowMs - this.checkedAtMs - LOOK_MS) / 1000;
    this.checkedAtMs = nowMs;
    const cpuShare = this.cpu.sample(nowMs / 1000, cpuSeconds());
    const isOverloaded = lateSeconds > LAG_SECONDS_MAX || (cpuShare ?? 0) > CPU_SHARE_MAX;
    const isStill = !isOverloaded && this.signs.every((sign, i) => sign === before[i]);
    if (!this.isSettled || !isStill) this.look({ lateSeconds, cpuShare, isLast });
    else this.growth.pass(clock.epochMs());
  }

  private look({ lateSeconds, cpuShare, isLast }: Look): void {
    const { view, counters, log, clock } = this.parts;
    const seen = view();
    const now = { ...seen, eventLoopLag: lagOf(seen, lateSeconds) };
    const rejected = this.rejections.update(counters, clock.nowMs(), isLast);
    if (rejected !== undefined) log.warn(rejected.event, rejected.fields);
    for (const { event, fields } of this.losses.update(now, clock.nowMs(), isLast)) log.warn(event, fields);
    for (const { sum, expected, found } of violations(now)) {
      counters.invariantViolations++;
      log.error("invariant_violated", { sum, expected, found });
    }
    this.recent = this.growth.update(now, cpuShare);
    this.logVerdict({ ...now, recent: this.recent }, clock.nowMs());
    // What is recent goes by the wall clock, which may be set; the other two do not.
    const isAllTold = this.logged.state === "ok" && !this.losses.hasMore && !this.rejections.hasMore;
    this.isSettled = isAllTold && isNothing(this.recent);
  }

  /** What is new, or else the worst that is left. Once for each change, other figures apart. */
  private logVerdict(view: View, nowMs: number): void {
    const verdict = verdictOf(view);
    // What has become worse is said at once.
    const isWorse = VERDICT_STATES.indexOf(verdict.state) < VERDICT_STATES.indexOf(this.logged.state);
    if (verdictKey(verdict) === verdictKey(this.logged) || (!isWorse && nowMs < this.logged.atMs + VERDICT_AGAIN_MS))
      return;
    const known = new Set(this.logged.troubles.map(troubleKey));
    const news = verdict.troubles.filter((trouble) => !known.has(troubleKey(trouble)));
    this.logged = { ...verdict, atMs: nowMs };
    for (const { state, line } of news.length > 0 ? news : [verdict]) {
      this.parts.log[LEVELS[state]]("verdict", { line });
    }
  }
}

/** After a halt the watch's timer may be the first to see it. */
function lagOf({ eventLoopLag }: View, lateSeconds: number): EventLoopLag | undefined {
  return eventLoopLag && { ...eventLoopLag, maxSeconds: Math.max(eventLoopLag.maxSeconds, lateSeconds) };
}
