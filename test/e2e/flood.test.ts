/** More comes than a core can take: the proxy stays awake, and what is lost is counted. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { Backend } from "../support/backend.ts";
import { ask, stats } from "../support/client.ts";
import { startFlood } from "../support/flood.ts";
import { ManagementPort } from "../support/management.ts";
import { startProxy } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const LINUX = process.platform === "linux";

test.each([
  ["one source port", 1],
  ["many source ports", 4],
])(
  "a flood from %s: the console answers, checks go on and eject nobody, every line is accounted for",
  async (_, sources) => {
    const backend = await Backend.open();
    const management = new ManagementPort();
    const node = { ...backend.node, managementport: management.port };
    const proxy = await startProxy({ nodes: [node], checkInterval: 100 });
    const floods = await Promise.all(Array.from({ length: sources }, () => startFlood(proxy.port)));
    const began = await until("the flood", async () => {
      const figures = await stats(proxy);
      return figures.packets_received > 1000 && figures;
    });
    const checksOf = (figures: Record<string, number>) => figures[`node.127.0.0.1:${backend.port}.checks_passed`];
    for (let asked = 0; asked < 5; asked++) expect(await ask(proxy, "ping")).toBe("pong\n");
    await until("more checks", async () => checksOf(await stats(proxy)) >= checksOf(began) + 5);
    const ends = await Promise.all(floods.map((flood) => flood.end()));
    expect(ends.map(({ outcome }) => outcome)).toEqual(floods.map(() => "ended while it was flooding"));

    const quiet = await until("quiet", async () => {
      const [first, second] = [await stats(proxy), await stats(proxy)];
      return first.packets_received === second.packets_received && second.lines_pending === 0 && second;
    });
    expect(quiet.nodes_up).toBe(1);
    expect(quiet.lines_received).toBe(quiet.lines_accepted + quiet.lines_rejected);
    expect(quiet.lines_accepted).toBe(quiet.lines_relayed + quiet.lines_dropped);
    const sent = ends.reduce((sum, { datagrams }) => sum + datagrams, 0);
    if (LINUX) expect(quiet.packets_received + quiet.kernel_drops).toBe(sent);
  },
);

test("SIGTERM in a flood ends the proxy, with what it received accounted for", async () => {
  const backend = await Backend.open();
  const proxy = await startProxy({ nodes: [backend.node] });
  const flood = await startFlood(proxy.port);
  await until("the flood", async () => (await stats(proxy)).packets_received > 1000);
  proxy.signal("SIGTERM");
  expect(await proxy.exited).toBe(0);
  expect((await flood.end()).outcome).toBe("ended while it was flooding");
  const stopped = await proxy.line("event=stopped");
  const figure = (name: string) => Number(new RegExp(`${name}=(\\d+)`).exec(stopped)?.[1]);
  expect(figure("lines_received")).toBeGreaterThan(0);
  expect(figure("lines_relayed") + figure("lines_dropped")).toBe(figure("lines_received"));
});
