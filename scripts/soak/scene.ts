/** The compiled binary between real backends and a paced sender, and what happens to them: one thing in each phase. */
import { expect } from "bun:test";
import type { AtEnd } from "../../test/support/cleanUp.ts";
import { figuresOf } from "../../test/support/client.ts";
import { Cluster, OUT_MS, residentBytes } from "../../test/support/faultCluster.ts";
import { emptyFolder } from "../../test/support/folder.ts";
import type { Load } from "../../test/support/pacedSender.ts";
import { EtsyPeer, type FaultyPeer, Peer } from "../../test/support/peer.ts";
import { freePort } from "../../test/support/ports.ts";
import { configFile, type RunningProxy, type Settings, startProxy } from "../../test/support/process.ts";
import { until } from "../../test/support/until.ts";
import type { Chance } from "./chance.ts";
import { askConsole } from "./operator.ts";
import type { LineSums, Sample } from "./report.ts";
import { beRude } from "./rudeClients.ts";

const CHECK_INTERVAL = 500;
/** Two checks must fail; each may begin an interval late, and last as long. */
const SILENCE_MS = 4 * CHECK_INTERVAL + 500;
const STEADY_MS = 2000;
const RESIDENT_GROWTH_BYTES_MAX = 128 << 20;
/** No phase at the highest rate is long enough for a paced sender to run out of numbers. */
const LOADS: readonly Load[] = [
  { datagramsPerSecond: 20, linesPerDatagram: 1 },
  { datagramsPerSecond: 500, linesPerDatagram: 1 },
  { datagramsPerSecond: 5000, linesPerDatagram: 1 },
  { datagramsPerSecond: 20_000, linesPerDatagram: 1 },
  { datagramsPerSecond: 50_000, linesPerDatagram: 1 },
  { datagramsPerSecond: 2000, linesPerDatagram: 10 },
  { datagramsPerSecond: 1000, linesPerDatagram: 40 },
];
/** What a reload may change while metrics pass; each is good with each other. */
const SETTINGS = {
  maxDatagramBytes: [0, 512, 1432, 8192],
  failover: ["rehash", "hold"],
  gather: [0, 10, 50],
  cacheSize: [0, 100, 65_536],
} as const;

type Suffers = (
  scene: Scene,
  chance: Chance,
) => Promise<{ victims: readonly FaultyPeer[]; happens: () => Promise<void> }>;

const FAULTS: Readonly<Record<string, Suffers>> = {
  nothing: async () => ({ victims: [], happens: async () => await Bun.sleep(STEADY_MS) }),

  "a backend is killed": async (scene, chance) => {
    const victim = chance.pick(scene.all);
    return {
      victims: [victim],
      happens: async () => {
        const killing = scene.cluster.now();
        await victim.kill();
        // Where no connection ends it is a refused line that tells.
        await scene.cluster.saysOut(victim, killing, OUT_MS + 16_000 / scene.cluster.load.datagramsPerSecond);
        await victim.restart();
        await scene.cluster.saysBack(victim, scene.cluster.now(victim));
      },
    };
  },

  "a backend is stopped": async (scene, chance) => {
    const victim = chance.pick(scene.all);
    return {
      victims: [victim],
      happens: async () => {
        const stopping = scene.cluster.now();
        victim.signal("SIGSTOP");
        await scene.cluster.saysOut(victim, stopping, SILENCE_MS);
        const going = scene.cluster.now(victim);
        victim.signal("SIGCONT");
        await scene.cluster.saysBack(victim, going);
      },
    };
  },

  "a backend comes and goes": async (scene, chance) => {
    const victim = chance.pick(scene.peers);
    return {
      victims: [victim],
      happens: async () => {
        await victim.flap(100);
        await Bun.sleep(STEADY_MS);
        await victim.steady();
      },
    };
  },

  "a backend closes its UDP port": async (scene, chance) => {
    const victim = chance.pick(scene.peers);
    return {
      victims: [victim],
      happens: async () => {
        await victim.deaf();
        await Bun.sleep(STEADY_MS);
        await victim.steady();
      },
    };
  },

  "a backend says that it is down": async (scene, chance) => await badManners(scene, chance.pick(scene.peers), "down"),
  "a backend is silent": async (scene, chance) => await badManners(scene, chance.pick(scene.peers), "silent"),
  "a backend never stops talking": async (scene, chance) =>
    await badManners(scene, chance.pick(scene.peers), "endless"),
  "a backend resets connections": async (scene, chance) =>
    await badManners(scene, chance.pick(scene.peers), "resetting"),

  "rude clients of the console": async ({ proxy }) => ({
    victims: [],
    happens: async () => await beRude("console", proxy.consolePort, STEADY_MS),
  }),

  "rude clients of HTTP": async ({ httpport }) => ({
    victims: [],
    happens: async () => await beRude("http", httpport, STEADY_MS),
  }),

  "the configuration changes": async (scene, chance) => ({
    victims: [],
    happens: async () => {
      for (let times = 0; times < 3; times++) await scene.reload(scene.settings(chance), "ok");
    },
  }),

  "the configuration is bad": async (scene) => ({
    victims: [],
    happens: async () => {
      for (const text of ["", "{", "{ nodes: [] }", '{ nodes: "no" }']) await scene.reload(text, "failed");
    },
  }),

  "the proxy is stopped": async ({ proxy }) => ({
    victims: [],
    happens: async () => {
      proxy.signal("SIGSTOP");
      await Bun.sleep(STEADY_MS);
      proxy.signal("SIGCONT");
    },
  }),
};

