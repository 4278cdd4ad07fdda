/** Files of Etsy's proxy, read by the real one and by this one beside it: every name has the same owner. */
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, udpSocket } from "bun";
import { type Backend, linesArrived, openBackends } from "../support/backend.ts";
import { endOfFile } from "../support/cleanUp.ts";
import { stats } from "../support/client.ts";
import { emptyFolder } from "../support/folder.ts";
import { MANNERS, ManagementPort } from "../support/management.ts";
import { freePorts } from "../support/ports.ts";
import { configFile, type ProxyPorts, Running, type RunningProxy, startProxyWith } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const NODE = Bun.which("node");
const BECAUSE = NODE === null ? " (skipped: there is no node here)" : "";
const PROXY = fileURLToPath(import.meta.resolve("statsd/proxy.js"));
const EXAMPLE = readFileSync(fileURLToPath(import.meta.resolve("statsd/exampleProxyConfig.js")), "utf8");
const SHIM = join(import.meta.dir, "..", "support", "statsdShim.cjs");

const NODES_MAX = 14;
const NAMES = [
  ...Array.from({ length: 120 }, (_, i) => `app.web-${i % 7}.requests.${i}`),
  ...Array.from({ length: 40 }, (_, i) => `a${"b".repeat(i)}`),
  ...["caf\u00e9", "\u65e5\u672c", "with space", "a/b\\c", "UPPER.lower", "$__proto__", "1", "-"],
];

/** Etsy's proxy and this one. */
interface Both {
  readonly its: Running;
  /** Where it takes metrics. */
  readonly itsPort: number;
  readonly ours: RunningProxy;
}

/** A node as the files name it. */
interface Place {
  readonly port: number;
  readonly adminport: number;
}

const node = ({ port, adminport }: Place, more = "", host = "127.0.0.1") =>
  `{host: '${host}', port: ${port}, adminport: ${adminport}${more}}`;

/** What such files say: of so many nodes, and where to listen. */
const FILES: Record<string, [count: number, text: (places: readonly Place[], ports: ProxyPorts) => string]> = {
  "the example that comes with it": [
    3,
    (places, { port, managementport }) => {
      let text = EXAMPLE.replace(/^port: 8125/m, `port: ${port}`).replace("8126,\n", `${managementport},\n`);
      places.forEach((place, i) => {
        text = text.replace(`port: ${8127 + 2 * i}, adminport: ${8128 + 2 * i}`, node(place).slice(20, -1));
      });
      return text;
    },
  ],
  "the least, with comments and commas": [
    7,
    (places, { port, managementport }) => `/* ours */
      { // nodes
        "nodes": [ ${places.map((place) => `${node(place)},`).join("\n")} ],
        port: ${port}, mgmt_port: ${managementport},
      }`,
  ],
  "plain JSON with mgmt_address": [
    NODES_MAX,
    (places, { port, managementport }) =>
      JSON.stringify(
        {
          nodes: places.map((place) => ({ host: "127.0.0.1", ...place })),
          port,
          mgmt_port: managementport,
          mgmt_address: "127.0.0.1",
          address: "127.0.0.1",
        },
        null,
        "\t",
      ),
  ],
  "forkCount: auto": [
    2,
    (places, { port, managementport }) =>
      `{nodes: [${places.map((place) => node(place))}], port: ${port}, mgmt_port: ${managementport}, forkCount: 'auto'}`,
  ],
  "forkCount: 3 and a small cache": [
    5,
    (places, { port, managementport }) =>
      `{nodes: [${places.map((place) => node(place))}], port: ${port}, mgmt_port: ${managementport}, forkCount: 3, cacheSize: 5}`,
  ],
  "udp_version: udp6": [
    4,
    (places, { port, managementport }) =>
      `{nodes: [${places.map((place) => node(place))}], port: ${port}, mgmt_port: ${managementport}, udp_version: 'udp6'}`,
  ],
  "host names and ports in quotes": [
    6,
    (places, { port, managementport }) => `{
      nodes: [${places.map(({ port, adminport }, i) => `{host: '${i % 2 ? "localhost" : "127.0.0.1"}', port: '${port}', adminport: '${adminport}'}`)}],
      host: '0.0.0.0', port: '${port}', mgmt_port: '${managementport}'
    }`,
  ],
  "weights that are equal": [
    13,
    (places, { port, managementport }) =>
      `{nodes: [${places.map((place) => node(place, ", weight: 100"))}], port: ${port}, mgmt_port: ${managementport}}`,
  ],
  "the last node first": [
    8,
    (places, { port, managementport }) =>
      `{port: ${port}, mgmt_port: ${managementport}, nodes: [${[...places].reverse().map((place) => node(place))}]}`,
  ],
};

const atEnd = endOfFile();

