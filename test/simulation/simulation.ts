/**
 * One run of the simulation: the real proxy, from its configuration to its sockets, in a world that a seed decides.
 *
 *     seed -> habits of kernel and runtime, configuration, traffic, mishaps, operators, changes
 *     turn of the event loop -> look: sums, owners, order, health, sleeps, sockets
 *     stop -> look again: everything has its place, and nothing is left open
 */
import { drainMicrotasks } from "bun:jsc";
import { type Config, type FileReading, hashOf, readConfig } from "../../src/config/config.ts";
import type { Platform } from "../../src/engine/platform.ts";
import type { OperatorWord } from "../../src/health/nodeHealth.ts";
import type { Log } from "../../src/log/log.ts";
import { loadFingerprint32 } from "../../src/placement/farmhash.io.ts";
import type { Fingerprint32 } from "../../src/placement/placement.ts";
import { isSummary } from "../../src/proxy/changeSummary.ts";
import { StatsdProxy } from "../../src/proxy/proxy.ts";
import { hostName, NODES_MAX, namedAddress, namelessAddress, slotOfAddress, slotOfLabel } from "./addresses.ts";
import { CONSOLE_NAME, changedSettings, configOf, firstSettings, type Settings } from "./configurations.ts";
import { DelayOracle } from "./delayOracle.ts";
import { EventLoop } from "./eventLoop.ts";
import { GatherOracle } from "./gatherOracle.ts";
import { HealthOracle } from "./healthOracle.ts";
import { Host } from "./hosts.ts";
import { Insides } from "./insides.ts";
import { Ledger } from "./ledger.ts";
import { Machine } from "./machine.ts";
import { MISHAPS, type Mishap, Mishaps } from "./mishaps.ts";
import { Operators } from "./operators.ts";
import { Random } from "./random.ts";
import { SimulatedNetwork } from "./simulatedNetwork.ts";
import { Traffic } from "./traffic.ts";
import { WordOracle } from "./wordOracle.ts";
import { World } from "./world.ts";

export interface Outcome {
  readonly seed: number;
  /** Undefined: everything held. */
  readonly violation: string | undefined;
  /** The last events before it. */
  readonly events: readonly string[];
  readonly turns: number;
  /** Of everything that happened. */
  readonly hash: number;
  readonly simulatedMs: number;
  readonly linesSent: number;
  /** Lines that the proxy read, each of which has its place. */
  readonly linesAccounted: number;
  readonly changes: number;
  readonly nodeChanges: number;
  /** Operators' words about nodes that changed something. */
  readonly words: number;
  readonly faults: ReadonlyMap<string, number>;
}

const BROKEN_FILES = ["", "{", "{ nodes: [] }", '{ "port": 8125 }', "\0", '{ nodes: [{ host: "a b", port: 0 }] }'];
/** Turns of a run at most: one that takes more goes round in circles. */
const TURNS_MAX = 200_000;
/** To read the rest five seconds, to count it one; the rest is for turns. */
const STOP_MS_MAX = 6500;
/** What a long answer costs those that come after it. */
const SHARE_MS_MAX = 110;
/** Lines that could be sent are sent within this. */
const PENDING_MS_MAX = 150;
/** And within so many of the longest sleeps there were, of which a trial for loops takes five. */
const PENDING_SLEEPS_MAX = 6;

/** To be awaited before the first run: what is loaded when somebody asks for HTTP takes more than microtasks. */
export async function prepareSimulation(): Promise<void> {
  await import("../../src/page/page.ts");
}

export function simulate(seed: number): Outcome {
  return new Simulation(seed).run();
}

