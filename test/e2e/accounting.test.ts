/** No loss is invisible: what `stats` says adds up, at every moment, and agrees with what the backends got. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { REJECT_REASONS, Verdict } from "../../src/protocol/line.ts";
import { datagram, hostileBytes } from "../support/arbitraries.ts";
import { linesArrived, openBackends } from "../support/backend.ts";
import { Client, figuresOf, send, stats } from "../support/client.ts";
import { MANNERS, ManagementPort } from "../support/management.ts";
import { naiveLines } from "../support/naiveLines.ts";
import { refusingPort, silentSocket } from "../support/ports.ts";
import { type RunningProxy, startProxy } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

type Figures = Record<string, number>;

/** The sum of the figures whose names begin so. */
function sum(figures: Figures, prefix: string): number {
  return Object.keys(figures).reduce((total, name) => total + (name.startsWith(prefix) ? figures[name] : 0), 0);
}

/** What holds at any moment of any proxy. */
function expectSums(figures: Figures, labels: readonly string[], mirror: boolean): void {
  const { lines_received, lines_rejected, lines_accepted, lines_relayed, lines_dropped, lines_pending } = figures;
  expect(lines_received).toBe(lines_rejected + lines_accepted);
  expect(sum(figures, "lines_rejected.")).toBe(lines_rejected);
  expect(sum(figures, "lines_dropped.")).toBe(lines_dropped);
  const nodes = labels.map((label) => (name: string) => figures[`node.${label}.${name}`]);
  const ofNodes = (name: string) => nodes.reduce((total, of) => total + of(name), 0);
  expect(ofNodes("lines_relayed")).toBe(lines_relayed);
  expect(ofNodes("lines_pending")).toBe(lines_pending);
  expect(ofNodes("datagrams_sent")).toBe(figures.datagrams_sent);
  expect(ofNodes("up")).toBe(figures.nodes_up);
  expect(ofNodes("lines_dropped") + figures["lines_dropped.no_live_node"]).toBe(lines_dropped);
  labels.forEach((label, i) => {
    expect(sum(figures, `node.${label}.lines_dropped.`)).toBe(nodes[i]("lines_dropped"));
    if (mirror)
      expect(nodes[i]("lines_relayed") + nodes[i]("lines_dropped") + nodes[i]("lines_pending")).toBe(lines_accepted);
  });
  if (!mirror) expect(lines_relayed + lines_dropped + lines_pending).toBe(lines_accepted);
}

/** Datagrams of every sort, the same each time. */
const DATAGRAMS = [
  ...fc.sample(datagram, { seed: 1, numRuns: 600 }),
  ...fc.sample(hostileBytes, { seed: 2, numRuns: 200 }),
].map((text) => Buffer.from(text, "latin1"));
const LINES = DATAGRAMS.flatMap((bytes) => naiveLines(bytes.toString("latin1")));
const ACCEPTED = LINES.filter(({ verdict }) => verdict === Verdict.accepted).map(({ text }) => text);

describe.each([
  ["the ring", { failover: "rehash", mirror: false }],
  ["a mirror", { failover: "rehash", mirror: true }],
  ["failover hold", { failover: "hold", mirror: false }],
])("with %s", (_, settings) => {
  test("every line is in exactly one place, also while nodes come and go", async () => {
    const backends = await openBackends(3);
    const management = new ManagementPort();
    const nodes = [{ ...backends[0].node, managementport: management.port }, backends[1].node, backends[2].node];
    const labels = nodes.map(({ host, port }) => `${host}:${port}`);
    const proxy = await startProxy({ nodes, checkInterval: 20, ...settings });

    const watching = watch(proxy, (figures) => expectSums(figures, labels, settings.mirror));
    for (let part = 0; part < DATAGRAMS.length; part += 100) {
      management.manners = part % 200 === 0 ? MANNERS.down : MANNERS.up;
      await until(
        "the node out or in",
        async () => (await stats(proxy))[`node.${labels[0]}.up`] === Number(part % 200 !== 0),
      );
      await send(proxy, DATAGRAMS.slice(part, part + 100));
    }
    expect(await watching.end()).toBeGreaterThan(10);

    // A trial for loops may hold the last ones back for a moment.
    const figures = await until("what is pending to be sent", async () => {
      const figures = await stats(proxy);
      return figures.lines_pending === 0 && figures;
    });
    expectSums(figures, labels, settings.mirror);
    expect(figures.packets_received).toBe(DATAGRAMS.length);
    expect(figures.bytes_received).toBe(DATAGRAMS.reduce((total, { length }) => total + length, 0));
    expect(figures.lines_received).toBe(LINES.length);
    expect(figures.lines_accepted).toBe(ACCEPTED.length);
    REJECT_REASONS.forEach((reason, i) => {
      const rejected = LINES.filter(({ verdict }) => verdict === i + 1).length;
      expect(rejected).toBeGreaterThan(0);
      expect(figures[`lines_rejected.${reason}`]).toBe(rejected);
    });
    const arrived = await linesArrived(backends, figures.lines_relayed);
    expect(arrived).toHaveLength(figures.lines_relayed);
    backends.forEach((backend, i) => {
      expect(backend.lines).toHaveLength(figures[`node.${labels[i]}.lines_relayed`]);
      expect(backend.datagrams).toHaveLength(figures[`node.${labels[i]}.datagrams_sent`]);
      const bytes = backend.datagrams.reduce((total, { length }) => total + length, 0);
      expect(bytes).toBe(figures[`node.${labels[i]}.bytes_sent`]);
    });
    if (settings.failover === "rehash" && !settings.mirror) expect(arrived.sort()).toEqual([...ACCEPTED].sort());
  });
});

