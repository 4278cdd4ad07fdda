/**
 * Notices a loop while it runs: a node that relays back to this proxy, by itself or through others. The lines of a loop
 * look like any others. So when much more arrives than before, and now and then, a trial (loopTrial.ts) holds lines
 * back for moments, and looks whether the arrivals follow. What would be news is tried once more. Then nodes are tried
 * one by one.
 *
 *     arrivals x 4, or time -> trial of all nodes -> if it says so: once more -> trials of single nodes: which -> noticed
 */
import type { Loop } from "../observe/view.ts";
import type { Clock, Timer } from "../system/clock.ts";
import { LoopTrial } from "./loopTrial.ts";

/** Fewer lines per second are no loop: one line goes round hundreds of times. */
const RATE_MIN = 50;
/** What a usual rate is multiplied by when it looks like a loop. */
const GROWTH = 4;
/** A high rate is forgotten by half in this time. */
const HALF_LIFE_MS = 3_600_000;
/** Both parts of a slot, at least. */
const PART_MS_MIN = 50;
/**
 * And at least so many times as long as the proxy sleeps: what is on its way has been gathered here, and at the other. Lines
 * that are held back are late by both parts at most.
 */
const GATHERED = 2.5;
/** Nodes that are tried one by one, those with the most lines first. */
const NODES_TRIED_MAX = 8;
/** About; each trial doubles it, until a loop is found. Not the same for all proxies: two trials at once spoil each other. */
const AGAIN_MS = 10_000;
const AGAIN_MS_MAX = 3_600_000;

/** A node, as far as its lines can be held back. */
export interface LoopNode {
  readonly label: string;
  readonly isUp: boolean;
  readonly counters: { readonly linesRelayed: number };
}

export interface LoopParts<Of extends LoopNode> {
  readonly clock: Pick<Clock, "nowMs" | "epochMs" | "setTimeout" | "cancel">;
  /** An unpredictable number from 0 up to 1. */
  readonly random: () => number;
  /** Lines that have arrived so far. */
  readonly linesReceived: () => number;
  readonly nodes: () => readonly Of[];
  /** The longest that arrivals gather before they are read, here, and with luck at the other. */
  readonly gatherMs: () => number;
  /** Holds back lines for these nodes from now on, and no others. */
  readonly hold: (nodes: readonly Of[]) => void;
  /** How often lines were sent although they were to be held back. */
  readonly holdsBroken: () => number;
  /** A loop is noticed, or over (undefined). */
  readonly onChange: (loop: Loop | undefined) => void;
}

/** Whether arrivals follow what is sent; unclear: too much was to be held back. */
type Outcome = "follows" | "independent" | "unclear";

export class LoopWatch<Of extends LoopNode = LoopNode> {
  /** Undefined: none is noticed. */
  loop: Loop | undefined;
  private readonly parts: LoopParts<Of>;
  /** Lines per second that are nothing new. */
  private usual = 0;
  private lines: number;
  private atMs: number;
  private againMs = AGAIN_MS;
  private dueAtMs = Number.POSITIVE_INFINITY;
  private timer: Timer | undefined;
  private isTrying = false;
  private isClosed = false;
  /** The first look is at a part of a second, which tells no rate. */
  private hasLooked = false;

  constructor(parts: LoopParts<Of>) {
    this.parts = parts;
    this.lines = parts.linesReceived();
    this.atMs = parts.clock.nowMs();
  }

  /** Call this once a second. */
  look(): void {
    const { clock, linesReceived } = this.parts;
    const nowMs = clock.nowMs();
    const lines = linesReceived();
    const elapsedMs = nowMs - this.atMs;
    const rate = (1000 * (lines - this.lines)) / Math.max(1, elapsedMs);
    this.lines = lines;
    this.atMs = nowMs;
    this.usual *= 0.5 ** (elapsedMs / HALF_LIFE_MS);
    const isFirst = !this.hasLooked;
    this.hasLooked = true;
    if (this.isTrying || this.isClosed || isFirst) return;
    if (rate < RATE_MIN) {
      this.settle(undefined);
      return;
    }
    const hasGrown = rate >= GROWTH * this.usual;
    if (hasGrown) this.againMs = AGAIN_MS;
    if (!hasGrown && nowMs < this.dueAtMs) return;
    this.usual = Math.max(this.usual, rate);
    void this.try();
  }

  /** Nothing is held back any more. */
  close(): void {
    this.isClosed = true;
    this.parts.clock.cancel(this.timer);
    this.parts.hold([]);
  }

  private async try(): Promise<void> {
    this.isTrying = true;
    const nodes = this.parts.nodes().filter(({ isUp }) => isUp);
    const before = new Map(nodes.map((node) => [node, node.counters.linesRelayed]));
    const isKnown = this.loop !== undefined;
    const outcome = await this.trial(nodes);
    const isNews = outcome === (isKnown ? "independent" : "follows");
    // That two trials say the same by chance happens once in 165 million times.
    const isSure = isNews && outcome === (await this.trial(nodes));
    if (!isKnown) this.againMs = Math.min(AGAIN_MS_MAX, 2 * this.againMs);
    if (isSure && isKnown) this.settle(undefined);
    else if (isSure) {
      const grown = (node: Of) => node.counters.linesRelayed - (before.get(node) ?? 0);
      const busiest = nodes.toSorted((a, b) => grown(b) - grown(a)).slice(0, NODES_TRIED_MAX);
      this.settle({ nodes: await this.loopingAmong(busiest), sinceMs: this.parts.clock.epochMs() });
    }
    const { clock, random } = this.parts;
    this.dueAtMs = clock.nowMs() + this.againMs * (0.5 + random());
    this.isTrying = false;
  }

  private async loopingAmong(nodes: readonly Of[]): Promise<string[]> {
    if (nodes.length === 1) return [nodes[0].label];
    const found: string[] = [];
    for (const node of nodes) if ((await this.trial([node])) === "follows") found.push(node.label);
    return found;
  }

  private async trial(nodes: readonly Of[]): Promise<Outcome> {
    const { clock, hold, linesReceived, holdsBroken, gatherMs, random } = this.parts;
    const partMs = Math.max(PART_MS_MIN, GATHERED * gatherMs());
    const broken = holdsBroken();
    const trial = new LoopTrial(random);
    for (let isHolding = trial.isHolding; isHolding !== undefined; isHolding = trial.isHolding) {
      // What the slot before held back is sent: no line waits for two of them.
      hold([]);
      if (isHolding) hold(nodes);
      // What is on its way arrives first.
      await this.wait(partMs);
      const [fromMs, from] = [clock.nowMs(), linesReceived()];
      await this.wait(partMs);
      trial.record((linesReceived() - from) / Math.max(1, clock.nowMs() - fromMs));
      if (holdsBroken() === broken) continue;
      hold([]);
      return "unclear";
    }
    hold([]);
    return trial.comesBack ? "follows" : "independent";
  }

  private settle(loop: Loop | undefined): void {
    if (loop === this.loop) return;
    this.loop = loop;
    this.parts.onChange(loop);
  }

  private wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.timer = this.parts.clock.setTimeout(resolve, ms);
    });
  }
}
