/** A node is drained, its backend stopped, and taken back, with the compiled binary, while lines come. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { type Backend, openBackends } from "../support/backend.ts";
import { ask, send, stats } from "../support/client.ts";
import { emptyFolder } from "../support/folder.ts";
import { startPace } from "../support/pace.ts";
import { freePorts, silentSocket } from "../support/ports.ts";
import { configFile, type RunningProxy, startProxy } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const labelOf = ({ host, port }: Backend) => `${host}:${port}`;

async function settled(proxy: RunningProxy, backends: readonly Backend[]): Promise<number> {
  return await until("all that was received to arrive", async () => {
    const { lines_received: received, lines_pending: pending } = await stats(proxy);
    const arrived = backends.reduce((sum, { lines }) => sum + lines.length, 0);
    return pending === 0 && received > 0 && arrived === received && received;
  });
}

test.each(["rehash", "hold"])("a drained node may stop, and no line is lost (failover %s)", async (failover) => {
  const backends = await openBackends(3);
  const folder = emptyFolder();
  const [port, managementport] = await freePorts(2);
  const settings = { host: "127.0.0.1", port, managementport, nodes: backends.map(({ node }) => node), failover };
  const proxy = await startProxy(settings, { folder });
  const [a] = backends;
  const label = labelOf(a);
  const lines = Array.from({ length: 300 }, (_, i) => `name.${i}:1|c`);
  // Beside a steady stream, which nobody waits for.
  const pace = await startPace(port, 5000);
  const more = async () => {
    const socket = await silentSocket({ connect: { hostname: "127.0.0.1", port } });
    for (const line of lines) {
      socket.send(line);
      if (Math.random() < 0.1) await Bun.sleep(1);
    }
    socket.close();
  };

  await more();
  await until("lines at the node", () => a.lines.length > 50);
  expect(await ask(proxy, `node ${label} drain`)).toMatch(/ drains: \d\d\.\d% of the names moved to 2 nodes\n$/);
  expect(await proxy.line("event=node_set")).toContain(
    `node=${label} from=up to=drain state=drained names_moved_percent=`,
  );
  // What was sent to it before is still on its way.
  const sentTo = await until("what was pending for it to be sent", async () => {
    const figures = await stats(proxy);
    return figures[`node.${label}.lines_pending`] === 0 && figures[`node.${label}.lines_relayed`];
  });
  await until("what it was sent", () => a.lines.length === sentTo);
  await a.close();
  await more();
  // A reload keeps an operator's word, and so does a change of the node's weight.
  configFile(folder, { ...settings, fall: 5 });
  expect(await ask(proxy, "reload")).toStartWith("reloaded\n");
  await more();
  expect((await stats(proxy))[`node.${label}.lines_relayed`]).toBe(sentTo);
  const figures = await stats(proxy);
  expect(figures).toMatchObject({ lines_dropped: 0, lines_refused: 0, nodes_up: 2 });
  expect(figures).toMatchObject({ [`node.${label}.up`]: 0, [`node.${label}.set_aside`]: 1 });
  expect(await ask(proxy, "nodes")).toMatch(new RegExp(`${label} .* drained `));
  expect(await ask(proxy, "status")).toContain(`1 of 3 nodes taken out by operators since `);

  await a.listen();
  expect(await ask(proxy, `node ${label} up`)).toMatch(/ is up: \d\d\.\d% of the names moved to it\n$/);
  await more();
  await until("lines at the node", () => a.lines.length > sentTo);
  const sent = (await pace.end()) + 4 * lines.length;
  expect(await settled(proxy, backends)).toBe(sent);
});

test("a node that is set down keeps its names with failover hold, and their lines are dropped and counted", async () => {
  const backends = await openBackends(2);
  const proxy = await startProxy({ nodes: backends.map(({ node }) => node), failover: "hold" });
  const label = labelOf(backends[0]);
  // Also for a node whose names are with the others at the moment.
  await ask(proxy, `node ${label} drain`);
  expect(await ask(proxy, `node ${label} down`)).toMatch(
    / [1-9]\d\.\d% of the names are held, and their lines dropped/,
  );
  await send(
    proxy,
    Array.from({ length: 200 }, (_, i) => `name.${i}:1|c`),
  );
  const figures = await until("all lines", async () => {
    const figures = await stats(proxy);
    return figures.lines_received === 200 && figures.lines_pending === 0 && figures;
  });
  expect(figures["lines_dropped.held"]).toBeGreaterThan(0);
  expect(figures["lines_dropped.held"] + figures.lines_relayed).toBe(200);
});

test("an operator's word that ends with its node, or with the proxy, is told", async () => {
  const backends = await openBackends(2);
  const folder = emptyFolder();
  const [port, managementport] = await freePorts(2);
  const settings = { host: "127.0.0.1", port, managementport };
  const [a, b] = backends.map(({ node }) => node);
  const proxy = await startProxy({ ...settings, nodes: [a, b] }, { folder });
  const [first, second] = backends.map(labelOf);
  await ask(proxy, `node ${first} drain`);
  await ask(proxy, `node ${second} down`);
  configFile(folder, { ...settings, nodes: [{ ...a, name: "renamed" }, b] });
  await ask(proxy, "reload");
  expect(await proxy.line("event=node_forgotten")).toContain(
    `node=${first} word=drain reason="it is no longer in the configuration"`,
  );
  proxy.signal("SIGTERM");
  await proxy.exited;
  expect(proxy.lines.filter((line) => line.includes("event=node_forgotten")).slice(1)).toEqual([
    expect.stringContaining(`node=${second} word=down reason="the proxy stops"`),
  ]);
});

test("all nodes may be drained, and the answer says that no node is left", async () => {
  const backends = await openBackends(2);
  const proxy = await startProxy({ nodes: backends.map(({ node }) => node) });
  const [a, b] = backends.map(labelOf);
  await ask(proxy, `node ${a} drain`);
  expect(await ask(proxy, `node ${b} drain`)).toContain("\nno node is left: lines are dropped until one is up\n");
  expect((await stats(proxy)).nodes_up).toBe(0);
});