class Simulation {
  private readonly seed: number;
  private readonly random: Random;
  private readonly world: World;
  private readonly loop: EventLoop;
  private readonly ledger: Ledger;
  private readonly delays: DelayOracle;
  private readonly machine: Machine;
  private readonly hosts: ReadonlyMap<string, Host>;
  private readonly network: SimulatedNetwork;
  private readonly traffic: Traffic;
  private readonly isDebug: boolean;
  /** Most runs are short, because many of them find more. */
  private readonly isLong: boolean;
  /** Metrics come all the time, and keep the proxy busy. */
  private readonly isRiver: boolean;
  private readonly settings: Settings;
  /** What a configuration was made of. */
  private readonly settingsOf = new WeakMap<Config, Settings>();
  /** The configuration's, as it is now. */
  private file: { readonly text: string; readonly settings: Settings };
  private proxy: StatsdProxy | undefined;
  private insides: Insides | undefined;
  private health: HealthOracle | undefined;
  private words: WordOracle | undefined;
  private operators: Operators | undefined;
  private mishaps: Mishaps | undefined;
  private throwsNext = false;
  private changes = 0;
  private changesUnderWay = 0;
  private changesBegun = 0;
  private isStopping = false;
  private gatherMsMax = 0;
  /** By what has a batch: since when it could be sent, and was not. */
  private readonly pendingSinceMs = new Map<object, { readonly atMs: number; readonly gone: number }>();

  constructor(seed: number) {
    const random = new Random(seed);
    const world = new World(random);
    this.seed = seed;
    this.random = random;
    this.world = world;
    const isSlow = random.chance(0.05);
    this.loop = new EventLoop(world, {
      // As Bun does, most of the time.
      timersFirst: random.chance(0.65),
      roundsTimers: random.chance(0.65),
      turnMs: random.magnitude(0.005, 0.1),
      lateChance: random.chance(0.3) ? random.magnitude(0.0005, 0.05) : 0,
      lateMsMax: random.magnitude(1, 1000),
    });
    this.ledger = new Ledger(world);
    this.delays = new DelayOracle(world);
    const hasKernel = random.chance(0.88);
    const repeatsAnswers = random.chance(hasKernel ? 0.8 : 0.2);
    this.machine = new Machine(
      world,
      {
        hasKernel,
        tellsWaits: random.pick([0, 0.8, 1, 1, 1]),
        repeatsAnswers,
        // Whoever sends past the runtime learns of answers by its handler only.
        sendsBatches: repeatsAnswers && random.chance(0.7),
        throwsFromSendMany: random.chance(0.5),
        receiveBufferMax: random.pick([212_992, 4_194_304]),
        readMs: isSlow ? random.magnitude(0.1, 1) : random.magnitude(0.002, 0.02),
        sendMs: random.magnitude(0.001, 0.01),
        answerMs: random.chance(0.3) ? random.magnitude(0.1, 2) : 0.002,
        openMsMax: random.chance(0.3) ? random.magnitude(1, 200) : 0.1,
        resolveMsMax: random.chance(0.3) ? random.magnitude(1, 3000) : 0.5,
      },
      this.ledger,
      this.delays,
    );
    this.hosts = hostsOf(world);
    this.network = new SimulatedNetwork(this.machine, this.loop, this.hosts);
    this.isDebug = random.chance(0.12);
    this.settings = firstSettings(random);
    this.file = { text: "", settings: this.settings };
    this.isLong = random.chance(0.1);
    const isBusy = random.chance(0.4);
    this.isRiver = random.chance(0.06);
    this.traffic = new Traffic({
      world,
      names: random.pick([1, 5, 30, 200]),
      isRiver: this.isRiver,
      datagramsMax: this.isRiver ? 1000 : (isBusy ? 150 : 50) * (this.isLong ? 4 : 1),
      perMsMax: isBusy ? random.magnitude(1, 30) : 1,
      linesMax: random.pick([1, 4, 30]),
      badChance: random.pick([0, 0.05, 0.3]),
      send: (datagram) =>
        this.network.metricsSocketAt(this.insides?.config.port ?? (this.settings.port as number))?.arrives(datagram),
    });
  }

