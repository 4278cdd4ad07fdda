/** Backends whose connections end: killed, resetting, flapping. Nobody asks the proxy anything meanwhile. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { endOfFile } from "../support/cleanUp.ts";
import { atEveryLoad, Cluster, OUT_MS } from "../support/faultCluster.ts";
import { EtsyPeer, type FaultyPeer, Peer } from "../support/peer.ts";
import { LINUX_ONLY } from "../support/programs.ts";

setDefaultTimeout(60_000);

const atEnd = endOfFile();

const NO_ETSY = Bun.which("node") === null ? " (skipped: there is no node here)" : "";
/** Places of the backends among the nodes. */
const [KEEPING, CLOSING, CHANGING, UNCHECKED, ETSY] = [0, 1, 2, 3, 4];
/** A node that is not checked is back when its host has been silent for so long. */
const SILENT_MS = 1200;

describe.skipIf(LINUX_ONLY !== "")(`at a trickle and busy${LINUX_ONLY}`, () => {
  const everywhere = atEveryLoad<FaultyPeer>(async (load) => {
    const manners = [{}, { manners: "closing" }, {}, { isUnchecked: true }] as const;
    const peers = manners.map((options) => Peer.start({ atEnd, ...options }));
    const etsys = NO_ETSY === "" ? [EtsyPeer.start({ atEnd })] : [];
    return await Cluster.start({ load, peers: await Promise.all([...peers, ...etsys]), atEnd });
  });

  /** `datagrams` may come before one of them finds out: only where nothing else tells. */
  const killed = async (which: number, datagrams = 0) => {
    await everywhere(async (cluster) => {
      const victim = cluster.peers[which];
      await cluster.suffers([victim], async () => {
        const killing = cluster.now();
        await victim.kill();
        await cluster.saysOut(victim, killing, OUT_MS + (1000 * datagrams) / cluster.load.datagramsPerSecond);
        await victim.restart();
        await cluster.saysBack(victim, cluster.now(victim));
      });
    });
  };

  test.each([
    ["that keeps its connections", KEEPING, 0],
    // Only a refused line tells, and one of five backends owns one of the first lines at a trickle, but not always the first.
    ["that closes each connection with its answer", CLOSING, 16],
  ])("a backend %s is killed, and is out within half a second; it returns", async (_, which, datagrams) => {
    await killed(which, datagrams);
  });

  test("a backend that is not checked is killed, and is out within half a second of the first refusal; it returns", async () => {
    await everywhere(async (cluster) => {
      const victim = cluster.peers[UNCHECKED];
      await cluster.suffers([victim], async () => {
        const killing = cluster.now();
        await victim.kill();
        await cluster.saysOut(victim, killing, OUT_MS + 16_000 / cluster.load.datagramsPerSecond);
        await victim.restart();
        await cluster.saysBack(victim, cluster.now(victim), SILENT_MS);
      });
    });
  });

  test.skipIf(NO_ETSY !== "")(`so does Etsy's statsd${NO_ETSY}`, async () => await killed(ETSY));

  test("a backend whose management port resets every connection is out within half a second", async () => {
    await everywhere(async (cluster) => {
      const victim = cluster.peers[CHANGING] as Peer;
      await cluster.suffers([victim], async () => {
        const resetting = cluster.now(victim);
        await victim.turn("resetting");
        await cluster.saysOut(victim, resetting);
        await victim.turn("up");
        await cluster.saysBack(victim, cluster.now(victim));
      });
    });
  });

  test("a backend that comes and goes every 100 ms costs the others nothing, and the log little", async () => {
    await everywhere(async (cluster) => {
      const victim = cluster.peers[CHANGING] as Peer;
      await cluster.suffers([victim], async () => {
        const flapping = cluster.now(victim);
        await victim.flap(100);
        // Whether it is out or up depends on when it is looked at.
        await Bun.sleep(2000);
        await victim.steady();
        expect(cluster.log(flapping).length).toBeLessThan(20);
      });
    });
  });
});
