/** Few descriptors, and clients who would take them all: what nodes need is kept for them. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { Backend, linesArrived } from "../support/backend.ts";
import { binary } from "../support/binary.ts";
import { ask, send, stats } from "../support/client.ts";
import { emptyFolder } from "../support/folder.ts";
import { ManagementPort } from "../support/management.ts";
import { freePort } from "../support/ports.ts";
import { configFile, run, startProblems, startProxy } from "../support/process.ts";
import { watchStalls } from "../support/stalls.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const CLIENTS = 400;
const CHECK_INTERVAL = 200;

test.skipIf(process.platform !== "linux").each([64, 256])(
  "with %d of them 400 idle connections of HTTP and of the console cost no node and no answer (Linux only)",
  async (limit) => {
    const nodes = await Promise.all([1, 2, 3].map(checkedNode));
    const httpport = await freePort();
    const settings = { httpport, checkInterval: CHECK_INTERVAL, nodes: nodes.map(({ node }) => node) };
    const proxy = await startProxy(settings, { executable: await limited(limit) });
    const stalls = watchStalls([proxy.pid]);
    const sockets = [...connections(httpport), ...connections(proxy.consolePort)];
    const checks = () => nodes.reduce((sum, { management }) => sum + management.questions.length, 0);
    const before = checks();
    await until("connections cut", () => sockets.filter(({ destroyed }) => destroyed).length > 2 * (CLIENTS - 128));
    // Nodes are checked all the while.
    await until("more checks", () => checks() > before + 20);
    expect(await ask(proxy, "ping")).toBe("pong\n");
    expect((await fetch(`http://127.0.0.1:${httpport}/metrics`)).status).toBe(200);
    const figures = await until("all nodes", async () => {
      const figures = await stats(proxy);
      return figures.nodes_up === 3 && figures;
    });
    // Out goes only who was kept waiting for two checks, and comes back.
    const excused = 2 * Math.floor(stalls.stalledMs() / (2 * CHECK_INTERVAL));
    const changes = Object.entries(figures).filter(([name]) => name.endsWith(".state_changes"));
    for (const [name, count] of changes) expect([name, count]).toEqual([name, Math.min(count, excused)]);
    expect(figures["http_cut.too_many"]).toBeGreaterThan(CLIENTS - 129);
    expect(proxy.openFiles()).toBeLessThan(limit);
    await send(proxy, ["still.here:1|c"]);
    expect(
      await linesArrived(
        nodes.map(({ backend }) => backend),
        1,
      ),
    ).toEqual(["still.here:1|c"]);
    for (const socket of sockets) socket.destroy();
  },
);

test.skipIf(process.platform !== "linux")(
  "too few of them for the nodes end the start with what would help (Linux only)",
  async () => {
    const folder = emptyFolder();
    const nodes = Array.from({ length: 100 }, (_, i) => ({ host: "127.0.0.1", port: 20_000 + i }));
    const file = configFile(folder, { nodes, port: await freePort() });
    const problem =
      "proxy.json: nodes: a proxy with 100 nodes needs 236 open files, but the limit is 64: " +
      "raise it with ulimit -n 236, or LimitNOFILE=236 in a systemd unit";
    const started = await run([await limited(64), "-f", file, "--log", "json"], folder);
    expect({ ...started, stderr: startProblems(started.stderr) }).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: [problem],
    });
    const checked = await run([await limited(64), "-f", file, "--check"], folder);
    expect(checked).toEqual({ exitCode: 1, stdout: "", stderr: `${problem}\n` });
  },
);

async function checkedNode() {
  const backend = await Backend.open();
  const management = new ManagementPort();
  return { backend, management, node: { ...backend.node, managementport: management.port } };
}

/** The binary, with no more descriptors than `limit`. */
async function limited(limit: number): Promise<string> {
  const file = join(emptyFolder(), "limited");
  writeFileSync(file, `#!/bin/sh\nulimit -n ${limit}\nexec ${await binary()} "$@"\n`, { mode: 0o755 });
  return file;
}

function connections(port: number): Socket[] {
  return Array.from({ length: CLIENTS }, () => {
    const socket = connect({ host: "127.0.0.1", port });
    // A reset is what most of them get.
    return socket.on("error", () => {});
  });
}