test("each reason to reject a line shows in stats", async () => {
  const [backend] = await openBackends(1);
  const proxy = await startProxy({ nodes: [backend.node], types: ["c"] });
  await send(proxy, ["no colon", ":1|c", "x:1", "x:1|", "x:1|ms", "x:1|c"]);
  expect(await stats(proxy)).toMatchObject({
    packets_received: 6,
    lines_received: 6,
    lines_accepted: 1,
    lines_rejected: 5,
    "lines_rejected.no_colon": 1,
    "lines_rejected.empty_name": 1,
    "lines_rejected.no_pipe": 1,
    "lines_rejected.empty_type": 1,
    "lines_rejected.unknown_type": 1,
  });
  expect(await linesArrived([backend], 1)).toEqual(["x:1|c"]);
});

test("types: every type passes with *, and only the listed ones without", async () => {
  const [backend] = await openBackends(1);
  const any = await startProxy({ nodes: [backend.node], types: "*" });
  await send(any, ["x:1|whatever\nx:1|c\n_sc|x|0"]);
  expect(await linesArrived([backend], 3)).toEqual(["x:1|whatever", "x:1|c", "_sc|x|0"]);
  backend.clear();
  const some = await startProxy({ nodes: [backend.node], types: ["kv", "c"] });
  await send(some, ["x:1|kv\nx:1|whatever\nx:1|c\n_sc|x|0\nx:1|ms"]);
  expect(await linesArrived([backend], 2)).toEqual(["x:1|kv", "x:1|c"]);
  expect((await stats(some))["lines_rejected.unknown_type"]).toBe(3);
});

test("what a dead node's kernel refuses is relayed or dropped, and the refusals are counted", async () => {
  const port = await refusingPort();
  const proxy = await startProxy({ nodes: [{ host: "127.0.0.1", port }], maxDatagramBytes: 0 });
  const lines = Array.from({ length: 500 }, (_, i) => `name${i}:1|c`);
  await send(proxy, [lines.slice(0, 250).join("\n"), ...lines.slice(250)]);
  const figures = await stats(proxy);
  expectSums(figures, [`127.0.0.1:${port}`], false);
  expect(figures.lines_accepted).toBe(lines.length);
  expect(figures[`node.127.0.0.1:${port}.refusals`]).toBeGreaterThan(0);
});

test.skipIf(process.platform !== "linux")("what the kernel dropped is counted too (Linux only)", async () => {
  const [backend] = await openBackends(1);
  const proxy = await startProxy({ nodes: [backend.node], receiveBuffer: 4096 });
  const sent = 1000;
  const socket = await silentSocket({ connect: { hostname: "127.0.0.1", port: proxy.port } });
  // Stopped, it reads nothing, and its small buffer soon is full.
  proxy.signal("SIGSTOP");
  for (let i = 0; i < sent; i++) socket.send(`name${i}:1|c`);
  proxy.signal("SIGCONT");
  const { packets_received, kernel_drops } = await until("all accounted for", async () => {
    const figures = await stats(proxy);
    return figures.packets_received + figures.kernel_drops === sent && figures;
  });
  expect(kernel_drops).toBeGreaterThan(0);
  await linesArrived([backend], packets_received);
  // Only what was dropped before us is lost.
  expect(backend.lines).toHaveLength(packets_received);
  socket.close();
});

test.each(["etsy", "farmhash"])(
  "on an %s ring: the names that are cached are no more than cacheSize, and stats says how many",
  async (ring) => {
    const backends = await openBackends(2);
    const proxy = await startProxy({ nodes: backends.map(({ node }) => node), ring, cacheSize: 100 });
    const lines = Array.from({ length: 1050 }, (_, i) => `name${i}:1|c`);
    await send(proxy, lines);
    expect((await linesArrived(backends, lines.length)).sort()).toEqual(lines.sort());
    const { names_cached } = await stats(proxy);
    expect(names_cached > 0).toBe(ring === "etsy");
    expect(names_cached).toBeLessThanOrEqual(100);
  },
);

/** Asks for stats over and over, on one connection, and has each answer looked at. `end` returns how many there were. */
function watch(proxy: RunningProxy, look: (figures: Figures) => void): { end: () => Promise<number> } {
  let ended = false;
  const watching = (async () => {
    const client = await Client.open(proxy.consolePort);
    let answers = 0;
    while (!ended) {
      client.answer = "";
      client.send("stats\nping\n");
      await until("pong", () => client.answer.endsWith("pong\n"));
      look(figuresOf(client.answer.slice(0, -"pong\n".length)));
      answers++;
    }
    return answers;
  })();
  const end = () => {
    ended = true;
    return watching;
  };
  return { end };
}