  run(): Outcome {
    const { world, random } = this;
    const isEarly = random.chance(0.2);
    if (isEarly) this.traffic.begin();
    if (this.start()) {
      if (!isEarly) this.traffic.begin();
      this.live();
      this.stop();
    }
    return {
      seed: this.seed,
      violation: world.violation,
      events: world.lastEvents(),
      turns: this.loop.turns,
      hash: world.hash >>> 0,
      simulatedMs: world.nowMs,
      linesSent: this.traffic.linesSent,
      linesAccounted: this.ledger.linesRead,
      changes: this.changes,
      nodeChanges: this.health?.changes ?? 0,
      words: this.words?.said ?? 0,
      faults: world.faults,
    };
  }

  /** False: it did not start, as it should not. */
  private start(): boolean {
    const { world, machine, loop, network, random } = this;
    for (let node = 0; node < NODES_MAX; node++) {
      network.name(hostName(node), namedAddress(node, random.below(2)));
    }
    if (random.chance(0.15)) this.nameLater();
    network.name(CONSOLE_NAME, "127.0.0.1");
    const isPrevented = random.chance(0.03);
    if (isPrevented) {
      const kind = random.pick(["udp", "tcp"]);
      world.fault("start prevented", kind);
      machine.taken.add(`${kind} ${this.settings[kind === "udp" ? "port" : "managementport"]}`);
    }
    const config = configOf(this.settings);
    this.settingsOf.set(config, this.settings);
    this.file = { text: JSON.stringify(this.settings), settings: this.settings };
    this.ledger.datagramBytesMax = config.maxDatagramBytes;
    const started = this.call(
      StatsdProxy.start(config, {
        platform: this.platform(),
        log: this.log(),
        debugMode: this.isDebug,
        file: { name: "proxy.json", hash: hashOf(this.file.text), read: () => this.readFile() },
      }),
    );
    if (started === undefined) return false;
    if (!(started instanceof StatsdProxy)) {
      if (!isPrevented) world.violated(`it does not start: ${JSON.stringify(started)}`);
      this.turns(20);
      this.nothingOpen();
      return false;
    }
    if (isPrevented) world.violated("it starts where it cannot");
    machine.taken.clear();
    const insides = new Insides(started);
    this.attach(started, insides);
    loop.onSleep = (ms, sleep) => gather.sleep(ms, insides.gatherMs, this.ledger.sockets, sleep);
    const gather = new GatherOracle(world);
    return true;
  }

  /** The machine has started just now, and the name server does not know everything yet. */
  private nameLater(): void {
    const { world, machine, network, random } = this;
    for (let node = 0; node < NODES_MAX; node++) {
      const name = hostName(node);
      const address = network.names.get(name);
      if (random.chance(0.5)) continue;
      network.name(name, undefined);
      world.after(random.magnitude(100, 2000), () => {
        machine.troubledAtMs = world.nowMs;
        if (network.names.get(name) === undefined) network.name(name, address);
      });
    }
  }

  private attach(proxy: StatsdProxy, insides: Insides): void {
    const { world, random, loop, machine, network, hosts } = this;
    this.proxy = proxy;
    this.insides = insides;
    const words = new WordOracle(world, machine, insides, hosts);
    this.words = words;
    this.ledger.attach(insides, words);
    this.delays.attach(insides);
    const health = new HealthOracle(world, insides, hosts);
    const operators = new Operators(world, loop, network, insides, words);
    this.health = health;
    this.operators = operators;
    this.mishaps = new Mishaps({
      ...{ world, loop, machine, network, hosts, health, operators, kinds: this.kindsOfMishaps() },
      throwNext: () => {
        this.throwsNext = true;
      },
      everyMs: random.magnitude(30, 3000),
    });
    this.mishaps.begin();
    if (this.isRiver) this.mishaps.deathInTheRiver();
    if (random.chance(0.6)) this.often(random.magnitude(100, 4000), () => this.change());
    if (random.chance(0.6)) this.often(random.magnitude(20, 2000), () => operators.somebody());
    if (random.chance(0.2)) this.often(random.magnitude(10, 1000), () => void proxy.view());
  }

