import { expect, spyOn, test } from "bun:test";
import { foresee } from "../../src/engine/foresight.ts";
import { ManualClock } from "../support/clocks.ts";
import { configOf } from "../support/clusterBench.ts";
import { FakeNetwork } from "../support/fakeNetwork.ts";

const [FAR, FURTHER, NEAR] = ["10.0.0.8", "10.0.0.9", "10.0.0.1"].map((host) => ({ host, port: 8125 }));
const NO_ROUTE = "there is no route to the address (ENETUNREACH)";

/** What is foreseen of a start with these nodes, where there is a route to one address alone. */
async function foreseen(nodes: readonly { host: string; port: number }[]) {
  const network = new FakeNetwork();
  const { connectUdp } = network;
  spyOn(network, "connectUdp").mockImplementation(async (parts) => {
    if (parts.host !== NEAR.host) throw Object.assign(new Error(), { code: "ENETUNREACH" });
    return await connectUdp.call(network, parts);
  });
  const platform = { network, clock: new ManualClock(), descriptorLimit: () => 1024 };
  const { errors, warnings } = await foresee(configOf({ nodes }), platform);
  return { errors, warnings, left: network.udp.filter(({ isClosed }) => !isClosed).length };
}

test("a node without a route would be down, which is a warning; nothing is left open", async () => {
  expect(await foreseen([NEAR, FAR])).toEqual({
    errors: [],
    warnings: [{ at: "nodes[1]", message: NO_ROUTE }],
    left: 0,
  });
});

test("without any node that has a route the proxy would not start", async () => {
  expect(await foreseen([FAR, FURTHER])).toMatchObject({
    errors: [
      { at: "nodes[0]", message: NO_ROUTE },
      { at: "nodes[1]", message: NO_ROUTE },
    ],
    warnings: [],
  });
});
