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
      };
      this.watched.set(node, seen);
    }
    if (seen.rules === "" || seen.config !== config || seen.settings !== settings)
      this.judgeAnew(seen, host, config, settings);
    if (node.isUp !== seen.isUp) {
      world.note(node.isUp ? "up" : "down", node.label);
      this.changes++;
      if (node.health.changes <= seen.changes)
        world.violated(`${node.label} changed its state, and that is not counted`);
    }
    if (node.config.managementport === 0) this.judgeUnchecked(node, host, seen);
    else {
      this.judgeEnds(node, host, seen);
      this.judge(node, host, seen);
    }
    seen.isWell = node.health.isWell;
    seen.isUp = node.isUp;
    seen.changes = node.health.changes;
    seen.checksFailed = node.counters.checksFailed;
    seen.endsTold = host.endsTold;
  }

  /** Where it is, and what the rules are, may have changed. */
  private judgeAnew(seen: Watched, host: Host, config: Config, settings: ReturnType<typeof settingsOf>): void {
    const { checkInterval, fall, rise, gather } = config;
    const rules = `${settings.host} ${settings.config.managementport} ${checkInterval} ${fall} ${rise} ${gather}`;
    seen.config = config;
    seen.settings = settings;
    if (rules === seen.rules) return;
    seen.rules = rules;
    seen.endsTold = host.endsTold;
    seen.sinceMs = this.world.awakeMs;
  }

  /** A node without a check goes by what its host refuses. That nothing is refused proves nothing. */
  private judgeUnchecked(node: Node, host: Host, seen: Watched): void {
    const { world, proxy } = this;
    if (node.health.isWell) return;
    if (seen.isWell && node.counters.refusals === 0) world.violated(`${node.label} is taken out, and refused nothing`);
    if (!host.isUdpOpen) return;
    const { checkInterval: intervalMs, rise, gather } = proxy.config;
    const openMs = world.awakeMs - Math.max(seen.sinceMs, this.disturbedMs, host.sinceMs, host.troubledMs);
    const stepMs = 2 * host.parts.latencyMs + 4 * gather + 20;
    // One that was sent before it opened may still be refused.
    if (openMs > (rise + 1) * (intervalMs + REFUSAL_WAIT_MS + stepMs) + SLACK_MS) {
      world.violated(`${node.label} is out, and its port has been open for ${openMs.toFixed(0)} ms`);
    }
  }

  private judge(node: Node, host: Host, seen: Watched): void {
    const { world, proxy } = this;
    const { checkInterval: intervalMs, fall, rise, gather } = proxy.config;
    const verdict = verdictOf(host.manner);
    if (verdict === undefined) return;
    const sinceMs = Math.max(seen.sinceMs, this.disturbedMs, host.sinceMs);
    const forMs = world.awakeMs - sinceMs;
    const patienceMs = Math.max(250, Math.min(intervalMs, 5000));
    // What a check takes: packets, and turns that may sleep.
    const stepMs = 8 * host.parts.latencyMs + 4 * gather + 20;
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
