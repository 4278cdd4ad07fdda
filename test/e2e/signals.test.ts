/** Signals to the compiled binary, and what it says in debug mode. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { BURST } from "../../src/log/logLimit.ts";
import { chargedBytes } from "../../src/relay/kernelCharge.ts";
import { Backend, linesArrived, openBackends } from "../support/backend.ts";
import { binary } from "../support/binary.ts";
import { ask, refusesConnections, send, stats } from "../support/client.ts";
import { emptyFolder } from "../support/folder.ts";
import { freePorts, refusingPort, silentSocket } from "../support/ports.ts";
import { configFile, RunningProxy, startProxy } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

/** Sends that many lines without waiting for anything, and returns them. */
async function burst(proxy: RunningProxy, count: number): Promise<string[]> {
  const lines = Array.from({ length: count }, (_, i) => `burst.name.${i % 20}:${i}|c`);
  const socket = await silentSocket({ connect: { hostname: "127.0.0.1", port: proxy.port } });
  expect(lines.filter((line) => !socket.send(line))).toEqual([]);
  socket.close();
  return lines;
}

describe.each(["SIGTERM", "SIGINT"] as const)("%s", (signal) => {
  test("right behind a burst: every line arrives, exit code 0", async () => {
    const backends = await openBackends(3);
    const proxy = await startProxy({ nodes: backends.map(({ node }) => node) });
    // Few enough for a kernel buffer of any size.
    const lines = await burst(proxy, 150);
    proxy.signal(signal);
    expect(await proxy.exited).toBe(0);
    expect((await linesArrived(backends, lines.length)).sort()).toEqual(lines.sort());
    expect(await proxy.line("event=stopping")).toEndWith(`level=info event=stopping signal=${signal}`);
    // The last word on what came of it all.
    expect(await proxy.line("event=stopped")).toMatch(
      / lines_received=150 .*lines_relayed=150 lines_refused=0 lines_dropped=0\b/,
    );
  });

  test("while the kernel holds as much as its buffer takes: every line arrives, exit code 0", async () => {
    const backends = await openBackends(3);
    const proxy = await startProxy({ nodes: backends.map(({ node }) => node) });
    const room = (await stats(proxy)).receive_buffer_bytes || 212_992;
    // Stopped, it finds the signal and all of the burst at once when it goes on.
    proxy.signal("SIGSTOP");
    const lines = await burst(proxy, Math.floor((0.9 * Math.min(room, 2 ** 23)) / chargedBytes(25)));
    proxy.signal(signal);
    proxy.signal("SIGCONT");
    expect(await proxy.exited).toBe(0);
    expect((await linesArrived(backends, lines.length)).sort()).toEqual(lines.sort());
  });

  test("with nothing to do, connections open and checks under way: exit code 0, and the ports are free", async () => {
    const backend = await Backend.open();
    const proxy = await startProxy({ nodes: [{ ...backend.node, managementport: backend.port }], checkInterval: 10 });
    await stats(proxy);
    proxy.signal(signal);
    expect(await proxy.exited).toBe(0);
    expect(await refusesConnections(proxy.consolePort)).toBe(true);
    const again = await Bun.udpSocket({ hostname: "127.0.0.1", port: proxy.port, socket: { data: () => {} } });
    again.close();
  });
});

test("SIGHUP with the same file is logged, and the proxy goes on as before", async () => {
  const backend = await Backend.open();
  const proxy = await startProxy({ nodes: [backend.node] });
  await send(proxy, ["before:1|c"]);
  proxy.signal("SIGHUP");
  expect(await proxy.line("event=reloaded")).toContain("level=info event=reloaded cause=signal changed=nothing");
  await send(proxy, ["after:1|c"]);
  expect(await linesArrived([backend], 2)).toEqual(["before:1|c", "after:1|c"]);
  expect(await ask(proxy, "ping")).toBe("pong\n");
  expect((await stats(proxy)).packets_received).toBe(2);
});