  /** In most worlds many; where there is only one, nothing else excuses what comes of it. */
  private kindsOfMishaps(): readonly Mishap[] {
    const { random } = this;
    const possible = MISHAPS.filter((kind) => kind !== "error of the program" || this.isDebug);
    const worlds = random.weighted({ none: 1, one: 3, many: 6 });
    if (worlds === "none") return [];
    return worlds === "one" ? [random.pick(possible)] : possible.filter(() => random.chance(0.4));
  }

  /** From its start to its end. */
  private live(): void {
    const { world, random, traffic } = this;
    const untilMs = world.nowMs + random.magnitude(this.isRiver ? 1000 : 100, this.isLong ? 12_000 : 2500);
    this.turnsUntil(() => world.nowMs >= untilMs);
    if (random.chance(0.5)) {
      this.mishaps?.end();
      this.operators?.excuse();
      world.note("all heals");
      const settledAtMs = world.nowMs + random.magnitude(200, this.isLong ? 8000 : 1500);
      this.turnsUntil(() => world.nowMs >= settledAtMs);
    }
    if (random.chance(0.5)) traffic.end();
  }

  private stop(): void {
    const { world, machine, loop, random, ledger } = this;
    if (world.violation !== undefined || this.proxy === undefined) return;
    this.isStopping = true;
    this.operators?.end();
    world.note("stop");
    if (random.chance(0.3)) this.traffic.burst(random.pick([10, 200]));
    if (random.chance(0.2)) this.traffic.flood(random.between(5, 20));
    // A second signal stops it, and a third lets it go on.
    if (random.chance(0.1)) world.after(random.between(0, 20), () => loop.stall(random.magnitude(100, 9000)));
    // What is left when the time for reading is over.
    if (random.chance(0.06)) {
      world.fault("slow stop");
      machine.readMs = random.between(0.3, 1);
      this.traffic.burst(200);
      world.after(random.between(0, 60), () => loop.stall(random.between(4000, 8000)));
    }
    const beganMs = world.awakeMs;
    this.call(this.proxy.stop());
    if (world.awakeMs - beganMs > STOP_MS_MAX)
      world.violated(`the stop takes ${(world.awakeMs - beganMs).toFixed(0)} ms`);
    if (world.violation !== undefined) return;
    ledger.finish();
    this.turnsUntil(() => this.changesUnderWay === 0 && machine.openings === 0);
    // The timer that keeps answers to their share of the time ends by itself, and answers nobody.
    const overMs = world.nowMs + SHARE_MS_MAX;
    this.turnsUntil(() => loop.timersSet === 0 || world.nowMs > overMs);
    this.turns(20);
    this.nothingOpen();
  }

  private change(): void {
    const { world, insides, random } = this;
    if (insides === undefined || this.isStopping) return;
    const settings = changedSettings(this.settingsOf.get(insides.config) ?? this.settings, random);
    if (random.chance(0.7)) {
      this.changeNow(settings);
      return;
    }
    // Who leaves or moves may have no room any more for what is sent to it.
    const { nodes } = configOf(settings);
    for (const { label, config, address } of insides.nodes) {
      const stays = nodes.some((node) => node.label === label && node.host === config.host);
      if (!stays && address !== undefined) this.mishaps?.fillUp(address);
    }
    this.traffic.burst(random.below(40));
    if (random.chance(0.5)) this.traffic.rest(random.between(100, 800));
    world.after(random.between(0, 20), () => {
      this.loop.wake({ isQueued: false, dispatch: () => this.changeNow(settings) });
    });
  }

