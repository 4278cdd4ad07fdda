/** `statsd-proxy healthcheck`, as container engines and orchestrators run it. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Backend } from "../support/backend.ts";
import { binary } from "../support/binary.ts";
import { ask } from "../support/client.ts";
import { emptyFolder } from "../support/folder.ts";
import { MANNERS, ManagementPort, type Manners } from "../support/management.ts";
import { freePort, IPV6_HERE } from "../support/ports.ts";
import { configFile, type Output, type RunningProxy, run, startProxy } from "../support/process.ts";
import { fullPort, RAW_PORTS_WORK } from "../support/rawPort.ts";
import { watchStalls } from "../support/stalls.ts";

setDefaultTimeout(30_000);

const NODES = [{ host: "127.0.0.1", port: 8130 }];

/** Runs `healthcheck` with a file of its own. */
async function healthcheck(settings: object, ...args: string[]): Promise<Output> {
  return (await timedHealthcheck(settings, ...args)).output;
}

/** The same, and how long it took on a machine that does nothing else. */
async function timedHealthcheck(settings: object, ...args: string[]): Promise<{ output: Output; tookMs: number }> {
  const folder = emptyFolder();
  const file = configFile(folder, { nodes: NODES, ...settings });
  const command = [await binary(), "healthcheck", "-f", file, ...args];
  let stalls = watchStalls([]);
  const beganMs = performance.now();
  const output = await run(command, folder, (pid) => {
    stalls = watchStalls([pid]);
  });
  return { output, tookMs: performance.now() - beganMs - stalls.stalledMs() };
}

async function runningProxy(settings: object = {}): Promise<RunningProxy> {
  return await startProxy({ nodes: [(await Backend.open()).node], ...settings });
}

describe("of a proxy that runs", () => {
  test("passes while its health is up, fails while it is down", async () => {
    const { consolePort } = await runningProxy();
    const managementport = consolePort;
    expect(await healthcheck({ managementport })).toEqual({ exitCode: 0, stdout: "health: up\n", stderr: "" });
    await ask({ consolePort }, "health down");
    expect(await healthcheck({ managementport })).toEqual({ exitCode: 1, stdout: "health: down\n", stderr: "" });
    await ask({ consolePort }, "health up");
    expect(await healthcheck({ managementport })).toMatchObject({ exitCode: 0 });
  });

  test("fails while no node is up, whatever was set", async () => {
    const { consolePort } = await runningProxy({ nodes: [{ host: "nowhere.invalid", port: 8130 }] });
    const down = { exitCode: 1, stdout: "health: down\n", stderr: "" };
    expect(await healthcheck({ managementport: consolePort })).toEqual(down);
    expect(await ask({ consolePort }, "health up")).toBe("health: down\nset up, but 0 of 1 nodes up\n");
    expect(await healthcheck({ managementport: consolePort }, "--alive")).toEqual({ ...down, exitCode: 0 });
  });

  test("--alive passes whatever its health is", async () => {
    const { consolePort } = await runningProxy();
    expect(await healthcheck({ managementport: consolePort }, "--alive")).toMatchObject({ exitCode: 0 });
    await ask({ consolePort }, "health down");
    expect(await healthcheck({ managementport: consolePort }, "--alive")).toEqual({
      exitCode: 0,
      stdout: "health: down\n",
      stderr: "",
    });
  });

  test("passes with the file named before the command", async () => {
    const { consolePort } = await runningProxy();
    const folder = emptyFolder();
    const file = configFile(folder, { nodes: NODES, managementport: consolePort });
    expect(await run([await binary(), "-f", file, "healthcheck"], folder)).toMatchObject({ exitCode: 0 });
  });

  test("passes at an address, whatever has become of the file since the start", async () => {
    const proxy = await runningProxy();
    const { consolePort, cwd } = proxy;
    configFile(cwd, "{ broken");
    const by = async (...args: string[]) => await run([await binary(), "healthcheck", ...args], cwd);
    expect(await by("-f", "proxy.json")).toMatchObject({ exitCode: 1, stdout: "" });
    for (const address of [`${consolePort}`, `127.0.0.1:${consolePort}`]) {
      expect(await by(address)).toEqual({ exitCode: 0, stdout: "health: up\n", stderr: "" });
    }
    await ask(proxy, "health down");
    expect(await by(`${consolePort}`)).toMatchObject({ exitCode: 1, stdout: "health: down\n" });
    expect(await by("--alive", `${consolePort}`)).toMatchObject({ exitCode: 0 });
  });

  test.each(["0.0.0.0", "localhost"])("passes where the console listens on %s", async (managementhost) => {
    const { consolePort } = await runningProxy({ managementhost });
    expect(await healthcheck({ managementhost, managementport: consolePort })).toMatchObject({ exitCode: 0 });
  });

  test.skipIf(!IPV6_HERE).each(["::", "::1", "0:0::0"])(
    `passes where the console listens on %s${IPV6_HERE ? "" : " (skipped: there is no IPv6 here)"}`,
    async (managementhost) => {
      const { consolePort } = await runningProxy({ managementhost, managementport: await freePort() });
      expect(await healthcheck({ managementhost, managementport: consolePort })).toMatchObject({ exitCode: 0 });
    },
  );
});

