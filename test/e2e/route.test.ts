/** Where lines go: through the compiled binary, to backends of this process. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Backend, linesArrived, linesOf, openBackends } from "../support/backend.ts";
import { send, stats } from "../support/client.ts";
import { HASH_RINGS } from "../support/hashrings.ts";
import { IPV6_HERE } from "../support/ports.ts";
import { startProxy } from "../support/process.ts";
import { nameOf, ownersAmong } from "../support/ring.ts";

setDefaultTimeout(30_000);

/** One line of every kind, for many names. */
const LINES = Array.from({ length: 100 }, (_, i) => [
  `web.requests.${i}:1|c`,
  `web.requests.${i}:3|c|@0.1`,
  `queue.depth.${i}:-10|g`,
  `db.query.${i}:2.5|ms|@0.5|#shard:${i},env:test`,
  `users;dc=${i}:caf\xc3\xa9:${i}|s`,
  `sizes,host=h${i}:1:2:3|h|c:in-1234|T1700000000`,
  `page/views ${i}:${i}|d`,
  `_sc|service ${i}|0|m:all is well`,
  `_e{5,4}:title ${i}|text: more|#a`,
]).flat();

/** What a line is routed by. */
function routedBy(line: string): string {
  if (line.startsWith("_sc|")) return line.split("|")[1];
  if (line.startsWith("_e{")) return line.slice(line.indexOf(":") + 1).split("|")[0];
  return nameOf(line);
}

function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** Ten lines in each datagram. */
function datagramsOf(lines: readonly string[]): Buffer[] {
  const starts = Array.from({ length: Math.ceil(lines.length / 10) }, (_, i) => i * 10);
  return starts.map((start) => bytes(lines.slice(start, start + 10).join("\n")));
}

describe.each([
  ["one line in each datagram", LINES.map(bytes)],
  ["ten lines in each datagram", datagramsOf(LINES)],
])("%s", (_, datagrams) => {
  test("every line arrives once, byte for byte, at the node that owns its name", async () => {
    const backends = await openBackends(4);
    const proxy = await startProxy({ nodes: backends.map(({ node }) => node) });
    await send(proxy, datagrams);
    expect((await linesArrived(backends, LINES.length)).sort()).toEqual([...LINES].sort());
    const owner = ownersAmong(backends);
    backends.forEach((backend, i) => {
      expect(backend.lines.length).toBeGreaterThan(0);
      expect(backend.lines.filter((line) => owner(routedBy(line)) !== i)).toEqual([]);
    });
  });

  test.each(["etsy", "ketama"] as const)("with ring %s names go where Etsy's proxy sends them", async (kind) => {
    const lines = LINES.filter((line) => !line.startsWith("_"));
    const backends = await openBackends(3);
    const proxy = await startProxy({ nodes: backends.map(({ node }) => node), ring: kind });
    await send(proxy, datagrams);
    await linesArrived(backends, LINES.length);
    const labels = backends.map(({ host, port }) => `${host}:${port}`);
    const ring = HASH_RINGS[kind](Object.fromEntries(labels.map((label) => [label, 100])));
    for (const line of lines) {
      const owner = labels.indexOf(ring.get(Buffer.from(nameOf(line), "latin1").toString("utf8")) as string);
      expect(backends[owner].lines).toContain(line);
    }
  });

  test("a mirror sends every line to every node, in order", async () => {
    const backends = await openBackends(3);
    const proxy = await startProxy({ nodes: backends.map(({ node }) => node), mirror: true });
    await send(proxy, datagrams);
    await linesArrived(backends, 3 * LINES.length);
    for (const backend of backends) expect(backend.lines).toEqual(LINES);
  });
});

test("lines of one name keep their order", async () => {
  const lines = Array.from({ length: 3000 }, (_, i) => `name${i % 7}:${i}|g`);
  const backends = await openBackends(3);
  const proxy = await startProxy({ nodes: backends.map(({ node }) => node) });
  await send(proxy, [...lines.slice(0, 500).map(bytes), ...datagramsOf(lines.slice(500))]);
  await linesArrived(backends, lines.length);
  const owner = ownersAmong(backends);
  backends.forEach((backend, i) => {
    // Stronger than promised: a node gets all its lines in order, whatever their names.
    expect(backend.lines).toEqual(lines.filter((line) => owner(nameOf(line)) === i));
  });
});

