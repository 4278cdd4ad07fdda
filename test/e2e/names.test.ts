/** Nodes with names, as a real name server has them, and as it changes its mind. */
import { expect, setDefaultTimeout } from "bun:test";
import { join } from "node:path";
import { Backend } from "../support/backend.ts";
import { ask, send, stats } from "../support/client.ts";
import { Dnsmasq, needingDnsmasq, type Records } from "../support/dnsmasq.ts";
import { emptyFolder } from "../support/folder.ts";
import { Host } from "../support/hosts.ts";
import { configFile, type Output, type RunningProxy, run, startProxy } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const PORT = 8125;
const ROUND = 100;
const NAME = "statsd.test";
const NODE = { host: NAME, port: PORT };

needingDnsmasq("a name that does not resolve yet is a node that is down, and comes up when it does", async () => {
  const scene = await Scene.open({});
  const [backend, other] = await scene.backends("127.0.0.2", "127.0.0.3");
  const proxy = await scene.start({ nodes: [NODE, other.node] });
  const reason = 'reason="the name does not resolve (ENOTFOUND)"';
  expect(await proxy.line("event=node_down")).toContain(`node=${NAME}:${PORT} ${reason}`);
  expect(await scene.ask(proxy, "nodes")).toMatch(/ down .* the name does not resolve \(ENOTFOUND\)\n/);
  await scene.round(proxy);
  await scene.arrive([other], ROUND);
  await scene.server.say({ [NAME]: ["127.0.0.2"] });
  await proxy.line(`event=node_up node=${NAME}:${PORT}`);
  await scene.round(proxy);
  await scene.arrive([backend, other], 2 * ROUND);
  expect(backend.lines.length).toBeGreaterThan(0);
});

needingDnsmasq(
  "an address that changes moves the node without a lost line, however long answers may be kept",
  async () => {
    const scene = await Scene.open({ [NAME]: ["127.0.0.2"] });
    const backends = await scene.backends("127.0.0.2", "127.0.0.3", "::1");
    const proxy = await scene.start({ nodes: [NODE] });
    await scene.round(proxy);
    const openFiles = proxy.openFiles();
    await scene.server.say({ [NAME]: ["127.0.0.3"] });
    await proxy.line(`event=node_moved node=${NAME}:${PORT} from=127.0.0.2:${PORT} to=127.0.0.3:${PORT}`);
    await scene.round(proxy);
    await scene.server.say({ [NAME]: ["::1"] });
    await proxy.line(`from=127.0.0.3:${PORT} to=[::1]:${PORT}`);
    await scene.round(proxy);
    await scene.arrive(backends, 3 * ROUND);
    expect(backends.map(({ lines }) => lines.length)).toEqual([ROUND, ROUND, ROUND]);
    expect(await scene.stats(proxy)).toMatchObject({ lines_relayed: 3 * ROUND, lines_dropped: 0, nodes_up: 1 });
    await until("no more files than before", () => proxy.openFiles() <= openFiles);
  },
);

needingDnsmasq("a name server that hangs, is gone, or knows nothing hurts nobody", async () => {
  const scene = await Scene.open({ [NAME]: ["127.0.0.2"] });
  const [before, after] = await scene.backends("127.0.0.2", "127.0.0.3");
  const proxy = await scene.start({ nodes: [NODE] });
  scene.server.signal("SIGSTOP");
  expect(await proxy.line(`event=name_unresolved host=${NAME}`)).toContain("(ETIMEOUT)");
  expect(await scene.ask(proxy, "ping")).toBe("pong\n");
  await scene.round(proxy);
  scene.server.signal("SIGCONT");
  await proxy.line("event=name_resolved");
  await scene.server.kill();
  await proxy.line("(ECONNREFUSED)");
  await scene.round(proxy);
  await scene.server.say({});
  await scene.server.restart();
  await scene.round(proxy);
  await scene.arrive([before], 3 * ROUND);
  await scene.server.say({ [NAME]: ["127.0.0.3"] });
  await proxy.line(`to=127.0.0.3:${PORT}`);
  await scene.round(proxy);
  await scene.arrive([before, after], 4 * ROUND);
  expect(await scene.stats(proxy)).toMatchObject({ lines_dropped: 0, internal_errors: 0 });
});

