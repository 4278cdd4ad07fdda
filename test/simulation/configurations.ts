/** Configurations, and changes of them, as operators write them: most are fine, some cannot be. */
import { type Config, readConfig } from "../../src/config/config.ts";
import { hostName, MANAGEMENT_PORT, METRICS_PORT, NODES_MAX, namedAddress, namelessAddress } from "./addresses.ts";
import { OWN_PREFIX } from "./ledger.ts";
import type { Random } from "./random.ts";

export const METRICS_PORTS = [8125, 8225, 8325];
export const CONSOLE_PORTS = [8126, 8226];
/** Of the proxy's own machine. */
export const CONSOLE_NAME = "console.example";
const HTTP_PORTS = [8080, 8081];

interface NodeSettings {
  readonly host: string;
  readonly port: number;
  readonly managementport?: number;
  readonly name?: string;
  readonly weight?: number;
}

export type Settings = Record<string, unknown> & { readonly nodes: readonly NodeSettings[] };

/** To make a farmhash ring takes long. */
const RINGS = ["farmhash", "etsy", "etsy", "ketama"];
const INTERVALS_MS = [50, 100, 200, 500, 1000, 2000];

export function firstSettings(random: Random): Settings {
  const count = 1 + random.below(NODES_MAX);
  const nodes = random.shuffle(Array.from({ length: NODES_MAX }, (_, i) => i)).slice(0, count);
  return {
    host: "0.0.0.0",
    port: random.pick(METRICS_PORTS),
    managementport: random.pick(CONSOLE_PORTS),
    ...(random.chance(0.15) && { managementhost: CONSOLE_NAME }),
    ...(random.chance(0.15) && { httpport: random.pick(HTTP_PORTS) }),
    nodes: nodes.map((node) => nodeOf(node, random)),
    checkInterval: random.pick(INTERVALS_MS),
    fall: random.pick([1, 2, 2, 2, 3]),
    rise: random.pick([1, 1, 1, 2]),
    cacheSize: random.pick([0, 4, 64, 64, 1024]),
    receiveBuffer: random.pick([4096, 32768, 212_992, 4_194_304]),
    ...(random.chance(0.5) && { maxDatagramBytes: random.pick([0, 0, 64, 512, 1432, 65507]) }),
    ...(random.chance(0.4) && { gather: random.pick([0, 1, 10, 100]) }),
    ...(random.chance(0.2) && { mirror: true }),
    ring: random.pick(RINGS),
    ...(random.chance(0.3) && { failover: "hold" }),
    ...(random.chance(0.6) && { resolveInterval: random.pick([1000, 1000, 2500, 10_000]) }),
    ...(random.chance(0.15) && { types: random.pick(["*", ["c", "ms"], ["c", "g", "_e"]]) }),
    ...(random.chance(0.15) && { selfMetrics: { prefix: OWN_PREFIX, interval: random.pick([100, 500, 3000]) } }),
  };
}

/** The settings with one to three changes. */
export function changedSettings(settings: Settings, random: Random): Settings {
  let changed = settings;
  for (let i = random.pick([1, 1, 2, 3]); i > 0; i--) changed = changedOnce(changed, random);
  return changed;
}

export function configOf(settings: Settings): Config {
  const { config, errors } = readConfig(JSON.stringify(settings));
  if (config === undefined) throw new Error(JSON.stringify(errors));
  return config;
}