async function badManners({ cluster }: Scene, victim: Peer, manners: "down" | "silent" | "endless" | "resetting") {
  return {
    victims: [victim],
    happens: async () => {
      const turning = cluster.now(victim);
      await victim.turn(manners);
      await cluster.saysOut(victim, turning, SILENCE_MS);
      const answering = cluster.now(victim);
      await victim.turn("up");
      await cluster.saysBack(victim, answering);
    },
  };
}

/** What a phase is: a fault, and the load meanwhile. */
export interface Phase {
  readonly fault: string;
  readonly load: Load;
}

/** Every fault once, in some order, at some load. */
export function phasesOf(chance: Chance): Phase[] {
  return chance.shuffled(Object.keys(FAULTS)).map((fault) => ({ fault, load: chance.pick(LOADS) }));
}

export class Scene {
  readonly cluster: Cluster<FaultyPeer>;
  /** Those with a tally, and all. */
  readonly peers: readonly Peer[];
  readonly all: readonly FaultyPeer[];
  readonly httpport: number;
  private readonly folder: string;
  private readonly base: Settings;

  private constructor(parts: Pick<Scene, "cluster" | "peers" | "all" | "httpport">, folder: string, base: Settings) {
    this.cluster = parts.cluster;
    this.peers = parts.peers;
    this.all = parts.all;
    this.httpport = parts.httpport;
    this.folder = folder;
    this.base = base;
  }

  static async start(atEnd: AtEnd): Promise<Scene> {
    const manners = ["up", "up", "closing"] as const;
    const peers = await Promise.all(manners.map((manners) => Peer.start({ atEnd, manners })));
    const etsys = Bun.which("node") === null ? [] : [await EtsyPeer.start({ atEnd })];
    const all = [...peers, ...etsys];
    const httpport = await freePort();
    const folder = emptyFolder(atEnd);
    let base: Settings | undefined;
    const cluster = await Cluster.start<FaultyPeer>({
      load: LOADS[2],
      peers: all,
      atEnd,
      settings: { checkInterval: CHECK_INTERVAL, httpport },
      residentGrowthBytesMax: RESIDENT_GROWTH_BYTES_MAX,
      asked: async ({ consolePort }, command) => await askConsole(consolePort, command),
      startWith: async (settings) => {
        const proxy = await startProxy(settings, { folder, atEnd });
        base = { host: "127.0.0.1", port: proxy.port, managementport: proxy.consolePort, ...settings };
        return proxy;
      },
    });
    return new Scene({ cluster, peers, all, httpport }, folder, base as Settings);
  }

  get proxy(): RunningProxy {
    return this.cluster.proxy;
  }

  /** Has the fault happen under the load, sees that all is in order again, and returns the lines of the phase. */
  async play({ fault, load }: Phase, chance: Chance): Promise<LineSums> {
    await this.cluster.turnTo(load);
    const { victims, happens } = await FAULTS[fault](this, chance);
    const before = this.cluster.figures;
    const sent = await this.cluster.suffers(victims, happens);
    const { figures } = this.cluster;
    const since = (name: string) => figures[name] - before[name];
    return { sent, accounted: since("lines_received") + since("kernel_drops") * load.linesPerDatagram };
  }

  sample(atMs: number): Sample {
    return { atMs, residentBytes: residentBytes(this.proxy.pid), openFiles: this.proxy.openFiles() };
  }

  settings(chance: Chance): object {
    const chosen = Object.entries(SETTINGS).map(([key, values]) => [key, chance.pick<string | number>(values)]);
    return { ...this.base, ...Object.fromEntries(chosen) };
  }

  /** Writes the file anew, tells the proxy to read it, and waits until it counts what came of that. */
  async reload(settings: object | string, result: "ok" | "failed"): Promise<void> {
    const reloads = async () => {
      const figures = figuresOf(await askConsole(this.proxy.consolePort, "stats"));
      return figures[`config_reloads.${result}`];
    };
    const before = await reloads();
    configFile(this.folder, settings);
    this.proxy.signal("SIGHUP");
    await until(`a reload that is ${result}`, async () => (await reloads()) === before + 1);
  }

  /** Tells the proxy to end. */
  async end(): Promise<void> {
    this.proxy.signal("SIGTERM");
    expect(await this.proxy.exited).toBe(0);
  }
}
