/** Console and HTTP that come, move and go, on a fake network and a manual clock. */
import { expect, onTestFinished, test } from "bun:test";
import { Engine } from "../../src/engine/engine.ts";
import { Opening } from "../../src/engine/opening.ts";
import { Operators } from "../../src/proxy/operators.ts";
import { ClusterBench, configOf, nodesOf, type Settings } from "../support/clusterBench.ts";
import { KeptLog } from "../support/logs.ts";

function bench() {
  const { platform, clock, network } = new ClusterBench();
  const config = configOf({ nodes: nodesOf([8130]) });
  const engine = new Engine({
    ...{ config, platform, hash: "none", log: new KeptLog(), debugMode: false },
    onNamesChanged: () => {},
  });
  const timersBefore = clock.timersLeft;
  const operators = new Operators({ engine, platform, file: undefined, reload: undefined });
  onTestFinished(() => {
    operators.close();
    engine.close();
  });
  const use = async (settings: Settings, connectionsMax = 10) => {
    const opening = new Opening(network);
    const next = configOf({ nodes: nodesOf([8130]), ...settings });
    await clock.until(operators.prepare(next, connectionsMax, opening));
    expect(opening.problems).toEqual([]);
    opening.commit();
  };
  return { clock, network, engine, operators, use, timersOfItsOwn: () => clock.timersLeft - timersBefore };
}

test("HTTP that moves keeps the history of the rates, which has one sample a second", async () => {
  const { clock, engine, use } = bench();
  await use({ httpport: 9125 });
  clock.advance(5500);
  const { history } = engine;
  const before = history?.since(0).next as number;
  await use({ httpport: 9126 });
  expect(engine.history).toBe(history);
  clock.advance(3000);
  expect(history?.since(0).next).toBe(before + 3);
});

test("nothing is sampled any more without HTTP", async () => {
  const { clock, engine, use, timersOfItsOwn } = bench();
  await use({ httpport: 9125 });
  expect(timersOfItsOwn()).toBe(1);
  await use({ httpport: 0 });
  clock.advance(1000);
  expect([engine.history, timersOfItsOwn()]).toEqual([undefined, 0]);
});

test("a console that moves away goes on answering for a second", async () => {
  const { clock, network, use } = bench();
  await use({ managementport: 8126 });
  const client = network.servers[0].connect();
  await use({ managementport: 8127 });
  client.send("ping\n");
  clock.advance(999);
  expect([client.text, client.isTerminated]).toEqual(["pong\n", false]);
  clock.advance(1);
  expect(client.isTerminated).toBe(true);
});

test("a console that stays has its new number of connections at once", async () => {
  const { clock, network, use } = bench();
  await use({}, 2);
  const clients = [network.servers[0].connect(), network.servers[0].connect()];
  clock.advance(1000);
  await use({}, 1);
  expect(network.servers).toHaveLength(1);
  expect(clients.map(({ isTerminated }) => isTerminated)).toEqual([true, false]);
});

test("when the proxy ends, so does every connection, and no timer is left", async () => {
  const { network, operators, use, timersOfItsOwn } = bench();
  await use({ httpport: 9125, managementport: 8126 });
  const [console, http] = network.servers;
  const clients = [console.connect(), http.connect()];
  await use({ httpport: 9125, managementport: 8127 });
  clients.push(network.servers[2].connect());
  operators.close();
  expect(clients.map(({ isTerminated }) => isTerminated)).toEqual([true, true, true]);
  expect(timersOfItsOwn()).toBe(0);
});
