/** Two hosts, the proxy on one and its backends on the other, and what networks do to those. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { binary } from "../support/binary.ts";
import { endOfFile } from "../support/cleanUp.ts";
import { figuresOf } from "../support/client.ts";
import { atEveryLoad, Cluster, type Moment, RATES } from "../support/faultCluster.ts";
import { startFlood } from "../support/flood.ts";
import { emptyFolder } from "../support/folder.ts";
import { NetworkHost, NO_NETNS, NO_ROUGH_WIRES, type RoughWire } from "../support/netns.ts";
import type { Load } from "../support/pacedSender.ts";
import { Peer } from "../support/peer.ts";
import { freePorts } from "../support/ports.ts";
import { configFile, RunningProxy, type Settings } from "../support/process.ts";
import { watchStalls } from "../support/stalls.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const atEnd = endOfFile();

const CHECK_INTERVAL = 250;
/** Two checks must fail; each may begin an interval late, and last as long. */
const SILENCE_MS = 4 * CHECK_INTERVAL + 500;
/** A kernel that has no answer asks for the address of a neighbour again only after a second. */
const ARP_MS = 1000;
const ADDRESSES = ["10.77.0.2", "10.77.0.3", "10.77.0.4"];

/** Both hosts of a cluster. */
interface Hosts {
  readonly near: NetworkHost;
  readonly far: NetworkHost;
  /** Between them, if it is a rough one. */
  readonly wire: RoughWire | undefined;
}

const hostsOf = new Map<Cluster, Hosts>();

async function startHosts(load: Load, isRough = false): Promise<Cluster> {
  const [near, far] = await Promise.all([NetworkHost.start(atEnd), NetworkHost.start(atEnd)]);
  const ends = [
    [near, ["10.77.0.1/24"]] as const,
    [far, ADDRESSES.map((address) => `${address}/24`)] as const,
  ] as const;
  let wire: RoughWire | undefined;
  if (isRough) wire = await NetworkHost.joinRoughly(...ends, atEnd);
  else await NetworkHost.join(...ends);
  const { inside } = far;
  const peers = await Promise.all(ADDRESSES.map((host) => Peer.start({ host, inside, atEnd })));
  const cluster = await Cluster.start({
    load,
    peers,
    atEnd,
    settings: { checkInterval: isRough ? 1000 : CHECK_INTERVAL },
    startWith: (settings) => startInside(near, settings),
    inside: near.inside,
    asked: (proxy, command) => near.ask(proxy, command),
  });
  hostsOf.set(cluster, { near, far, wire });
  return cluster;
}

/** Starts the proxy on a host, and waits until it listens. */
async function startInside({ inside }: NetworkHost, settings: Settings): Promise<RunningProxy> {
  const folder = emptyFolder(atEnd);
  const [port, managementport] = await freePorts(2);
  const file = configFile(folder, { port, managementport, ...settings });
  const proxy = new RunningProxy([...inside, await binary(), "-f", file], folder, { port, managementport }, atEnd);
  await proxy.line("event=listening");
  return proxy;
}

describe.skipIf(NO_NETNS !== "")(`at a trickle and busy${NO_NETNS}`, () => {
  const onHosts = atEveryLoad((load) => startHosts(load), RATES);
  const everywhere = (play: (cluster: Cluster, hosts: Hosts) => Promise<void>) =>
    onHosts(async (cluster) => await play(cluster, hostsOf.get(cluster) as Hosts));

  test("the proxy's interface goes down and up: all nodes are out, and back", async () => {
    await everywhere(async (cluster, { near }) => {
      await cluster.suffers(cluster.peers, async () => {
        const down = cluster.now();
        await near.run("ip link set wire down");
        await allOut(cluster, down);
        await near.run("ip link set wire up");
        await allBack(cluster, cluster.now(), ARP_MS);
      });
    });
  });

  test("the backends' interface goes down and up: all nodes are out, and back", async () => {
    await everywhere(async (cluster, { far }) => {
      await cluster.suffers(cluster.peers, async () => {
        const down = cluster.now();
        await far.run("ip link set wire down");
        await allOut(cluster, down);
        await far.run("ip link set wire up");
        await allBack(cluster, cluster.now(), ARP_MS);
      });
    });
  });

  test("a host that drops everything, without a word, is taken out; it is back when it answers", async () => {
    await everywhere(async (cluster, { near }) => {
      const [victim] = cluster.peers;
      await cluster.suffers([victim], async () => {
        const dropping = cluster.now();
        await blackhole(near, victim);
        await cluster.saysOut(victim, dropping, SILENCE_MS);
        await repair(near, victim);
        await cluster.saysBack(victim, cluster.now(victim));
      });
    });
  });

  test("a host that restarts unseen leaves no half-open connection that anybody waits for", async () => {
    await everywhere(async (cluster, { near }) => {
      const victim = cluster.peers[1];
      await cluster.suffers([victim], async () => {
        const dropping = cluster.now();
        await blackhole(near, victim);
        await victim.kill();
        await victim.restart();
        await cluster.saysOut(victim, dropping, SILENCE_MS);
        await repair(near, victim);
        await cluster.saysBack(victim, cluster.now(victim));
      });
    });
  });

  test("with an MTU of 600 at both ends every line arrives", async () => {
    await everywhere(async (cluster, { near, far }) => {
      await cluster.suffers([], async () => {
        await Promise.all([near, far].map((host) => host.run("ip link set wire mtu 600")));
        await cluster.relaysToAll();
        await Bun.sleep(2 * CHECK_INTERVAL);
      });
      await cluster.suffers([], async () => {});
    });
  });
});

