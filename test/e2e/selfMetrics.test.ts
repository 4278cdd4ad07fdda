/** The proxy's own metrics, as backends get them. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { linesOf, openBackends } from "../support/backend.ts";
import { ask, send, stats } from "../support/client.ts";
import { refusingPort } from "../support/ports.ts";
import { startProxy } from "../support/process.ts";
import { nameOf, ownersAmong } from "../support/ring.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

/** The sum of the values of a counter. */
function total(lines: readonly string[], name: string): number {
  return lines.reduce((sum, line) => sum + (nameOf(line) === name ? Number.parseInt(line.split(":")[1], 10) : 0), 0);
}

test.each([false, true])(
  "selfMetrics are sent along the normal way and counted nowhere else (mirror: %p)",
  async (mirror) => {
    const backends = await openBackends(3);
    const nodes = backends.map(({ node }) => node);
    const proxy = await startProxy({ nodes, mirror, selfMetrics: { Prefix: "px", interval: 100 } });
    await send(proxy, ["a:1|c\nb:1|c", "bad"]);
    const copies = mirror ? 3 : 1;
    await until("what was counted", () => total(linesOf(backends), "px.lines_received") === 3 * copies);
    await until("something at each", () => backends.every(({ lines }) => lines.length > 0));
    const owner = ownersAmong(backends);
    for (const [i, backend] of backends.entries()) {
      if (!mirror) for (const line of backend.lines) expect(owner(nameOf(line))).toBe(i);
    }
    for (const line of linesOf(backends)) expect(line).toMatch(/^([ab]:1\|c|px\.[\w.]+:\d+(\.\d+)?\|[cg])$/);
    expect(await stats(proxy)).toMatchObject({
      packets_received: 2,
      lines_received: 3,
      lines_rejected: 1,
      lines_accepted: 2,
      lines_relayed: 2 * copies,
      lines_dropped: 0,
      lines_pending: 0,
    });
    // The last word is sent at the end.
    await send(proxy, ["c:1|c"]);
    proxy.signal("SIGTERM");
    expect(await proxy.exited).toBe(0);
    await until("the last", () => total(linesOf(backends), "px.lines_relayed") === 3 * copies * copies);
  },
);

test("selfMetrics go by the routes of the moment", async () => {
  const [backend] = await openBackends(1);
  const dead = await refusingPort();
  const nodes = [backend.node, { host: "127.0.0.1", port: dead, managementport: dead }];
  const proxy = await startProxy({ nodes, checkInterval: 10, selfMetrics: { interval: 100 } });
  await until("the dead node is out", async () => (await stats(proxy)).nodes_up === 1);
  backend.clear();
  const names = Object.keys(await stats(proxy)).filter((name) => /^lines_/.test(name));
  const arrived = () => new Set(backend.lines.map(nameOf));
  await until("all of them", () => names.every((name) => arrived().has(`statsd_proxy.${name}`)));
  expect(await stats(proxy)).toMatchObject({ lines_received: 0, lines_relayed: 0, lines_dropped: 0 });
});

test("without selfMetrics there are none", async () => {
  const [backend] = await openBackends(1);
  const proxy = await startProxy({ nodes: [backend.node] });
  expect(JSON.parse(await ask(proxy, "config")).selfMetrics).toBeUndefined();
  proxy.signal("SIGTERM");
  await proxy.exited;
  expect(backend.lines).toEqual([]);
});
