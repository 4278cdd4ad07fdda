/**
 * When a node must be out of the ring, and when it must be in it: what OPERATING.md promises, with room for the time
 * that packets, turns and sleeps take. Time in which the proxy did not run does not count.
 */
import type { Config } from "../../src/config/config.ts";
import { REFUSAL_WAIT_MS } from "../../src/health/refusalProbe.ts";
import type { Host } from "./hosts.ts";
import { verdictOf } from "./hosts.ts";
import { type Insides, type Node, settingsOf } from "./insides.ts";
import type { World } from "./world.ts";

/** Checks and turns are not as punctual as the clock. */
const SLACK_MS = 250;
/** After a refusal the next check comes so long after the one before began. */
const RECHECK_MS = 100;
/** What is due runs in the turn after that at the latest, or in one of a few. */
const TIMER_MS = 2;
const OVERDUE_LOOKS_MAX = 3;

interface Watched {
  config: Config;
  settings: ReturnType<typeof settingsOf>;
  /** What of them it is judged by, and since when. */
  rules: string;
  sinceMs: number;
  /** What its checks say, whatever operators do. */
  isWell: boolean;
  isUp: boolean;
  changes: number;
  checksFailed: number;
  /** Of the host where it is. */
  endsTold: number;
  refusals: number;
  /** When it refused a metric that is a reason to ask it, and it was not asked since; Infinity: it did not. */
  refusedAtMs: number;
  /** Looks at which it should have been asked by then. */
  looksOverdue: number;
  lookedAtMs: number;
  /** A check is under way; when the last began; and when the last of so many ended. */
  isAsked: boolean;
  beganAtMs: number;
  endedAtMs: number;
  checksEnded: number;
  checksSkipped: number;
}

export class HealthOracle {
  /** Nodes taken out, and taken back. */
  changes = 0;
  private readonly world: World;
  private readonly proxy: Insides;
  private readonly hosts: ReadonlyMap<string, Host>;
  private readonly watched = new Map<Node, Watched>();
  /** When something of the machine's own was out of order last; and when the network was. */
  private disturbedMs = Number.NEGATIVE_INFINITY;
  private networkDisturbedMs = Number.NEGATIVE_INFINITY;
  private readonly saidUp = new Map<string, boolean>();

  constructor(world: World, proxy: Insides, hosts: ReadonlyMap<string, Host>) {
    this.world = world;
    this.proxy = proxy;
    this.hosts = hosts;
    // What was said of those that start without an address was not heard yet.
    for (const { label, isUp } of proxy.nodes) this.saidUp.set(label, isUp);
  }

  /** The machine's network is out of order, or in order again. */
  networkDisturbed(): void {
    this.disturbedMs = this.world.awakeMs;
    this.networkDisturbedMs = this.world.awakeMs;
  }

  /** The machine is out of descriptors, or no more: checks are not made, and that is never held against a node. */
  descriptorsDisturbed(): void {
    this.disturbedMs = this.world.awakeMs;
  }

  /** The log says that a node is out, or back. */
  said(label: string, isUp: boolean): void {
    if ((this.saidUp.get(label) ?? true) === isUp)
      this.world.violated(`${label} is said to be ${isUp ? "up" : "down"} twice`);
    this.saidUp.set(label, isUp);
  }

  /** The log says how a node is after an operator's word. */
  isNow(label: string, isUp: boolean): void {
    this.saidUp.set(label, isUp);
  }

  look(): void {
    const { proxy, watched } = this;
    const nodes = proxy.nodes;
    for (const node of nodes) this.lookAt(node);
    // Those, too, that never had an address, and were not watched. One of the same name may come again, and is up.
    for (const label of this.saidUp.keys()) if (!nodes.some((node) => node.label === label)) this.saidUp.delete(label);
    if (watched.size === nodes.length) return;
    for (const [node] of watched) if (!nodes.includes(node)) watched.delete(node);
  }