  private changeNow(settings: Settings): void {
    const { world, proxy, insides, random, ledger, machine, operators } = this;
    if (proxy === undefined || insides === undefined || this.isStopping || this.changesUnderWay > 2) return;
    const before = insides.config;
    const isGood = random.chance(0.95);
    const text = isGood ? JSON.stringify(settings) : random.pick(BROKEN_FILES);
    const next = isGood ? configOf(settings) : undefined;
    const isAlone = this.changesUnderWay === 0;
    const beganMs = world.nowMs;
    this.changesUnderWay++;
    const ordinal = ++this.changesBegun;
    world.fault(isGood ? "change" : "broken file");
    world.note("change", text);
    this.lookForTrouble();
    if (next) {
      ledger.datagramBytesMax = Math.max(ledger.datagramBytesMax, next.maxDatagramBytes);
      this.settingsOf.set(next, settings);
    }
    // Connections to what has moved end.
    operators?.excuse();
    const isByFile = next === undefined || random.chance(0.5);
    const result = isByFile ? this.reload(proxy, text, settings) : this.changeTo(proxy, next);
    void result.then((problem) => {
      this.changesUnderWay--;
      operators?.excuse();
      if (this.isStopping) return;
      const wasAlone = isAlone && ordinal === this.changesBegun;
      world.note("changed", problem);
      this.lookForTrouble();
      if (problem === "") {
        this.changes++;
        if (!isGood && wasAlone) world.violated("a file that is broken is in force");
        if (wasAlone && isByFile !== (insides.config !== next)) {
          world.violated("a change that went well is not in force");
        }
      } else {
        if (wasAlone && insides.config !== before) {
          world.violated("a change that failed is in force");
        }
        if (isGood && wasAlone && machine.troubledAtMs < beganMs)
          world.violated(`a change fails for no reason: ${problem}`);
      }
      this.openAsConfigured();
    });
  }

  /** Returns the problems; empty: there are none. */
  private async changeTo(proxy: StatsdProxy, next: Config): Promise<string> {
    const result = await proxy.change(next);
    return isSummary(result) ? "" : result.map(({ at, message }) => `${at}: ${message}`).join(", ");
  }

  /** The same by the file, which may change again before it is read. */
  private async reload(proxy: StatsdProxy, text: string, settings: Settings): Promise<string> {
    this.file = { text, settings };
    const answer = await proxy.reload(this.random.pick(["signal", "console", "file"]));
    return answer.startsWith("not reloaded") || answer.startsWith("reload failed") ? answer : "";
  }

  private readFile(): FileReading {
    const { text, settings } = this.file;
    const reading = { ...readConfig(text), hash: hashOf(text) };
    if (reading.config) this.settingsOf.set(reading.config, settings);
    this.world.note("file is read", reading.hash);
    return reading;
  }

  /** Each turn is followed by a look at everything. */
  private turn(): void {
    const { loop, machine } = this;
    this.lookForTrouble();
    const { callbacks } = loop;
    loop.turn();
    // Nothing of the proxy ran: nothing is otherwise, but that time has passed.
    if (loop.callbacks === callbacks && loop.turns % 8 !== 0) return;
    this.ledger.look();
    this.delays.look(this.ledger.sockets.length);
    if (this.isStopping) return;
    if (!machine.hasRoute) this.health?.networkDisturbed();
    if (machine.isOutOfDescriptors) this.health?.descriptorsDisturbed();
    this.words?.look();
    this.operators?.look();
    this.health?.look();
    this.lookForWaiting();
    this.lookForStrayChecks();
    this.lookForOutOfOrder();
    if (this.changesUnderWay === 0 && this.proxy) this.openAsConfigured();
  }

  /** What openings may fail for. */
  private lookForTrouble(): void {
    const { machine, network, world } = this;
    const isTroubled = machine.taken.size > 0 || !machine.hasRoute || machine.isOutOfDescriptors;
    // A port that was left is free only when what it held is read; and only on Linux two sockets have it for a moment.
    const isLeaving = (this.insides?.sourcesDraining ?? 0) > 0 || !machine.habits.hasKernel;
    if (isTroubled || isLeaving || network.unknownNames > 0) machine.troubledAtMs = world.nowMs;
  }

