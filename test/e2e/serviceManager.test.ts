/** What the compiled binary tells a service manager, by the socket that $NOTIFY_SOCKET names. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Backend, linesArrived } from "../support/backend.ts";
import { binary } from "../support/binary.ts";
import { send } from "../support/client.ts";
import { emptyFolder } from "../support/folder.ts";
import { NotifySocket } from "../support/notifySocket.ts";
import { Peer } from "../support/peer.ts";
import { freePorts } from "../support/ports.ts";
import { configFile, RunningProxy, type Settings } from "../support/process.ts";
import { LINUX_ONLY } from "../support/programs.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

interface Started {
  readonly proxy: RunningProxy;
  readonly folder: string;
  readonly settings: Settings;
}

/** Starts a proxy with such an environment; it may not listen yet. */
async function start(environment: Record<string, string>, more: Settings): Promise<Started> {
  const folder = emptyFolder();
  const [port, managementport] = await freePorts(2);
  const settings = { host: "127.0.0.1", port, managementport, ...more };
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const command = ["env", ...variables, await binary(), "-f", configFile(folder, settings)];
  return { proxy: new RunningProxy(command, folder, { port, managementport }), folder, settings };
}

/** Microseconds of the monotonic clock, to the hundredth of a second. */
function uptimeMicroseconds(): number {
  return 1e6 * Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
}

describe.skipIf(process.platform !== "linux")(`a service manager${LINUX_ONLY}`, () => {
  test.each(["path", "abstract name"])("hears of start, reload and stop (%s)", async (kind) => {
    const name = kind === "path" ? join(emptyFolder(), "notify") : `@statsd-proxy-test-${crypto.randomUUID()}`;
    const manager = new NotifySocket(name);
    const backend = await Backend.open();
    const { proxy, folder, settings } = await start({ NOTIFY_SOCKET: name }, { nodes: [backend.node] });
    const address = `127.0.0.1:${proxy.port}`;
    await manager.hears("STATUS=");
    expect(manager.messages).toEqual(["READY=1", `STATUS=1 of 1 nodes up, metrics at ${address}`]);
    await send(proxy, ["ready:1|c"]);
    await linesArrived([backend], 1);

    for (const text of [JSON.stringify({ ...settings, fall: 3 }), "{ nodes: [] }"]) {
      const { length } = manager.messages;
      const beforeUs = uptimeMicroseconds();
      configFile(folder, text);
      proxy.signal("SIGHUP");
      await manager.hears("READY=1", length);
      const [reloading, ready] = manager.messages.slice(length);
      expect(ready).toBe("READY=1");
      const [, us] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(reloading) ?? [];
      // What the kernel tells of its clock has two decimal places.
      expect(Number(us)).toBeGreaterThan(beforeUs - 20_000);
      expect(Number(us)).toBeLessThan(uptimeMicroseconds() + 20_000);
    }

    const { length } = manager.messages;
    proxy.signal("SIGTERM");
    expect(await proxy.exited).toBe(0);
    expect(manager.read().slice(length)).toEqual(["STOPPING=1\nSTATUS=stopping"]);
  });

  test("is told when a node goes down, and when it is back", async () => {
    const manager = new NotifySocket(join(emptyFolder(), "notify"));
    const peer = await Peer.start();
    await start({ NOTIFY_SOCKET: manager.name }, { nodes: [peer.node], checkInterval: 100 });
    await manager.hears("STATUS=1 of 1 nodes up");
    await peer.kill();
    await manager.hears("STATUS=0 of 1 nodes up");
    const { length } = manager.messages;
    await peer.restart();
    await manager.hears("STATUS=1 of 1 nodes up", length);
  });

  test("that watches hears from the event loop again and again, and nothing while that is stuck", async () => {
    const manager = new NotifySocket(join(emptyFolder(), "notify"));
    const backend = await Backend.open();
    const environment = { NOTIFY_SOCKET: manager.name, WATCHDOG_USEC: "40000" };
    const { proxy } = await start(environment, { nodes: [backend.node] });
    await manager.hears("READY=1");
    const beats = () => manager.read().filter((message) => message === "WATCHDOG=1").length;
    await until("a few", () => beats() >= 5);
    proxy.signal("SIGSTOP");
    await until("it is stopped", () => / T /.test(readFileSync(`/proc/${proxy.pid}/stat`, "utf8")));
    const { length } = manager.read();
    // Longer than it may be silent.
    await Bun.sleep(100);
    expect(manager.read()).toHaveLength(length);
    proxy.signal("SIGCONT");
    await manager.hears("WATCHDOG=1", length);
  });

  test("that watches another process hears nothing of the kind", async () => {
    const manager = new NotifySocket(join(emptyFolder(), "notify"));
    const backend = await Backend.open();
    const environment = { NOTIFY_SOCKET: manager.name, WATCHDOG_USEC: "1000", WATCHDOG_PID: "1" };
    const { proxy } = await start(environment, { nodes: [backend.node] });
    await manager.hears("STATUS=");
    proxy.signal("SIGTERM");
    await proxy.exited;
    expect(manager.read().filter((message) => message.startsWith("WATCHDOG"))).toEqual([]);
  });

  test("that has no time to listen hears it a little later, and holds nobody up", async () => {
    const manager = new NotifySocket(join(emptyFolder(), "notify"));
    manager.fill();
    const backend = await Backend.open();
    const { proxy } = await start({ NOTIFY_SOCKET: manager.name }, { nodes: [backend.node] });
    await proxy.line("event=listening");
    await send(proxy, ["meanwhile:1|c"]);
    expect(await linesArrived([backend], 1)).toEqual(["meanwhile:1|c"]);
    await manager.hears("READY=1");
    await manager.hears("STATUS=1 of 1 nodes up");
  });

  test.each([
    ["a path where nothing is", "/nonexistent/notify"],
    ["no path", "notify"],
    ["another kind of socket", "vsock:2:1234"],
    ["a path that is too long", `/${"x".repeat(200)}`],
    ["nothing", ""],
    ["no name", "@"],
  ])("that cannot be reached changes nothing: %s", async (_, name) => {
    const backend = await Backend.open();
    const { proxy } = await start({ NOTIFY_SOCKET: name, WATCHDOG_USEC: "1000" }, { nodes: [backend.node] });
    await proxy.line("event=listening");
    await send(proxy, ["a:1|c"]);
    expect(await linesArrived([backend], 1)).toEqual(["a:1|c"]);
    proxy.signal("SIGTERM");
    expect(await proxy.exited).toBe(0);
    expect(proxy.lines.filter((line) => line.includes("level=error"))).toEqual([]);
  });
});