needingDnsmasq(
  "a name server that hangs from the start keeps the start waiting for seconds, and no longer",
  async () => {
    const scene = await Scene.open({ [NAME]: ["127.0.0.2"] });
    const [backend, other] = await scene.backends("127.0.0.2", "127.0.0.3");
    scene.server.signal("SIGSTOP");
    const proxy = await scene.start({ nodes: [NODE, other.node] });
    await scene.round(proxy);
    await scene.arrive([other], ROUND);
    scene.server.signal("SIGCONT");
    await proxy.line("event=node_up");
    await scene.round(proxy);
    await scene.arrive([backend, other], 2 * ROUND);
  },
);

needingDnsmasq("discovered nodes come and go, IPv4 and IPv6, and proxies agree whatever they have seen", async () => {
  const first = ["127.0.0.2", "127.0.0.3"];
  const last = ["fd00::7", "127.0.0.10", "127.0.0.3"];
  const scene = await Scene.open({ [NAME]: first });
  await scene.host.ip("addr", "add", "fd00::7/128", "dev", "lo", "nodad");
  const backends = await scene.backends("127.0.0.2", "127.0.0.3", "127.0.0.10", "fd00::7");
  const settings = { nodes: [{ ...NODE, discover: true as const }], ring: "etsy" };
  const older = await scene.start(settings);
  await scene.round(older);
  await scene.server.say({ [NAME]: last });
  expect(await older.line("removed=127.0.0.2:8125")).toContain('added="127.0.0.10:8125 [fd00::7]:8125"');
  const younger = await scene.start(settings);
  const status = (proxy: RunningProxy) => scene.ask(proxy, "status").then((text) => text.split("\n")[1]);
  expect(await status(older)).toBe("nodes: 127.0.0.3:8125 127.0.0.10:8125 [fd00::7]:8125");
  expect(await status(younger)).toBe(await status(older));
  const names = Array.from({ length: 50 }, (_, i) => `name${i}`).join(" ");
  const routes = await scene.ask(older, `route ${names}`);
  expect(await scene.ask(younger, `route ${names}`)).toBe(routes);
  // And so does the command that runs no proxy.
  const { stdout } = await scene.run(["route", "-f", scene.file({ port: 9125, ...settings }), ...names.split(" ")]);
  const owners = (text: string) =>
    text
      .trim()
      .split("\n")
      .map((line) => line.split(/\s+/).slice(0, 2).join(" "));
  expect(owners(stdout)).toEqual(owners(routes).slice(1));
  await scene.round(older);
  await scene.arrive(backends, 2 * ROUND);
  const figures = await scene.stats(older);
  expect(figures.lines_relayed).toBe(2 * ROUND);
  expect(figures.lines_dropped).toBe(0);
});

needingDnsmasq("a set that shrinks to nothing at once is kept until the next answer agrees", async () => {
  const scene = await Scene.open({ [NAME]: ["127.0.0.2"] });
  await scene.backends("127.0.0.2");
  const proxy = await scene.start({ nodes: [{ ...NODE, discover: true }] });
  await scene.server.say({});
  await proxy.line(`event=name_unresolved host=${NAME}`);
  expect((await scene.stats(proxy)).nodes).toBe(1);
  await proxy.line(`event=nodes_discovered removed=127.0.0.2:${PORT} nodes=0`);
  await scene.server.say({ [NAME]: ["127.0.0.2"] });
  await proxy.line(`event=nodes_discovered added=127.0.0.2:${PORT} nodes=1`);
});

needingDnsmasq("more addresses than fit into a datagram are discovered", async () => {
  const addresses = Array.from({ length: 150 }, (_, i) => `127.1.0.${i + 1}`);
  const scene = await Scene.open({ [NAME]: addresses });
  const proxy = await scene.start({ nodes: [{ ...NODE, discover: true }] });
  expect(await proxy.line("event=nodes_discovered")).toContain("and 140 more");
  expect((await scene.stats(proxy)).nodes).toBe(150);
});

