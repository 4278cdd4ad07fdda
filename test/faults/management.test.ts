/** Backends that go on living and answer no check as they should; and a proxy that could not look. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { endOfFile } from "../support/cleanUp.ts";
import { atEveryLoad, Cluster, RATES } from "../support/faultCluster.ts";
import { Peer, type PeerManners } from "../support/peer.ts";
import { LINUX_ONLY } from "../support/programs.ts";

setDefaultTimeout(60_000);

const atEnd = endOfFile();

const CHECK_INTERVAL = 250;
/** Two checks must fail; each may begin an interval late, and last as long. */
const SILENCE_MS = 4 * CHECK_INTERVAL + 500;

/** An answer that is slow (peerProcess.ts) comes so long after the timeout. */
const LATE_MS = 100;

async function startPeers(count: number): Promise<Peer[]> {
  return await Promise.all(Array.from({ length: count }, () => Peer.start({ atEnd })));
}

describe.skipIf(LINUX_ONLY !== "")(`at a trickle and busy${LINUX_ONLY}`, () => {
  const everywhere = atEveryLoad(async (load) => {
    return await Cluster.start({
      load,
      peers: await startPeers(3),
      atEnd,
      settings: { checkInterval: CHECK_INTERVAL },
    });
  }, RATES);

  test("a backend that is stopped is taken out; continued, it is back", async () => {
    await everywhere(async (cluster) => {
      const [victim] = cluster.peers;
      await cluster.suffers([victim], async () => {
        const stopping = cluster.now();
        victim.signal("SIGSTOP");
        await cluster.saysOut(victim, stopping, SILENCE_MS);
        const continuing = cluster.now(victim);
        victim.signal("SIGCONT");
        await cluster.saysBack(victim, continuing);
      });
    });
  });

  test.each<[PeerManners]>([["silent"], ["endless"], ["halfOpen"], ["down"]])(
    "a backend whose management port is %s is taken out, until it answers",
    async (manners) => {
      await everywhere(async (cluster) => {
        const victim = cluster.peers[1];
        await cluster.suffers([victim], async () => {
          const turning = cluster.now(victim);
          await victim.turn(manners);
          await cluster.saysOut(victim, turning, SILENCE_MS);
          const answering = cluster.now(victim);
          await victim.turn("up");
          await cluster.saysBack(victim, answering);
        });
      });
    },
  );

  test("a backend that answers too late is taken out, and no late answer is taken for that to another question", async () => {
    await everywhere(async (cluster) => {
      const victim = cluster.peers[2];
      await cluster.suffers([victim], async () => {
        const turning = cluster.now(victim);
        await victim.turn("slow");
        await cluster.saysOut(victim, turning, SILENCE_MS);
        await Bun.sleep(6 * CHECK_INTERVAL);
        const back = cluster.log(turning).filter((line) => line.includes("event=node_up"));
        // A proxy that waits for a processor for as long as an answer is late has it in time.
        expect(back.length).toBeLessThanOrEqual(turning.stalls.stalledMs() / LATE_MS);
        const answering = cluster.now(victim);
        await victim.turn("up");
        await cluster.saysBack(victim, answering);
      });
    });
  });

  test("a proxy that was stopped for a dozen checks takes no healthy node out", async () => {
    await everywhere(async (cluster) => {
      await cluster.suffers([], async () => {
        cluster.proxy.signal("SIGSTOP");
        await Bun.sleep(12 * CHECK_INTERVAL);
        cluster.proxy.signal("SIGCONT");
      });
    });
  });
});