describe.skipIf(NO_ROUGH_WIRES !== "")(`at a trickle and busy, over a rough wire${NO_ROUGH_WIRES}`, () => {
  const onHosts = atEveryLoad((load) => startHosts(load, true), RATES);
  const everywhere = (play: (cluster: Cluster, wire: RoughWire) => Promise<void>) =>
    onHosts(async (cluster) => await play(cluster, hostsOf.get(cluster)?.wire as RoughWire));

  test("packets come later and in another order: no node is out, every line arrives", async () => {
    await everywhere(async (cluster, wire) => {
      await cluster.suffers([], async () => {
        await wire.turn("delay 40");
        await Bun.sleep(1500);
      });
      await wire.turn("clear");
    });
  });

  test("every tenth packet is lost: what was relayed and did not arrive is no more than that, and all is well afterwards", async () => {
    await everywhere(async (cluster, wire) => {
      await cluster.suffers(cluster.peers, async () => {
        await wire.turn("lose 10");
        await Bun.sleep(1500);
        await wire.turn("clear");
      });
      expect(tallied(cluster.peers)).toBeLessThan(cluster.figures.lines_relayed);
    });
  });
});

describe.skipIf(NO_NETNS !== "")(`ICMP is filtered${NO_NETNS}`, () => {
  test("a flood: ping is answered within half a second, no node is out, every datagram is accounted for", async () => {
    const host = await NetworkHost.start(atEnd);
    // No route for ICMP: nobody is ever told that a port is closed.
    await host.run("ip rule add pref 5 ipproto icmp blackhole; ip rule add pref 10 lookup local; ip rule del pref 0");
    const { inside } = host;
    const peers = await Promise.all([1, 2, 3].map(() => Peer.start({ inside, atEnd })));
    const proxy = await startInside(host, { nodes: peers.map(({ node }) => node), checkInterval: 1000 });
    const flood = await startFlood(proxy.port, "127.0.0.1", inside);
    // Nobody asks it anything for a while.
    await until("the flood", () => tallied(peers) > 10_000);
    await Bun.sleep(1500);
    for (let asked = 0; asked < 3; asked++) {
      const stalls = watchStalls([proxy.pid]);
      const askedMs = performance.now();
      expect(await host.ask(proxy, "ping")).toBe("pong\n");
      expect(performance.now() - askedMs).toBeLessThan(500 + stalls.stalledMs());
    }
    const { outcome, datagrams } = await flood.end();
    expect(outcome).toBe("ended while it was flooding");
    const figures = await until("all accounted for", async () => {
      const figures = figuresOf(await host.ask(proxy, "stats"));
      const { packets_received, kernel_drops, lines_pending } = figures;
      return packets_received + kernel_drops === datagrams && lines_pending === 0 && figures;
    });
    expect(figures).toMatchObject({ nodes_up: 3, lines_rejected: 0 });
    expect(figures.lines_accepted).toBe(figures.lines_relayed + figures.lines_dropped);
    expect(proxy.lines.filter((line) => line.includes("event=node_down"))).toEqual([]);
  });
});

function tallied(peers: readonly Peer[]): number {
  return peers.reduce((sum, { tally }) => sum + tally.lines, 0);
}

/** Frames for the host of a backend go to nobody: no answer comes, not even a refusal. */
async function blackhole(near: NetworkHost, { node }: Peer): Promise<void> {
  await near.run(`ip neigh replace ${node.host} lladdr 02:00:00:00:00:99 nud permanent dev wire`);
}

async function repair(near: NetworkHost, { node }: Peer): Promise<void> {
  await near.run(`ip neigh del ${node.host} dev wire`);
}

async function allOut(cluster: Cluster, since: Moment): Promise<void> {
  await Promise.all(cluster.peers.map((peer) => cluster.saysOut(peer, since, SILENCE_MS)));
}

async function allBack(cluster: Cluster, since: Moment, networkMs = 0): Promise<void> {
  await Promise.all(cluster.peers.map((peer) => cluster.saysBack(peer, since, networkMs)));
}