function changedOnce(settings: Settings, random: Random): Settings {
  const { nodes } = settings;
  const with_ = (more: Record<string, unknown>): Settings => ({ ...settings, ...more });
  switch (
    random.weighted({
      add: 4,
      remove: 4,
      exchange: 3,
      move: 4,
      reorder: 1,
      weigh: 1,
      ring: 1,
      failover: 2,
      mirror: 1.5,
      checks: 2,
      port: 2,
      host: 1,
      console: 1,
      http: 1,
      types: 1,
      packing: 1,
      reading: 1,
      cache: 1,
      own: 0.5,
      unchecked: 1,
    })
  ) {
    case "add": {
      const free = Array.from({ length: NODES_MAX }, (_, i) => i).filter(
        (i) => !nodes.some((node) => nodeNumber(node) === i),
      );
      return free.length === 0 ? settings : with_({ nodes: [...nodes, nodeOf(random.pick(free), random)] });
    }
    case "remove":
      return nodes.length === 1 ? settings : with_({ nodes: nodes.toSpliced(random.below(nodes.length), 1) });
    case "exchange": {
      const i = random.below(nodes.length);
      return with_({ nodes: nodes.with(i, nodeOf(nodeNumber(nodes[i]), random)) });
    }
    case "move": {
      const named = nodes.filter(({ name }) => name !== undefined);
      if (named.length === 0) return settings;
      const node = random.pick(named);
      const hosts = hostsOfNamed(nodeNumber(node)).filter((host) => host !== node.host);
      return with_({ nodes: nodes.with(nodes.indexOf(node), { ...node, host: random.pick(hosts) }) });
    }
    case "reorder":
      return with_({ nodes: random.shuffle([...nodes]) });
    case "weigh": {
      const i = random.below(nodes.length);
      return with_({ nodes: nodes.with(i, { ...nodes[i], weight: 1 + random.below(3) }) });
    }
    case "unchecked": {
      const i = random.below(nodes.length);
      const managementport = nodes[i].managementport ? 0 : MANAGEMENT_PORT;
      return with_({ nodes: nodes.with(i, { ...nodes[i], managementport }) });
    }
    case "ring":
      return with_({ ring: random.pick(RINGS) });
    case "failover":
      return with_({ failover: random.pick(["hold", "rehash"]) });
    case "mirror":
      return with_({ mirror: settings.mirror !== true });
    case "checks":
      return with_({ checkInterval: random.pick(INTERVALS_MS), fall: 1 + random.below(3), rise: 1 + random.below(2) });
    case "port":
      return with_({ port: random.pick(METRICS_PORTS) });
    case "host":
      return with_({ host: random.pick(["0.0.0.0", "127.0.0.1"]) });
    case "console":
      return with_({ managementport: random.pick(CONSOLE_PORTS) });
    case "http":
      return with_({ httpport: random.pick([0, ...HTTP_PORTS]) });
    case "types":
      return with_({ types: random.pick(["*", ["c", "ms"], ["c", "g", "ms", "h", "s", "d", "_e", "_sc"]]) });
    case "packing":
      return with_({ maxDatagramBytes: random.pick([0, 64, 512, 1432, 8932]) });
    case "reading":
      return with_({ gather: random.pick([0, 5, 10, 50]), receiveBuffer: random.pick([4096, 65536, 4_194_304]) });
    case "cache":
      return with_({ cacheSize: random.pick([0, 16, 512]) });
    case "own":
      return with_({ selfMetrics: settings.selfMetrics ? undefined : { prefix: OWN_PREFIX, interval: 200 } });
  }
}

function nodeOf(node: number, random: Random): NodeSettings {
  const managementport = random.chance(0.12) ? 0 : MANAGEMENT_PORT;
  const weight = random.chance(0.1) ? { weight: 2 } : {};
  if (random.chance(0.6)) {
    const host = random.chance(0.7) ? hostName(node) : random.pick(hostsOfNamed(node));
    return { host, port: METRICS_PORT, managementport, name: `n${node}`, ...weight };
  }
  return { host: namelessAddress(node, random.below(2)), port: METRICS_PORT, managementport, ...weight };
}

/** What has a name of its own needs none of its host's. */
function hostsOfNamed(node: number): readonly string[] {
  return [hostName(node), namedAddress(node, 0), namedAddress(node, 1)];
}

function nodeNumber({ host }: NodeSettings): number {
  return Number(/^node-(\d)|^10\.[12]\.(\d)/.exec(host)?.slice(1).find(Boolean));
}