describe.skipIf(NODE === null)(`Etsy's proxy.js and this proxy with the same file${BECAUSE}`, () => {
  let backends: Backend[];
  let consoles: ManagementPort[];

  beforeAll(async () => {
    backends = await openBackends(NODES_MAX, { atEnd });
    consoles = backends.map(() => new ManagementPort({ atEnd }));
  });

  function placesOf(count: number): Place[] {
    return backends.slice(0, count).map(({ port }, i) => ({ port, adminport: consoles[i].port }));
  }

  /** Starts both, with files that say the same. */
  async function startBoth(text: (ports: ProxyPorts) => string): Promise<Both> {
    const folder = emptyFolder();
    const [port, managementport, itsPort, itsManagementport] = await freePorts(4);
    const itsFile = join(folder, configFile(folder, text({ port: itsPort, managementport: itsManagementport })));
    const its = new Running([NODE ?? "node", "--no-deprecation", "--require", SHIM, PROXY, itsFile], folder);
    await its.line("server is up");
    const ports = { port, managementport };
    const own = emptyFolder();
    const ours = await startProxyWith(configFile(own, text(ports)), ports, { folder: own });
    return { its, itsPort, ours };
  }

  /** The backend of each name, as an index, under the proxy at a port. */
  async function ownersUnder(port: number): Promise<Record<string, number>> {
    for (const backend of backends) backend.clear();
    const socket = await udpSocket({ connect: { hostname: "127.0.0.1", port }, socket: { data: () => {} } });
    for (const name of NAMES) socket.send(`${name}:1|c`);
    await linesArrived(backends, NAMES.length);
    socket.close();
    const owners: Record<string, number> = {};
    backends.forEach(({ datagrams }, i) => {
      for (const line of datagrams.flatMap((bytes) => bytes.toString("utf8").split("\n"))) {
        owners[line.slice(0, line.indexOf(":"))] = i;
      }
    });
    return owners;
  }

  /** Ports of the nodes that Etsy's proxy has taken out, once for each of its processes that has. */
  function outUnder({ lines }: Running): number[] {
    const out: number[] = [];
    for (const line of lines) {
      const [, word, port] = /(Removing|Adding) node \S+:(\d+) /.exec(line) ?? [];
      if (word === "Removing") out.push(Number(port));
      else if (word === "Adding") out.splice(out.indexOf(Number(port)), 1);
    }
    return out;
  }

  /** What must not change while owners are looked at: all that both have said of their nodes so far. */
  async function nodesUnder({ its, ours }: Both): Promise<object> {
    const figures = await stats(ours);
    const ofNodes = Object.entries(figures).filter(([name]) => name.endsWith(".state_changes"));
    const itsWords = its.lines.filter((line) => / node \S+ (from|to) the ring/.test(line)).length;
    return { itsWords, out: outUnder(its), nodesUp: figures.nodes_up, ofNodes };
  }

  /** The owners under both, from a time in which just these nodes were out: a check may be late on a busy machine. */
  async function ownersUnderBoth(both: Both, count: number, out: readonly number[]) {
    return await until(`both with ${count} nodes, without ${out.join()}`, async () => {
      const before = await nodesUnder(both);
      if (!Bun.deepEquals(before, { ...before, out, nodesUp: count - out.length })) return false;
      const owners = await ownersUnder(both.itsPort);
      const ownersHere = await ownersUnder(both.ours.port);
      return Bun.deepEquals(await nodesUnder(both), before) && { owners, ownersHere };
    });
  }

  test.each(Object.keys(FILES))("%s: every name has the same owner", async (what) => {
    const [count, text] = FILES[what];
    const both = await startBoth((ports) => text(placesOf(count), ports));
    const { owners, ownersHere } = await ownersUnderBoth(both, count, []);
    expect(Object.keys(owners)).toHaveLength(NAMES.length);
    expect(new Set(Object.values(owners)).size).toBe(count);
    expect(ownersHere).toEqual(owners);
    expect(both.ours.lines.filter((line) => line.includes("warning"))).toEqual([]);
  });

  test.each([7, 8])("of %d nodes one is down: every name has the same owner", async (count) => {
    const both = await startBoth(
      ({ port, managementport }) => `{
        nodes: [${placesOf(count).map((place) => node(place))}],
        port: ${port}, mgmt_port: ${managementport}, checkInterval: 1000
      }`,
    );
    const { owners: before } = await ownersUnderBoth(both, count, []);
    consoles[1].manners = MANNERS.down;
    try {
      const { owners, ownersHere } = await ownersUnderBoth(both, count, [backends[1].port]);
      expect(ownersHere).toEqual(owners);
      expect(Object.values(owners)).not.toContain(1);
      expect(owners).not.toEqual(before);
    } finally {
      consoles[1].manners = MANNERS.up;
    }
  });
});