describe("packing", () => {
  const lines = Array.from({ length: 200 }, (_, i) => `packed.metric.number.${i}:${i}|c|#env:production`);

  /** The one backend of a proxy, which got `lines`. */
  async function packed(settings: object, datagrams = datagramsOf(lines), count = lines.length): Promise<Backend> {
    const [backend] = await openBackends(1);
    const proxy = await startProxy({ nodes: [backend.node], ...settings });
    await send(proxy, datagrams);
    await linesArrived([backend], count);
    const figures = await stats(proxy);
    expect(figures.datagrams_sent).toBe(backend.datagrams.length);
    expect(figures.lines_relayed).toBe(count);
    return backend;
  }

  test("by default no datagram has more than 1432 bytes, and as many lines as fit", async () => {
    const backend = await packed({}, [bytes(`${lines.join("\n")}\n`)]);
    expect(backend.lines).toEqual(lines);
    const lengths = backend.datagrams.map(({ length }) => length);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(1432);
    // To each but the last, the first line of the next one would have been too much.
    backend.datagrams.slice(1).forEach((next, i) => {
      expect(lengths[i] + 1 + next.indexOf("\n")).toBeGreaterThan(1432);
    });
  });

  test.each([512, 8932])("maxDatagramBytes %d is kept to", async (maxDatagramBytes) => {
    const backend = await packed({ maxDatagramBytes });
    expect(backend.lines).toEqual(lines);
    expect(Math.max(...backend.datagrams.map(({ length }) => length))).toBeLessThanOrEqual(maxDatagramBytes);
    expect(backend.datagrams.length).toBeLessThan(lines.length);
  });

  test("maxDatagramBytes 0: one line in each datagram, without a line end", async () => {
    const backend = await packed({ maxDatagramBytes: 0 });
    expect(backend.datagrams.map((datagram) => datagram.toString("latin1"))).toEqual(lines);
  });

  test("a line that is longer than maxDatagramBytes goes alone, and its neighbours as always", async () => {
    const long = `long.one:1|c|#${"t".repeat(2000)}`;
    const backend = await packed({}, [bytes(`before:1|c\n${long}\nafter:1|c\nlast:1|c`)], 4);
    expect(backend.datagrams.map((datagram) => datagram.toString("latin1"))).toEqual([
      "before:1|c",
      long,
      "after:1|c\nlast:1|c",
    ]);
  });
});

test("the name of a node, where it has one, places it", async () => {
  const backends = await openBackends(2);
  const names = ["alpha", "beta"];
  const settings = { nodes: backends.map(({ node }, i) => ({ ...node, name: names[i] })) };
  const [first, second] = [await startProxy(settings), await startProxy({ nodes: [...settings.nodes].reverse() })];
  await send(first, datagramsOf(LINES));
  await linesArrived(backends, LINES.length);
  const before = backends.map(({ lines }) => lines.sort());
  for (const backend of backends) backend.clear();
  // In any order of the nodes in the file.
  await send(second, datagramsOf(LINES));
  await linesArrived(backends, LINES.length);
  expect(backends.map(({ lines }) => lines.sort())).toEqual(before);
  expect(Object.keys(await stats(first))).toContain("node.alpha.lines_relayed");
});

test("what belongs to a node of greater weight is more", async () => {
  const backends = await openBackends(2);
  const nodes = backends.map(({ node }, i) => ({ ...node, name: `weighed-${i}`, weight: i === 0 ? 1 : 3 }));
  const proxy = await startProxy({ nodes });
  await send(proxy, datagramsOf(LINES));
  await linesArrived(backends, LINES.length);
  expect(backends[1].lines.length).toBeGreaterThan(2 * backends[0].lines.length);
});

test.skipIf(!IPV6_HERE)("metrics come in and go out over IPv6 (skipped where there is no ::1)", async () => {
  const [backend] = await openBackends(1, { host: "::1" });
  const proxy = await startProxy({ nodes: [backend.node], address_ipv6: true, host: "::1" });
  await send(proxy, datagramsOf(LINES), "::1");
  expect(await linesArrived([backend], LINES.length)).toEqual(LINES);
});

test("every line of a backend is whole: its datagrams hold no empty line and no line end at their ends", async () => {
  const backends = await openBackends(2);
  const proxy = await startProxy({ nodes: backends.map(({ node }) => node) });
  await send(proxy, [bytes(`${LINES.slice(0, 50).join("\n\n")}\n`), bytes(`${LINES.slice(50, 100).join("\r\n")}\r\n`)]);
  await linesArrived(backends, 100);
  expect(linesOf(backends).sort()).toEqual(LINES.slice(0, 100).sort());
});
