/** What the proxy itself is short of: descriptors, somebody who reads its log, time to read what its socket holds. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, constants, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { binary } from "../support/binary.ts";
import { endOfFile } from "../support/cleanUp.ts";
import { refusesConnections } from "../support/client.ts";
import { atEveryLoad, Cluster, RATES } from "../support/faultCluster.ts";
import { emptyFolder } from "../support/folder.ts";
import { Peer } from "../support/peer.ts";
import { freePort, freePorts, silentSocket } from "../support/ports.ts";
import { configFile, RunningProxy, type Settings, startProxy } from "../support/process.ts";
import { LINUX_ONLY } from "../support/programs.ts";
import { pacedLine } from "../support/tally.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const atEnd = endOfFile();

/** A file, or a pipe. */
const LOG = "log";

async function startPeers(): Promise<Peer[]> {
  return await Promise.all([Peer.start({ atEnd }), Peer.start({ atEnd }), Peer.start({ atEnd })]);
}

describe.skipIf(LINUX_ONLY !== "")(`few descriptors${LINUX_ONLY}`, () => {
  test.each([
    [64, 40, 60],
    [256, 130, 250],
  ])(
    "%d, with %d connections to the console and %d over HTTP: it lives, and no node is out",
    async (limit, consoles, https) => {
      const httpport = new Map<RunningProxy, number>();
      const everywhere = atEveryLoad(async (load) => {
        const port = await freePort();
        const startWith = async (settings: Settings) => {
          const proxy = await startProxy({ ...settings, httpport: port }, { atEnd, executable: await limited(limit) });
          httpport.set(proxy, port);
          return proxy;
        };
        return await Cluster.start({
          load,
          peers: await startPeers(),
          atEnd,
          startWith,
          settings: { checkInterval: 200 },
        });
      }, RATES);
      await everywhere(async (cluster) => {
        const { proxy } = cluster;
        await cluster.suffers([], async () => {
          const ports = [
            ...Array.from({ length: consoles }, () => proxy.consolePort),
            ...Array.from({ length: https }, () => httpport.get(proxy) as number),
          ];
          const idle = ports.map((port) => connect({ host: "127.0.0.1", port }).on("error", () => {}));
          // Several of whatever it does once a second.
          await Bun.sleep(2500);
          for (const socket of idle) socket.destroy();
          await cluster.hasFewFiles();
        });
      });
    },
  );
});

describe.skipIf(LINUX_ONLY !== "")(`standard error${LINUX_ONLY}`, () => {
  test("is a full pipe that nobody reads, in debug mode: every line is relayed, and it ends when it is told to", async () => {
    const everywhere = atEveryLoad(async (load) => {
      const startWith = async (settings: Settings) => await startUnheard(settings);
      return await Cluster.start({ load, peers: await startPeers(), atEnd, startWith });
    });
    await everywhere(async (cluster) => {
      const { proxy } = cluster;
      await cluster.suffers([], async () => await Bun.sleep(1000));
      proxy.signal("SIGTERM");
      expect(await proxy.exited).toBe(0);
    });
  });
});

describe.skipIf(LINUX_ONLY !== "")(`what the socket holds at SIGTERM${LINUX_ONLY}`, () => {
  test.each([
    ["without -d", [], 1],
    ["with -d", ["-d"], 1],
    ["ten lines in a datagram, with -d", ["-d"], 10],
  ])("is read, and in the last sums: %s", async (_, args, lines) => {
    const datagrams = 3000;
    const peers = await startPeers();
    const folder = emptyFolder(atEnd);
    // A file: nobody's reading is in its way.
    const proxy = await startLogging({ nodes: peers.map(({ node }) => node) }, folder, args);
    await until("it says that it listens", () => readFileSync(join(folder, LOG), "utf8").includes("event=listening"));
    const socket = await silentSocket({ connect: { hostname: "127.0.0.1", port: proxy.port } });
    proxy.signal("SIGSTOP");
    for (let serial = 0; serial < datagrams * lines; serial += lines) {
      const datagram = Array.from({ length: lines }, (_, i) => pacedLine(serial + i)).join("\n");
      if (!socket.send(datagram)) throw new Error("the sending socket is full");
    }
    socket.close();
    proxy.signal("SIGTERM");
    proxy.signal("SIGCONT");
    expect(await proxy.exited).toBe(0);
    const log = readFileSync(join(folder, LOG), "utf8");
    const stopped = /^.* event=stopped .*$/m.exec(log)?.[0] ?? "";
    const figure = (name: string) => Number(new RegExp(` ${name}=(\\d+)`).exec(stopped)?.[1]);
    // A kernel that grants less of a buffer has dropped some.
    expect(figure("packets_received") + figure("kernel_drops")).toBe(datagrams);
    if (/ event=receive_buffer .*granted=4194304$/m.test(log)) {
      expect(figure("kernel_drops")).toBe(0);
    }
    expect(figure("lines_received")).toBe(figure("packets_received") * lines);
    expect(figure("lines_relayed") + figure("lines_dropped")).toBe(figure("lines_received"));
    await until("what was relayed", () => sum(peers.map(({ tally }) => tally.lines)) === figure("lines_relayed"));
  });
});

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The binary as it is where a process may have so many descriptors. */
async function limited(descriptors: number): Promise<string> {
  const path = join(emptyFolder(atEnd), "limited");
  writeFileSync(path, `#!/bin/sh\nulimit -n ${descriptors}\nexec ${await binary()} "$@"\n`, { mode: 0o755 });
  return path;
}

/** Starts the proxy, in debug mode, with a standard error that is a full pipe. */
async function startUnheard(settings: Settings): Promise<RunningProxy> {
  const folder = emptyFolder(atEnd);
  const pipe = join(folder, LOG);
  Bun.spawnSync(["mkfifo", pipe]);
  const reader = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  atEnd(() => closeSync(reader));
  try {
    for (;;) writeSync(reader, "#".repeat(4096));
  } catch {}
  return await startLogging(settings, folder, ["-d"]);
}

/** Starts the proxy, with the file LOG of a folder as its standard error, and waits until it listens. */
async function startLogging(settings: Settings, folder: string, args: readonly string[]): Promise<RunningProxy> {
  const [port, managementport] = await freePorts(2);
  const file = configFile(folder, { host: "127.0.0.1", port, managementport, ...settings });
  const command = ["sh", "-c", `exec "$0" "$@" 2> ${LOG}`, await binary(), "-f", file, ...args];
  const proxy = new RunningProxy(command, folder, { port, managementport }, atEnd);
  // Its log is not read, and the socket for metrics is the last that it opens.
  const bound = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
  await until("it listens", () => readFileSync("/proc/net/udp", "utf8").includes(bound));
  await until("its console", async () => !(await refusesConnections(managementport)));
  return proxy;
}
