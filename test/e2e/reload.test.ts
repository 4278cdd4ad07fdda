/** Reading the configuration again, with the compiled binary: by signal, console and file, idle and busy. */
import { describe, expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { loadFingerprint32 } from "../../src/placement/farmhash.io.ts";
import { Placement } from "../../src/placement/placement.ts";
import { ownerAt } from "../../src/placement/ring.ts";
import { type Backend, linesArrived, openBackends } from "../support/backend.ts";
import { binary } from "../support/binary.ts";
import { ask, send, stats } from "../support/client.ts";
import { emptyFolder } from "../support/folder.ts";
import { freePorts, silentSocket } from "../support/ports.ts";
import { configFile, RunningProxy, run, startProxy } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

interface Reloading {
  readonly proxy: RunningProxy;
  readonly backends: readonly Backend[];
  /** Writes the file anew, with these backends as nodes. */
  readonly write: (nodes: readonly number[], more?: object) => void;
}

async function start({ nodes = [0, 1], count = 3, args = [] as string[] } = {}): Promise<Reloading> {
  const backends = await openBackends(count);
  const folder = emptyFolder();
  const [port, managementport] = await freePorts(2);
  const settings = (nodes: readonly number[], more: object = {}) => ({
    ...{ host: "127.0.0.1", port, managementport, nodes: nodes.map((i) => backends[i].node), ...more },
  });
  const proxy = await startProxy(settings(nodes), { folder, args });
  return { proxy, backends, write: (nodes, more) => void configFile(folder, settings(nodes, more)) };
}

test("SIGHUP: the nodes are those of the file, and the log says what changed", async () => {
  const { proxy, backends, write } = await start();
  write([0, 2], { fall: 5 });
  proxy.signal("SIGHUP");
  const [, b, c] = backends.map(({ host, port }) => `${host}:${port}`);
  expect(await proxy.line("event=reloaded")).toMatch(
    new RegExp(
      ` cause=signal keys=fall nodes_added=${c} nodes_removed=${b} names_moved_percent=\\d+(\\.\\d)? hash=[0-9a-f]{12}$`,
    ),
  );
  const lines = Array.from({ length: 100 }, (_, i) => `name.${i}:1|c`);
  await send(proxy, lines);
  expect((await linesArrived([backends[0], backends[2]], 100)).sort()).toEqual(lines.sort());
  expect(backends[1].lines).toEqual([]);
});

test("the console's reload answers what changed; a bad file changes nothing, and each problem is answered", async () => {
  const { proxy, write } = await start();
  write([0]);
  expect(await ask(proxy, "reload")).toStartWith("reloaded\nnodes removed: ");
  const before = await stats(proxy);
  expect(before).toMatchObject({ config_latest: 1, "config_reloads.ok": 1, "config_reloads.failed": 0, nodes: 1 });
  write([0], { fall: 0, rise: "x" });
  const answer = await ask(proxy, "reload");
  expect(answer).toContain("\nproxy.json: fall: ");
  expect(answer).toContain("\nproxy.json: rise: ");
  await proxy.line('event=reload_failed cause=console file=proxy.json reason="fall: ');
  const after = await stats(proxy);
  expect(after).toMatchObject({ config_latest: 0, "config_reloads.failed": 1, config_hash: before.config_hash });
  expect(await ask(proxy, "status")).toContain("\nconfiguration: last reload failed: fall: ");
  expect(JSON.parse(await ask(proxy, "status json")).config).toMatchObject({
    latest: false,
    last_failure: { cause: "console", reasons: [expect.stringContaining("fall: "), expect.stringContaining("rise: ")] },
  });
  write([0]);
  await ask(proxy, "reload");
  expect(await ask(proxy, "status")).not.toContain("configuration");
  expect(JSON.parse(await ask(proxy, "status json")).config).toMatchObject({ latest: true, last_failure: null });
});

test("the hash of the file on disk is that of the configuration in force, until the file changes", async () => {
  const { proxy, write } = await start();
  const check = async () => {
    const { cwd } = proxy;
    const found = Bun.spawnSync([await binary(), "--check", "-f", "proxy.json"], { cwd });
    return Number(/config_hash (\d+)\)/.exec(found.stdout.toString())?.[1]);
  };
  expect(await check()).toBe((await stats(proxy)).config_hash);
  write([1]);
  expect(await check()).not.toBe((await stats(proxy)).config_hash);
  await ask(proxy, "reload");
  expect(await check()).toBe((await stats(proxy)).config_hash);
});

