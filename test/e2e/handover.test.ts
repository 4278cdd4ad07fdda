/** Several proxies at one port, and one that takes over from another: the compiled binary, under load. */
import { describe, expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { linesArrived, openBackends } from "../support/backend.ts";
import { binary } from "../support/binary.ts";
import { ask, figuresOf } from "../support/client.ts";
import { kernelDropsOf } from "../support/faultCluster.ts";
import { emptyFolder } from "../support/folder.ts";
import { PacedSender } from "../support/pacedSender.ts";
import { Peer } from "../support/peer.ts";
import { freePorts, silentSocket } from "../support/ports.ts";
import { configFile, RunningProxy, startProxy } from "../support/process.ts";
import { LINUX_ONLY } from "../support/programs.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const FLOWS = 16;
const HANDOVERS = 4;

describe.skipIf(process.platform !== "linux")(`processes at one port${LINUX_ONLY}`, () => {
  test("one takes over from the other at 10,000 datagrams/s, and every line arrives once", async () => {
    const rate = 10_000;
    const peers = [await Peer.start(), await Peer.start(), await Peer.start()];
    const nodes = peers.map(({ node }) => node);
    let current = await startProxy({ nodes, reusePort: true });
    const { port } = current;
    const sender = await PacedSender.start({ port, datagramsPerSecond: rate, linesPerDatagram: 1, flows: FLOWS });
    sender.go();

    const linesOf = () => peers.reduce((sum, { tally }) => sum + tally.lines, 0);
    const figures: Record<string, number>[] = [];
    for (let i = 0; i < HANDOVERS; i++) {
      const before = linesOf();
      await until("lines at the backends", () => linesOf() > before + rate / 10);
      const next = await startProxy({ nodes, reusePort: true, port });
      // For a while there are two.
      await until("lines through the new one", async () => figuresOf(await ask(next, "stats")).packets_received > 0);
      current.signal("SIGTERM");
      expect(await current.exited).toBe(0);
      figures.push(lastWords(await current.line("event=stopped")));
      current = next;
    }
    const sent = await sender.halt();
    const total = (name: string) => figures.reduce((sum, all) => sum + (all[name] ?? 0), 0);
    figures.push({});
    await until("all accounted for", async () => {
      figures[HANDOVERS] = figuresOf(await ask(current, "stats"));
      return total("packets_received") + total("kernel_drops") === sent && figures[HANDOVERS].lines_pending === 0;
    });
    expect(total("datagrams_unread")).toBe(0);
    expect(total("lines_relayed")).toBe(total("packets_received"));

    // A machine that stalls may overflow a buffer, which the kernel counts: nothing else is lost, and nothing comes twice.
    const drops = total("kernel_drops") + peers.reduce((sum, peer) => sum + kernelDropsOf(peer), 0);
    await until("all at the backends", () => linesOf() === sent - drops);
    let missing = 0;
    let repeated = 0;
    for (let serial = 0; serial < sent; serial++) {
      const times = peers.reduce((sum, { tally }) => sum + tally.times[serial], 0);
      if (times === 0) missing++;
      if (times > 1) repeated++;
    }
    expect({ missing, repeated, strange: peers.map(({ tally }) => tally.strange) }).toEqual({
      missing: drops,
      repeated: 0,
      strange: [0, 0, 0],
    });
  });

  test("share what comes, and agree about where it goes", async () => {
    const backends = await openBackends(3);
    const nodes = backends.map(({ node }) => node);
    const first = await startProxy({ nodes, reusePort: true });
    const second = await startProxy({ nodes, reusePort: true, port: first.port });
    const names = Array.from({ length: 200 }, (_, i) => `shared.name.${i}`);
    // Each name from many ports, so through both.
    for (let flow = 0; flow < 16; flow++) {
      const socket = await silentSocket({ connect: { hostname: "127.0.0.1", port: first.port } });
      onTestFinished(() => socket.close());
      for (const name of names) expect(socket.send(`${name}:1|c`)).toBe(true);
      await linesArrived(backends, names.length * (flow + 1));
    }
    for (const proxy of [first, second]) {
      expect(figuresOf(await ask(proxy, "stats")).packets_received).toBeGreaterThan(0);
    }
    const places = backends.map(({ lines }) => new Set(lines));
    expect(places.reduce((sum, { size }) => sum + size, 0)).toBe(names.length);
  });

  test("do not start if a port is taken that cannot be shared, and take nothing from the one that runs", async () => {
    const peer = await Peer.start();
    const nodes = [peer.node];
    const settings = { nodes, reusePort: true };
    const proxy = await startProxy(settings);
    const { port, consolePort } = proxy;
    const sender = await PacedSender.start({ port, datagramsPerSecond: 5000, linesPerDatagram: 1, flows: FLOWS });
    sender.go();
    const fails = async (more: object) => {
      const folder = emptyFolder();
      const complete = { host: "127.0.0.1", port, managementport: consolePort, ...settings, ...more };
      const other = new RunningProxy([await binary(), "-f", configFile(folder, complete)], folder, complete);
      expect(await other.exited).toBe(1);
      return other.lines;
    };
    // A name takes a while to resolve.
    expect(await fails({ managementhost: "localhost" })).toEqual([
      expect.stringMatching(
        /event=start_failed file=proxy\.json reason="managementport: localhost:\d+ is in use \(EADDRINUSE\)"$/,
      ),
    ]);
    const [free] = await freePorts(1);
    expect(await fails({ managementport: free, reusePort: false })).toEqual([
      expect.stringMatching(/event=start_failed file=proxy\.json reason="port: [\d.]+:\d+ is in use \(EADDRINUSE\)"$/),
    ]);
    const unshared = await startProxy({ nodes });
    expect(await fails({ managementport: free, port: unshared.port })).toEqual([
      expect.stringMatching(
        /event=start_failed file=proxy\.json reason="port: [\d.]+:\d+ is in use, and not shared: .* \(EADDRINUSE\)"$/,
      ),
    ]);
    const sent = await sender.halt();
    const { kernel_drops } = await until("all received", async () => {
      const figures = figuresOf(await ask(proxy, "stats"));
      return figures.packets_received + figures.kernel_drops === sent && figures;
    });
    await until("all relayed", () => peer.tally.lines === sent - kernel_drops - kernelDropsOf(peer));
  });
});

/** The figures of a line of the log. */
function lastWords(line: string): Record<string, number> {
  return Object.fromEntries([...line.matchAll(/(\w+)=(\d+)\b/g)].map(([, name, value]) => [name, Number(value)]));
}