  private turnsUntil(isOver: () => boolean): void {
    while (this.world.violation === undefined && !isOver()) {
      if (this.loop.turns > TURNS_MAX) this.world.violated("it goes round in circles");
      this.turn();
    }
  }

  private turns(count: number): void {
    const { turns } = this.loop;
    this.turnsUntil(() => this.loop.turns >= turns + count);
  }

  /** What the proxy promises, after as many turns as it takes; undefined: something was violated meanwhile. */
  private call<T>(promise: Promise<T>): T | undefined {
    let result: T | undefined;
    let isOver = false;
    promise.then(
      (value) => {
        result = value;
        isOver = true;
      },
      (error) => {
        this.world.violated(`a call fails: ${(error as Error).stack ?? error}`);
        isOver = true;
      },
    );
    drainMicrotasks();
    this.turnsUntil(() => isOver);
    return result;
  }

  private often(everyMs: number, run: () => void): void {
    const { world, loop, random } = this;
    const again = () => {
      if (this.isStopping) return;
      // As a signal or a socket, it is seen by the event loop.
      loop.wake({ isQueued: false, dispatch: run });
      world.after(random.between(0, 2 * everyMs), again);
    };
    world.after(random.between(0, 2 * everyMs), again);
  }

  /** What waits for nothing is sent. */
  private lookForWaiting(): void {
    const { world, machine, insides, pendingSinceMs } = this;
    if (insides === undefined) return;
    this.gatherMsMax = Math.max(this.gatherMsMax, insides.gatherMs);
    for (const node of [...insides.nodes, ...insides.draining.keys()]) {
      if (node.batch.linesPending === 0) {
        if (pendingSinceMs.size > 0) pendingSinceMs.delete(node);
        continue;
      }
      const slot = slotOfLabel(node.label);
      const isHeldUp =
        machine.openings > 0 ||
        !machine.hasRoute ||
        [...machine.links].some(({ host }) => slotOfAddress(host.parts.address) === slot && host.room <= 0);
      const pending = pendingSinceMs.get(node);
      const { datagramsSent, linesDropped } = node.counters;
      const gone = datagramsSent + linesDropped.send_error + linesDropped.send_buffer_full;
      if (isHeldUp) pendingSinceMs.delete(node);
      else if (pending?.gone !== gone) pendingSinceMs.set(node, { gone, atMs: world.awakeMs });
      else if (world.awakeMs - pending.atMs > PENDING_MS_MAX + PENDING_SLEEPS_MAX * this.gatherMsMax) {
        world.violated(`${node.batch.linesPending} lines for ${node.label} wait for nothing`);
      }
    }
  }

  /** Checks go to where nodes are, and to nobody else. */
  private lookForStrayChecks(): void {
    const { world, machine, insides } = this;
    if (insides === undefined) return;
    for (const { address } of machine.management) {
      const isAsked = insides.nodes.some((node) => node.address === address && node.config.managementport !== 0);
      if (!isAsked) world.violated(`a check asks ${address}, where no node is that is checked`);
    }
  }

  /** A node that comes back while the one of before has lines to send: both send then. */
  private lookForOutOfOrder(): void {
    for (const { label } of this.insides?.draining.keys() ?? []) this.ledger.outOfOrder.add(slotOfLabel(label));
  }