test("--check --against says what a reload would change, and changes nothing", async () => {
  const { proxy, write } = await start();
  const against = async () => {
    const command = [await binary(), "--check", "-f", "proxy.json", "--against", `${proxy.consolePort}`];
    return Bun.spawnSync(command, { cwd: proxy.cwd });
  };
  const { consolePort } = proxy;
  const notTried = "its ports were not opened: whether they are free shows when the proxy opens them\n";
  const said = (await against()).stdout.toString();
  expect(said).toBe(`a reload of 127.0.0.1:${consolePort} would change nothing\n${notTried}`);
  write([0, 1, 2], { types: ["c"] });
  const { stdout, exitCode } = await against();
  expect(stdout.toString()).toMatch(
    /\n {2}nodes added: \S+\n {2}keys changed: types\n {2}names that move: \d+\.\d%\nits ports were not opened: .*\n$/,
  );
  expect(exitCode).toBe(0);
  write([0, 1], { mirror: true });
  expect((await against()).stdout.toString()).toContain("\n  names that move: every name (mirroring begins)\n");
  expect((await stats(proxy)).nodes).toBe(2);
  proxy.signal("SIGTERM");
  await proxy.exited;
  const gone = await against();
  expect([gone.exitCode, gone.stderr.toString()]).toEqual([1, expect.stringContaining("cannot be reached")]);
});

test("--check --against something else says that it is none", async () => {
  const other = createServer((socket) => socket.on("error", () => {}).write("ERROR\n"));
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void other.close());
  const { port } = other.address() as AddressInfo;
  const folder = emptyFolder();
  const file = configFile(folder, { nodes: [{ host: "127.0.0.1", port: 8130 }] });
  expect(await run([await binary(), "--check", "-f", file, "--against", `${port}`], folder)).toEqual({
    exitCode: 1,
    stdout: "",
    stderr: `127.0.0.1:${port}: not the console of a statsd-proxy, or of one that is too old\n`,
  });
});

test("the console moves, and the reload that moved it is still answered", async () => {
  const { proxy, write } = await start();
  const [managementport] = await freePorts(1);
  write([0, 1], { managementport });
  expect(await ask(proxy, "reload")).toStartWith("reloaded\nkeys changed: managementport");
  expect(await ask({ consolePort: managementport }, "ping")).toBe("pong\n");
});

test("a configuration that came through a pipe cannot be read again, and that is the answer", async () => {
  const [backend] = await openBackends(1);
  const folder = emptyFolder();
  const [port, managementport] = await freePorts(2);
  const file = configFile(folder, { host: "127.0.0.1", port, managementport, nodes: [backend.node] });
  const typed = `exec ${await binary()} -f <(cat ${file})`;
  const proxy = new RunningProxy(["bash", "-c", typed], folder, { port, managementport });
  await proxy.line("event=listening");
  const reason = "the configuration came through a pipe: it cannot be read again";
  expect(await ask(proxy, "reload")).toMatch(
    new RegExp(`^not reloaded: the configuration is as it was\n/dev/fd/\\d+: ${reason}\n$`),
  );
  proxy.signal("SIGHUP");
  expect(await proxy.line("cause=signal")).toEndWith(` reason="${reason}"`);
});

test("a file that is gone is told as that", async () => {
  const { proxy } = await start();
  rmSync(join(proxy.cwd, "proxy.json"));
  const answer = "not reloaded: the configuration is as it was\nproxy.json: there is no configuration file any more\n";
  expect(await ask(proxy, "reload")).toBe(answer);
});