  private lookAt(node: Node): void {
    const { world, proxy } = this;
    const { config } = proxy;
    const settings = settingsOf(node);
    const host = settings.host === undefined ? undefined : this.hosts.get(settings.host);
    if (host === undefined) return;
    let seen = this.watched.get(node);
    if (seen === undefined) {
      seen = {
        config,
        settings,
        rules: "",
        sinceMs: 0,
        isWell: true,
        isUp: true,
        changes: 0,
        checksFailed: 0,
        endsTold: 0,
        refusals: 0,
        refusedAtMs: Number.POSITIVE_INFINITY,
        looksOverdue: 0,
        lookedAtMs: world.awakeMs,
        isAsked: false,
        beganAtMs: world.awakeMs,
        endedAtMs: Number.NEGATIVE_INFINITY,
        checksEnded: 0,
        checksSkipped: 0,
      };
      this.watched.set(node, seen);
    }
    if (seen.rules === "" || seen.config !== config || seen.settings !== settings)
      this.judgeAnew(seen, node, host, config);
    if (node.isUp !== seen.isUp) {
      world.note(node.isUp ? "up" : "down", node.label);
      this.changes++;
      if (node.health.changes <= seen.changes)
        world.violated(`${node.label} changed its state, and that is not counted`);
    }
    if (node.config.managementport === 0) this.judgeUnchecked(node, host, seen);
    else {
      this.judgeEnds(node, host, seen);
      this.judgeRefusals(node, host, seen);
      this.judge(node, host, seen);
    }
    seen.isWell = node.health.isWell;
    seen.isUp = node.isUp;
    seen.changes = node.health.changes;
    seen.checksFailed = node.counters.checksFailed;
    seen.endsTold = host.endsTold;
  }

  /** Where it is, and what the rules are, may have changed. */
  private judgeAnew(seen: Watched, node: Node, host: Host, config: Config): void {
    const { checkInterval, fall, rise, gather } = config;
    const settings = settingsOf(node);
    const rules = `${settings.host} ${settings.config.managementport} ${checkInterval} ${fall} ${rise} ${gather}`;
    seen.config = config;
    seen.settings = settings;
    if (rules === seen.rules) return;
    // Of a node that is new here a check may be under way already.
    seen.isAsked = seen.rules === "";
    seen.rules = rules;
    seen.endsTold = host.endsTold;
    seen.sinceMs = this.world.awakeMs;
    // What was refused before was a reason for other checks.
    seen.refusals = node.counters.refusals;
    seen.refusedAtMs = Number.POSITIVE_INFINITY;
  }

  /** A node without a check goes by what its host refuses. That nothing is refused proves nothing. */
  private judgeUnchecked(node: Node, host: Host, seen: Watched): void {
    const { world, proxy } = this;
    if (node.health.isWell) return;
    // What had a check until this turn may have failed it.
    const wasUnchecked = seen.sinceMs < world.awakeMs;
    if (wasUnchecked && seen.isWell && node.counters.refusals === 0)
      world.violated(`${node.label} is taken out, and refused nothing`);
    if (!host.isUdpOpen) return;
    const { checkInterval: intervalMs, rise } = proxy.config;
    const openMs = world.awakeMs - Math.max(seen.sinceMs, this.disturbedMs, host.sinceMs, host.troubledMs);
    const stepMs = 2 * host.parts.latencyMs + 4 * proxy.gatherMs + 20;
    // One that was sent before it opened may still be refused.
    if (openMs > (rise + 1) * (intervalMs + REFUSAL_WAIT_MS + stepMs) + SLACK_MS) {
      world.violated(`${node.label} is out, and its port has been open for ${openMs.toFixed(0)} ms`);
    }
  }

  private judge(node: Node, host: Host, seen: Watched): void {
    const { world, proxy } = this;
    const { checkInterval: intervalMs, fall, rise } = proxy.config;
    const verdict = verdictOf(host.manner);
    if (verdict === undefined) return;
    const sinceMs = Math.max(seen.sinceMs, this.disturbedMs, host.sinceMs);
    const forMs = world.awakeMs - sinceMs;
    const patienceMs = patienceMsOf(intervalMs);
    // What a check takes: packets, and turns that may sleep.
    const stepMs = 8 * host.parts.latencyMs + 4 * proxy.gatherMs + 20;
    if (verdict === "healthy") {
      const settledMs = 4 * patienceMs + intervalMs + SLACK_MS + 3 * stepMs;
      // Also of a node that is new here, or has other rules: what it is asked, it answers.
      const healthyMs = world.awakeMs - Math.max(this.networkDisturbedMs, host.sinceMs);
      if (seen.sinceMs < world.awakeMs && healthyMs > settledMs) this.mustPass(node, seen, healthyMs);
      if (!node.health.isWell && forMs > settledMs + rise * (intervalMs + stepMs)) {
        world.violated(`${node.label} is out, and has been healthy for ${forMs.toFixed(0)} ms`);
      }
      return;
    }
    if (!node.health.isWell) return;
    const settledMs = 4 * patienceMs + intervalMs;
    // A connection from an address that the machine has lost says nothing of a death.
    const isSettled = host.wasHealthyMs > settledMs && host.sinceMs - this.disturbedMs > settledMs;
    const allowedMs =
      host.manner === "dead" && isSettled && sinceMs === host.sinceMs
        ? this.signMs(host, intervalMs) + fall * (RECHECK_MS + stepMs)
        : 3 * patienceMs + intervalMs + fall * Math.max(intervalMs, 3 * patienceMs + stepMs);
    if (forMs > allowedMs + SLACK_MS) {
      world.violated(`${node.label} is in the ring, and has been ${host.manner} for ${forMs.toFixed(0)} ms`);
    }
  }