  /** As many sockets as there must be, and no more. */
  private openAsConfigured(): void {
    const { world, machine, network, insides } = this;
    if (insides === undefined || machine.openings > 0 || this.isStopping || this.changesUnderWay > 0) return;
    if (insides.sourcesDraining > 0) return;
    const { nodes, draining, config } = insides;
    const links = nodes.filter((node) => node.address !== undefined).length + draining.size;
    const isOpen = ({ isClosed }: { readonly isClosed: boolean }) => !isClosed;
    const metrics = this.ledger.sockets.filter(isOpen).length;
    const servers = [...network.operatorPorts].filter(isOpen).length;
    if (machine.links.size !== links) world.violated(`${machine.links.size} links are open, not ${links}`);
    if (metrics !== 1) world.violated(`${metrics} sockets for metrics are open`);
    if (servers !== (config.httpport === 0 ? 1 : 2)) world.violated(`${servers} ports for operators are open`);
  }

  private nothingOpen(): void {
    const { world, machine, loop } = this;
    if (world.violation !== undefined) return;
    if (machine.descriptors !== 0)
      world.violated(
        `${machine.descriptors} descriptors are left open at the end (${machine.links.size} links, ${machine.management.size} checks)`,
      );
    if (loop.timersSet !== 0) world.violated(`${loop.timersSet} timers are left at the end`);
    if (loop.immediates.length !== 0) world.violated("an immediate is left at the end");
  }

  private platform(): Platform {
    const { random, network, loop } = this;
    return {
      clock: loop.clock,
      network,
      resources: () => ({ startedAtSeconds: 1_700_000_000, cpuSeconds: 1, residentBytes: 1, heapUsedBytes: 1 }),
      memory: () => ({ heapUsedBytes: 1, heapCapacityBytes: 2, residentBytes: 3, objects: 4 }),
      descriptorLimit: () => 1024,
      loadFingerprint32: () => FINGERPRINT,
      hostName: "simulated",
      random32: () => random.uint32() | 0,
    };
  }

  private log(): Log {
    const { world } = this;
    const say = (event: string, fields: Readonly<Record<string, unknown>> = {}) => {
      world.note(`log ${event}`, JSON.stringify(fields));
      if (event === "node_up" || event === "node_down") this.health?.said(String(fields.node), event === "node_up");
      if (event === "node_set") this.health?.isNow(String(fields.node), fields.state === "up");
      if (event === "node_set") this.words?.set(String(fields.node), String(fields.from), fields.to as OperatorWord);
    };
    return {
      error: say,
      warn: say,
      info: say,
      debug: (event) => {
        if (!this.throwsNext || !event.startsWith("line")) return;
        this.throwsNext = false;
        this.ledger.thrown++;
        throw new Error("thrown by the simulation");
      },
      text: () => {},
      flush: () => {},
      linesLost: 0,
    };
  }
}

/** Fingerprints of points: the same few labels in all runs. */
const FINGERPRINT = remembering(loadFingerprint32());

function remembering(fingerprint32: Fingerprint32): Fingerprint32 {
  const known = new Map<string, number>();
  return (input) => {
    if (typeof input !== "string") return fingerprint32(input);
    let fingerprint = known.get(input);
    if (fingerprint === undefined) {
      fingerprint = fingerprint32(input);
      known.set(input, fingerprint);
    }
    return fingerprint;
  };
}

function hostsOf(world: World): Map<string, Host> {
  const { random } = world;
  const latencyMax = random.magnitude(0.05, 8);
  const icmpChance = random.pick([0, 0.2, 1, 1, 1]);
  const localChance = random.pick([0, 0, 0.3, 1]);
  const isNeighbour = random.chance(0.5);
  const hosts = new Map<string, Host>();
  for (let node = 0; node < NODES_MAX; node++) {
    for (const place of [0, 1]) {
      for (const address of [namedAddress(node, place), namelessAddress(node, place)]) {
        const isLocal = random.chance(localChance);
        const latencyMs = isLocal ? 0.01 : random.between(0.01, latencyMax);
        const slot = slotOfAddress(address);
        hosts.set(address, new Host({ ...{ world, address, slot, latencyMs, icmpChance, isLocal, isNeighbour } }));
      }
    }
  }
  return hosts;
}
