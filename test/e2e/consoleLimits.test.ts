/** Clients of the console that mean no good, or know no better: they are cut, it is counted, and nothing is left of them. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { CONNECTIONS_MAX } from "../../src/system/descriptors.ts";
import { Backend, linesArrived } from "../support/backend.ts";
import { ask, Client, endClients, send, stats } from "../support/client.ts";
import { type RunningProxy, startProxy } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

afterwardsAllIsWell("a megabyte without a line end", async (proxy) => {
  const client = await Client.open(proxy.consolePort);
  client.send("x".repeat(1024 * 1024));
  expect(await client.wholeAnswer()).toBe("");
  expect(await stats(proxy)).toMatchObject({ "console_cut.line_too_long": 1 });
});

afterwardsAllIsWell("a megabyte without a line end, a bit at a time", async (proxy) => {
  const client = await Client.open(proxy.consolePort);
  await until("the cut", () => {
    client.send("stats ".repeat(100));
    return client.closed;
  });
  expect(await stats(proxy)).toMatchObject({ "console_cut.line_too_long": 1 });
});

afterwardsAllIsWell("a line that is too long behind good ones", async (proxy) => {
  const client = await Client.open(proxy.consolePort);
  client.send(`ping\nping\n${"x".repeat(5000)}\nping\n`);
  await client.wholeAnswer();
  expect(await stats(proxy)).toMatchObject({ "console_cut.line_too_long": 1 });
});

afterwardsAllIsWell("stats, thousands of times, and none of it read", async (proxy) => {
  const client = await Client.open(proxy.consolePort);
  client.socket.pause();
  // More than the buffers of two kernels hold.
  client.send("stats\n".repeat(1_000_000));
  for (let i = 0; i < 20; i++) expect(await ask(proxy, "ping")).toBe("pong\n");
  client.socket.destroy();
});

afterwardsAllIsWell("stats, thousands of times, and all of it read", async (proxy) => {
  const client = await Client.open(proxy.consolePort);
  client.send(`${"stats\n".repeat(2000)}quit\n`);
  const answer = await client.wholeAnswer();
  expect(answer.match(/^time running in seconds: /gm)).toHaveLength(2000);
  expect(await stats(proxy)).toMatchObject({ "console_cut.unread": 0 });
});

afterwardsAllIsWell("stats, thousands of times in one packet: others are answered in between", async (proxy) => {
  const times = 20_000;
  const answerBytes = (await ask(proxy, "stats")).length;
  const [greedy, modest] = [await Client.open(proxy.consolePort), await Client.open(proxy.consolePort)];
  let bytes = 0;
  greedy.socket.removeAllListeners("data").on("data", (part) => {
    bytes += part.length;
  });
  greedy.send("stats\n".repeat(times));
  await until("the first answers", () => bytes > 0);
  modest.send("ping\n");
  await modest.answered("pong\n");
  expect(bytes / answerBytes).toBeLessThan(times / 4);
});

afterwardsAllIsWell("a thousand connections at once", async (proxy) => {
  const openFilesAtRest = proxy.openFiles();
  const clients = Array.from({ length: 1000 }, () => Client.begin(proxy.consolePort));
  await until("all but some closed", () => clients.filter(({ closed }) => !closed).length <= CONNECTIONS_MAX);
  expect(proxy.openFiles()).toBeLessThanOrEqual(openFilesAtRest + CONNECTIONS_MAX);
  // To ask takes the place of one more.
  const figures = await stats(proxy);
  expect(figures["console_cut.too_many"]).toBe(1000 + 1 - CONNECTIONS_MAX);
  // Those that are left are served.
  const left = clients.filter(({ closed }) => !closed);
  expect(left.length).toBeGreaterThan(CONNECTIONS_MAX / 2);
  for (const client of left) client.send("ping\n");
  await until("every pong", () => left.every(({ answer, closed }) => closed || answer === "pong\n"));
});

afterwardsAllIsWell("clients that go away in the middle", async (proxy) => {
  for (let round = 0; round < 20; round++) {
    const clients = await Promise.all(Array.from({ length: 10 }, () => Client.open(proxy.consolePort)));
    clients.forEach((client, i) => {
      if (i % 5 !== 0) client.send(["", "sta", "stats\n", "stats", "stats\nconfig\n".repeat(100)][i % 5]);
      if (i < 5) client.socket.destroy();
      else client.socket.resetAndDestroy();
    });
  }
});

afterwardsAllIsWell("clients that end their half at once, or with a command, and are answered", async (proxy) => {
  const silent = await Client.open(proxy.consolePort);
  silent.socket.end();
  expect(await silent.wholeAnswer()).toBe("");
  const asking = await Client.open(proxy.consolePort);
  asking.socket.end("ping");
  expect(await asking.wholeAnswer()).toBe("pong\n");
  const thorough = await Client.open(proxy.consolePort);
  thorough.socket.end("ping\n".repeat(1000));
  expect(await thorough.wholeAnswer()).toBe("pong\n".repeat(1000));
  const eager = await Client.open(proxy.consolePort);
  eager.socket.end("ping\nquit\nping\n");
  expect(await eager.wholeAnswer()).toBe("pong\n");
});

afterwardsAllIsWell("a command byte by byte", async (proxy) => {
  const client = await Client.open(proxy.consolePort);
  client.socket.setNoDelay(true);
  for (const byte of "ping\r\nquit\r\n") {
    client.send(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await client.wholeAnswer()).toBe("pong\n");
});

afterwardsAllIsWell("a connection stays open, and answers, as long as its client wants", async (proxy) => {
  const client = await Client.open(proxy.consolePort);
  for (let i = 1; i <= 200; i++) {
    client.send("ping\n");
    await client.answered("pong\n".repeat(i));
  }
  expect(client.closed).toBe(false);
});

/** A test of what clients do: whatever it is, afterwards the proxy answers, relays, and has no more files open than before. */
function afterwardsAllIsWell(what: string, clients: (proxy: RunningProxy) => Promise<void>): void {
  // Open files are looked up in /proc.
  test.skipIf(process.platform !== "linux")(`${what} (Linux only)`, async () => {
    const backend = await Backend.open();
    const proxy = await startProxy({ nodes: [backend.node] });
    const openFilesAtRest = proxy.openFiles();
    await clients(proxy);
    endClients();
    expect(await ask(proxy, "ping")).toBe("pong\n");
    await send(proxy, ["still.here:1|c"]);
    expect(await linesArrived([backend], 1)).toEqual(["still.here:1|c"]);
    await until("no more open files than before", () => proxy.openFiles() <= openFilesAtRest);
  });
}