  /** A backend that ends a connection which was kept has probably died: that is a failed check, at once. */
  private judgeEnds({ label, counters }: Node, host: Host, seen: Watched): void {
    if (host.endsTold - seen.endsTold <= counters.checksFailed - seen.checksFailed) return;
    this.world.violated(`the connection to ${label} that was kept ends, and no check fails`);
  }

  /** A node that refuses a metric is asked at once, or 100 ms after it was asked last, however much it refuses. */
  private judgeRefusals({ label, counters }: Node, host: Host, seen: Watched): void {
    const { awakeMs } = this.world;
    const { checksPassed, checksFailed, checksSkipped } = counters;
    const ended = checksPassed + checksFailed + checksSkipped;
    const wasAsked = host.askedAtMs >= seen.lookedAtMs;
    // A check that is skipped for want of a descriptor asks nobody.
    if (wasAsked || checksSkipped > seen.checksSkipped) {
      seen.beganAtMs = awakeMs;
      seen.refusedAtMs = Number.POSITIVE_INFINITY;
    } else if (counters.refusals > seen.refusals) seen.refusedAtMs = Math.min(seen.refusedAtMs, awakeMs);
    if (ended > seen.checksEnded) seen.endedAtMs = awakeMs;
    seen.isAsked = wasAsked || (seen.isAsked && ended === seen.checksEnded);
    seen.checksEnded = ended;
    seen.checksSkipped = checksSkipped;
    seen.refusals = counters.refusals;
    seen.lookedAtMs = awakeMs;
    const dueAtMs = Math.max(seen.refusedAtMs, seen.beganAtMs + RECHECK_MS, seen.endedAtMs);
    // On a connection from an address that the machine has lost it may ask, and nobody hears it.
    const { checkInterval: intervalMs } = this.proxy.config;
    const isHeard = awakeMs > this.disturbedMs + intervalMs + patienceMsOf(intervalMs) + SLACK_MS;
    seen.looksOverdue = isHeard && !seen.isAsked && awakeMs > dueAtMs + TIMER_MS ? seen.looksOverdue + 1 : 0;
    if (seen.looksOverdue <= OVERDUE_LOOKS_MAX) return;
    this.world.violated(
      `${label} refused a metric ${(awakeMs - seen.refusedAtMs).toFixed(0)} ms ago, and is not asked`,
    );
  }

  /** Whatever the proxy lacks, and however long it stood still: a backend that answers each check fails none. */
  private mustPass({ label, health, counters }: Node, seen: Watched, healthyMs: number): void {
    const { failure } = health.lastCheck ?? {};
    const been = Number.isFinite(healthyMs) ? `healthy for ${healthyMs.toFixed(0)} ms` : "healthy all the time";
    if (seen.isWell && !health.isWell) this.world.violated(`${label} is taken out (${failure}), and has been ${been}`);
    if (counters.checksFailed > seen.checksFailed)
      this.world.violated(`a check of ${label} fails (${failure}), and it has been ${been}`);
  }

  /** How long after its death a check is due, at the latest. */
  private signMs(host: Host, intervalMs: number): number {
    return Math.min(host.wasAsked ? 0 : intervalMs, host.refusedAtMs - host.sinceMs);
  }
}

/** How long an answer may take. */
function patienceMsOf(intervalMs: number): number {
  return Math.max(250, Math.min(intervalMs, 5000));
}