describe("the log", () => {
  test("in debug mode says of each line where it goes or why not, escaped", async () => {
    const backend = await Backend.open();
    const proxy = await startProxy({ nodes: [backend.node] }, { args: ["-d"] });
    await send(proxy, [
      "plain:1|c",
      Buffer.from("red\x1b[31m:1|c|#\x00\x07\xff", "latin1"),
      "back\\slash:1|c",
      "with space:1|c\nno.colon\r\nfake\rlevel=error:1|x",
    ]);
    await proxy.line("level=error");
    const said = proxy.lines
      .filter((line) => line.includes("event=line"))
      .map((line) => line.replace(/^time=\S+ /, ""));
    const to = `to=127.0.0.1:${backend.port}`;
    expect(said).toEqual([
      `level=debug event=line line=plain:1|c ${to}`,
      `level=debug event=line line=red\\x1b[31m:1|c|#\\x00\\x07\\xff ${to}`,
      `level=debug event=line line=back\\\\slash:1|c ${to}`,
      `level=debug event=line line="with space:1|c" ${to}`,
      "level=debug event=line_rejected line=no.colon reason=no_colon",
      'level=debug event=line_rejected line="fake\\\\rlevel=error:1|x" reason=unknown_type',
    ]);
    for (const line of proxy.lines) expect(line).toMatch(/^[\x20-\x7e]*$/);
  });

  test("without debug mode has nothing to say of lines, good or bad, and checks", async () => {
    const backend = await Backend.open();
    const proxy = await startProxy({ nodes: [backend.node] });
    await send(proxy, ["plain:1|c", "no.colon"]);
    await linesArrived([backend], 1);
    proxy.signal("SIGTERM");
    await proxy.exited;
    for (const line of proxy.lines) expect(line).toMatch(/ level=(info|warn) event=(?!line|check)/);
  });

  test("is JSON if that is asked for: each line an object with time, level and event", async () => {
    const backend = await Backend.open();
    const [port, managementport] = await freePorts(2);
    const folder = emptyFolder();
    const file = configFile(folder, { nodes: [backend.node], host: "127.0.0.1", port, managementport });
    const command = [await binary(), "-f", file, "--log", "json"];
    const proxy = new RunningProxy(command, folder, { port, managementport });
    await proxy.line('"event":"listening"');
    await send(proxy, ["plain:1|c", "no.colon\x1b"]);
    proxy.signal("SIGTERM");
    await proxy.exited;
    const events = proxy.lines.map((line) => JSON.parse(line));
    for (const { time, level, event } of events) {
      expect(time).toBe(new Date(time).toISOString());
      expect([level, event]).toEqual([event === "rejecting_lines" ? "warn" : "info", expect.any(String)]);
    }
    // What was lost in the last second is told as well.
    expect(events.at(-2)).toMatchObject({ event: "rejecting_lines", lines: 1, no_colon: 1 });
    expect(events.at(-1)).toMatchObject({ event: "stopped", lines_received: 2, lines_rejected: 1, lines_relayed: 1 });
  });

  test("is silent about what is below the level that is asked for", async () => {
    const backend = await Backend.open();
    const [port, managementport] = await freePorts(2);
    const folder = emptyFolder();
    const file = configFile(folder, { nodes: [backend.node], host: "127.0.0.1", port, managementport });
    const proxy = new RunningProxy([await binary(), "-f", file, "--log-level", "warn"], folder, {
      port,
      managementport,
    });
    await until("it listens", async () => !(await refusesConnections(managementport)));
    // Who answers has heard of signals, too.
    expect(await ask(proxy, "ping")).toBe("pong\n");
    configFile(folder, "{ nodes: [] }");
    proxy.signal("SIGHUP");
    await proxy.line("level=error event=reload_failed");
    proxy.signal("SIGTERM");
    expect(await proxy.exited).toBe(0);
    expect(proxy.lines.filter((line) => !/ level=(warn|error) /.test(line))).toEqual([]);
  });

  test("of level debug is that of debug mode", async () => {
    const backend = await Backend.open();
    const proxy = await startProxy({ nodes: [backend.node] }, { args: ["--log-level", "debug"] });
    await send(proxy, ["plain:1|c"]);
    await proxy.line("level=debug event=line line=plain:1|c");
  });

  test("says when lines begin to be lost, and not each of them", async () => {
    const proxy = await startProxy({ nodes: [{ host: "127.0.0.1", port: await refusingPort() }] });
    await send(proxy, ["no.colon", "odd:1|zz", "odd:2|zz"]);
    const said = await proxy.line("event=rejecting_lines");
    expect(said).toMatch(
      / level=warn event=rejecting_lines lines=3 total=3 no_colon=1 unknown_type=2 example=no.colon from=127\.0\.0\.1:\d+$/,
    );
    await send(proxy, ["no.colon", "no.colon"]);
    proxy.signal("SIGTERM");
    await proxy.exited;
    const [, last, ...more] = proxy.lines.filter((line) => line.includes("rejecting_lines"));
    expect(last).toMatch(/ event=rejecting_lines lines=2 total=5 .*no_colon=2 /);
    expect(more).toEqual([]);
  });

  test("says a few times what happens again and again, then how often", async () => {
    const proxy = await startProxy({ nodes: [{ host: "127.0.0.1", port: await refusingPort() }] });
    // One after the other: those that come together share a reload.
    for (let i = 0; i < 12; i++) await ask(proxy, "reload");
    proxy.signal("SIGTERM");
    await proxy.exited;
    const said = proxy.lines.filter((line) => line.includes("event=reloaded"));
    expect(said).toHaveLength(BURST + 1);
    expect(said.at(-1)).toMatch(/ repeated=\d+$/);
    expect(Number(said.at(-1)?.split("=").at(-1))).toBeGreaterThan(0);
  });

  test("is logfmt: each line with time, level and event", async () => {
    const backend = await Backend.open();
    const proxy = await startProxy({ nodes: [backend.node] }, { args: ["--debug"] });
    await send(proxy, ["plain:1|c"]);
    await proxy.line("event=line ");
    for (const line of proxy.lines) {
      expect(line).toMatch(
        /^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=(debug|info|warn|error) event=\w+( \w+=.+)*$/,
      );
    }
  });
});