needingDnsmasq("short names and those of /etc/hosts resolve as they do for other programs", async () => {
  const scene = await Scene.open({ [NAME]: ["127.0.0.2"], "other.test": ["127.0.0.4"] }, "127.0.0.3 other.test\n");
  const backends = await scene.backends("127.0.0.2", "127.0.0.3");
  const nodes = ["statsd", "other.test", "localhost"].map((host) => ({ host, port: PORT }));
  const proxy = await scene.start({ nodes });
  const table = (await scene.ask(proxy, "nodes")).split("\n").slice(1, 4);
  expect(table.map((row) => row.split(/\s+/).slice(0, 2))).toEqual([
    ["statsd:8125", "127.0.0.2:8125"],
    ["other.test:8125", "127.0.0.3:8125"],
    ["localhost:8125", "127.0.0.1:8125"],
  ]);
  expect(backends).toHaveLength(2);
});

needingDnsmasq("--check shows the addresses of names, and warns of names that do not resolve", async () => {
  const scene = await Scene.open({
    [NAME]: ["127.0.0.2"],
    "many.test": ["127.0.0.9", "127.0.0.8", "127.0.0.7", "127.0.0.6"],
  });
  const settings = {
    port: 9125,
    nodes: [
      NODE,
      { host: "many.test", port: 1 },
      { host: "gone.test", port: 2 },
      { host: "many.test", port: 3, discover: true },
    ],
  };
  const { exitCode, stdout, stderr } = await scene.run(["--check", "-f", scene.file(settings)]);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 0,
    stderr: expect.stringMatching(/^\S+: warning: nodes\[2\]\.host: the name does not resolve \(ENOTFOUND\)\n$/),
  });
  expect(stdout).toMatch(/^ {2}statsd\.test:8125 +127\.0\.0\.2:8125 +not checked /m);
  expect(stdout).toMatch(/^ {2}many\.test:1 +127\.0\.0\.6:1 127\.0\.0\.7:1 127\.0\.0\.8:1 and 1 more +not checked /m);
  expect(stdout).toMatch(/^ {2}gone\.test:2 +no address +not checked /m);
  expect(stdout.match(/^ {2}127\.0\.0\.[6-9]:3 /gm)).toHaveLength(4);
});

/** A host with a name server, backends, and proxies that ask it. */
class Scene {
  readonly host: Host;
  readonly server: Dnsmasq;
  private readonly executable: string;
  private readonly folder = emptyFolder();

  private constructor(host: Host, server: Dnsmasq, executable: string) {
    this.host = host;
    this.server = server;
    this.executable = executable;
  }

  static async open(records: Records, hosts?: string): Promise<Scene> {
    const [host] = await Host.openTwo();
    const server = await Dnsmasq.start(host, records);
    return new Scene(host, server, await server.askingBinary(hosts));
  }

  async backends(...hosts: string[]): Promise<Backend[]> {
    const open = (host: string) => Backend.open({ host, port: PORT });
    return await this.host.inside(() => Promise.all(hosts.map(open)));
  }

  async start(settings: {
    readonly nodes: readonly { readonly host: string; readonly port: number; readonly discover?: true }[];
    readonly [key: string]: unknown;
  }): Promise<RunningProxy> {
    const { executable } = this;
    return await this.host.inside(() => startProxy({ resolveInterval: 1000, ...settings }, { executable }));
  }

  file(settings: object): string {
    return join(this.folder, configFile(this.folder, settings));
  }

  async run(args: readonly string[]): Promise<Output> {
    return await this.host.inside(() => run([this.executable, ...args], this.folder));
  }

  async ask(proxy: RunningProxy, command: string): Promise<string> {
    return await this.host.inside(() => ask(proxy, command));
  }

  async stats(proxy: RunningProxy): Promise<Record<string, number>> {
    return await this.host.inside(() => stats(proxy));
  }

  async round(proxy: RunningProxy): Promise<void> {
    const lines = Array.from({ length: ROUND }, (_, i) => `name${i}:1|c`);
    const before = (await this.stats(proxy)).lines_received;
    await this.host.inside(() => send(proxy, lines));
    await until("all are received", async () => (await this.stats(proxy)).lines_received === before + ROUND);
  }

  async arrive(backends: readonly Backend[], count: number): Promise<void> {
    await until(`${count} lines`, () => backends.reduce((sum, { lines }) => sum + lines.length, 0) >= count);
  }
}