describe("fails", () => {
  /** What else may be found at the port, and what is said of it. */
  const FOUND: Record<string, [Manners, stdout: string, reason: string]> = {
    "something that closes": [MANNERS.closing, "", "closed without an answer"],
    "something that resets": [MANNERS.resetting, "", "ECONNRESET"],
    "something that never ends its line": [MANNERS.endless, "", "not a statsd-proxy's answer"],
    "another protocol": [MANNERS.garbage, "HTTP/1.1 400 Bad Request\\r\n", ""],
    "another health": [(client) => void client.write("health: upset\n"), "health: upset\n", ""],
    "two words of health": [
      (client) => void client.write("health: down health: up\n"),
      "health: down health: up\n",
      "",
    ],
  };

  test.each(Object.keys(FOUND))("where it finds %s", async (what) => {
    const [manners, stdout, reason] = FOUND[what];
    const { port } = new ManagementPort({ manners });
    const stderr = reason && `127.0.0.1:${port}: ${reason}\n`;
    expect(await healthcheck({ managementport: port })).toEqual({ exitCode: 1, stdout, stderr });
    expect(await healthcheck({ managementport: port }, "--alive")).toEqual({ exitCode: 1, stdout, stderr });
  });

  test("where nobody listens, and says where", async () => {
    const managementport = await freePort();
    const stderr = `127.0.0.1:${managementport}: ECONNREFUSED\n`;
    expect(await healthcheck({ managementport })).toEqual({ exitCode: 1, stdout: "", stderr });
  });

  test("at something that is no address, and says what one looks like", async () => {
    const { exitCode, stderr } = await run([await binary(), "healthcheck", "x:y"], emptyFolder());
    expect(exitCode).toBe(1);
    expect(stderr).toContain("Expected HOST:PORT or PORT.");
  });

  test("where the name of the console's host does not resolve", async () => {
    const { exitCode, stderr } = await healthcheck({ managementhost: "nowhere.invalid" });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^nowhere\.invalid:8126: (ENOTFOUND|EAI_AGAIN|no answer)\n$/);
  });

  test("with a file that the proxy would refuse, and says why", async () => {
    const { exitCode, stderr } = await healthcheck({ managementport: 0 });
    expect(exitCode).toBe(1);
    expect(stderr).toStartWith("proxy.json: managementport: expected a port from 1 to 65535, not 0\n");
  });

  test.each([
    ["is silent", () => new ManagementPort({ manners: MANNERS.silent }).port],
    ...(RAW_PORTS_WORK ? [["answers no request for a connection", fullPort] as const] : []),
  ])("within a second where the port %s", async (_, open) => {
    const managementport = open();
    let bestMs = Number.POSITIVE_INFINITY;
    // The machine may be busy with something else for once.
    for (let tries = 0; tries < 3 && bestMs >= 1000; tries++) {
      const stderr = `127.0.0.1:${managementport}: no answer\n`;
      const { output, tookMs } = await timedHealthcheck({ managementport });
      expect(output).toEqual({ exitCode: 1, stdout: "", stderr });
      bestMs = Math.min(bestMs, tookMs);
    }
    expect(bestMs).toBeLessThan(1000);
  });
});