describe("--watch", () => {
  test("a file that is written anew, or replaced, is read again; a burst is one reload", async () => {
    const { proxy, write } = await start({ args: ["--watch"] });
    for (let i = 1; i <= 5; i++) write([0], { fall: i });
    expect(await proxy.line("event=reloaded")).toContain(" cause=file keys=fall ");
    write([0, 1]);
    renameSync(join(proxy.cwd, "proxy.json"), join(proxy.cwd, "other.json"));
    renameSync(join(proxy.cwd, "other.json"), join(proxy.cwd, "proxy.json"));
    await until("two reloads", () => proxy.lines.filter((line) => line.includes("event=reloaded")).length === 2);
    expect((await stats(proxy))["config_reloads.ok"]).toBe(2);
  });

  test("so is one behind a link that is swapped, as Kubernetes does", async () => {
    const backends = await openBackends(2);
    const folder = emptyFolder();
    const [port, managementport] = await freePorts(2);
    const put = (version: string, nodes: readonly Backend[]) => {
      mkdirSync(join(folder, version));
      const settings = { host: "127.0.0.1", port, managementport, nodes: nodes.map(({ node }) => node) };
      writeFileSync(join(folder, version, "proxy.json"), JSON.stringify(settings));
      symlinkSync(version, join(folder, "..data.new"));
      renameSync(join(folder, "..data.new"), join(folder, "..data"));
      if (!existsSync(join(folder, "proxy.json"))) symlinkSync("..data/proxy.json", join(folder, "proxy.json"));
    };
    put("..1", backends);
    const { startProxyWith } = await import("../support/process.ts");
    const proxy = await startProxyWith("proxy.json", { port, managementport }, { folder, args: ["--watch"] });
    put("..2", backends.slice(1));
    expect(await proxy.line("event=reloaded")).toContain(" cause=file nodes_removed=");
  });

  test("a good one that could not take over is tried again while it stays as it is", async () => {
    const { proxy, write } = await start({ args: ["--watch"] });
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    write([0], { managementport: port });
    await proxy.line("event=reload_failed cause=file");
    taken.close();
    await until("it took over", () => proxy.lines.some((line) => line.includes("event=reloaded")), 25_000);
    expect(await proxy.line("event=reloaded cause=file")).toContain(" keys=managementport ");
    expect(await ask({ consolePort: port }, "ping")).toBe("pong\n");
  });

  test("one that is touched after a failure is tried again", async () => {
    const { proxy, write } = await start({ args: ["--watch"] });
    write([0], { fall: 0 });
    await proxy.line("event=reload_failed cause=file");
    const again = new Date(Date.now() + 5000);
    utimesSync(join(proxy.cwd, "proxy.json"), again, again);
    await until("two failures", () => proxy.lines.filter((line) => line.includes("event=reload_failed")).length === 2);
  });

  test("a pipe is refused at the start", async () => {
    const folder = emptyFolder();
    const typed = `${await binary()} -f <(echo '{}') --watch`;
    const { exitCode, stderr } = await run(["bash", "-c", typed], folder);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^time=\S+ level=error event=start_failed file=\/dev\/fd\/\d+ reason="the configuration came through a pipe: it cannot be read again \(--watch\)"\n$/,
    );
  });

  test("a bad one is told once, and the good one that follows takes over", async () => {
    const { proxy, write } = await start({ args: ["--watch"] });
    write([0], { fall: 0 });
    await proxy.line("event=reload_failed cause=file");
    write([0]);
    await proxy.line("event=reloaded cause=file");
    expect(proxy.lines.filter((line) => line.includes("event=reload_failed"))).toHaveLength(1);
  });
});

test("20,000 lines a second during 20 reloads: every line is accounted for, and where one of the two files sends it", async () => {
  const { proxy, backends, write } = await start({ nodes: [0, 1, 2], count: 5 });
  const files = [
    [0, 1, 2],
    [4, 2, 3],
  ];
  const rings = files.map((nodes) => {
    const placed = nodes.map((i) => ({ label: `127.0.0.1:${backends[i].port}`, weight: 1 }));
    const placement = new Placement("farmhash", placed, loadFingerprint32());
    return (name: string) => {
      const bytes = Buffer.from(name);
      return nodes[ownerAt(placement.full, placement.position(bytes, 0, bytes.length))];
    };
  });
  const names = Array.from({ length: 500 }, (_, i) => `name.${i}`);
  const socket = await silentSocket({ connect: { hostname: "127.0.0.1", port: proxy.port } });
  let sent = 0;
  let reloads = 0;
  // Ten lines in each datagram, 20 datagrams each 10 ms: 20,000 lines a second.
  const tick = () => {
    for (let i = 0; i < 20; i++) {
      const lines = Array.from({ length: 10 }, () => `${names[sent % names.length]}:${sent++}|c`);
      if (!socket.send(lines.join("\n"))) sent -= 10;
    }
  };
  const timer = setInterval(tick, 10);
  try {
    while (reloads < 20) {
      write(files[++reloads % 2]);
      expect(await ask(proxy, "reload")).toStartWith("reloaded\nnodes added: ");
      const before = sent;
      await until("lines in between", () => sent > before);
    }
  } finally {
    clearInterval(timer);
  }
  const { lines_received, lines_relayed, lines_dropped, ...figures } = await until(
    "all are read and sent",
    async () => {
      const figures = await stats(proxy);
      const { packets_received, kernel_drops, lines_pending } = figures;
      return 10 * (packets_received + kernel_drops) === sent && lines_pending === 0 && figures;
    },
  );
  expect([lines_relayed + lines_dropped, figures.invariant_violations]).toEqual([lines_received, 0]);
  await linesArrived(backends, lines_relayed);

  const arrived = backends.map(({ lines }) => lines);
  expect(new Set(arrived.flat()).size).toBe(lines_relayed);
  expect(arrived.flat()).toHaveLength(lines_relayed);
  arrived.forEach((lines, backend) => {
    const strangers = lines.filter((line) => {
      const [name] = line.split(":");
      return rings.every((ownerOf) => ownerOf(name) !== backend);
    });
    expect(strangers).toEqual([]);
  });
  expect(lines_dropped).toBe(0);
});
