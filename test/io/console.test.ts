import { describe, expect, onTestFinished, setDefaultTimeout, spyOn, test } from "bun:test";
import type { Socket } from "bun";
import { readConfig } from "../../src/core/config.ts";
import type { Desk } from "../../src/core/console.ts";
import { Counters, type CutReason } from "../../src/core/counters.ts";
import type { View } from "../../src/core/stats.ts";
import { CONNECTIONS_MAX, Console, LINE_BYTES_MAX, UNANSWERED_BYTES_MAX } from "../../src/io/console.ts";
import { Client, refusesConnections } from "../support/client.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

/** A console of a proxy that has nothing to tell, and the reasons for which it cut connections. */
function openConsole(view: () => View = viewOfNothing): { port: number; cuts: CutReason[]; close: () => void } {
  const { config } = readConfig('{ nodes: [{ host: "127.0.0.1", port: 8130 }] }');
  if (config === undefined) throw new Error("the configuration is good");
  const memory = () => ({ heapUsedBytes: 1, heapCapacityBytes: 2, residentBytes: 3, objects: 4 });
  const desk: Desk = { config, view, memory, health: "up" };
  const cuts: CutReason[] = [];
  const console = new Console({ host: "127.0.0.1", port: 0, desk, onCut: (reason) => void cuts.push(reason) });
  onTestFinished(() => console.close());
  return { port: console.port, cuts, close: () => console.close() };
}

function viewOfNothing(): View {
  const nothing = {
    namesCached: 0,
    receiveBufferBytes: undefined,
    kernelDrops: undefined,
    eventLoopLag: undefined,
    process: { startedAtSeconds: 0, cpuSeconds: 0, residentBytes: 0, heapUsedBytes: 0 },
  };
  return { uptimeSeconds: 7.9, counters: new Counters(0), nodes: [], ...nothing };
}

const STATS_BEGIN = "time running in seconds: 7\npackets_received: 0.000000\n";

describe("a line without its end", () => {
  test.each(["ping", " ping ", "ping\r", "PING"])("%j is answered when nothing more comes", async (text) => {
    const client = await Client.open(openConsole().port);
    client.send(text);
    await client.answered("pong\n");
  });

  test("that is no command is answered too", async () => {
    const client = await Client.open(openConsole().port);
    client.send("what is this");
    await client.answered("unknown command\n");
  });

  test("that is only the beginning of a command is not taken for a line", async () => {
    const { port } = openConsole();
    const client = await Client.open(port);
    client.send("pi");
    // A whole command that came later is answered when it has paused: by then the beginning would have been, too.
    const other = await Client.open(port);
    other.send("ping");
    await other.answered("pong\n");
    expect(client.answer).toBe("");
    client.send("ng\n");
    await client.answered("pong\n");
  });

  test("that was answered is over: what comes next is a new line", async () => {
    const client = await Client.open(openConsole().port);
    client.send("ping");
    await client.answered("pong\n");
    client.send("ping");
    await client.answered("pong\npong\n");
    client.send("\nping\n");
    await client.answered("pong\npong\npong\n");
  });

  test("is answered when the client ends its half, and then the connection ends", async () => {
    const client = await Client.open(openConsole().port);
    client.socket.end("stats");
    expect(await client.wholeAnswer()).toStartWith(STATS_BEGIN);
  });
});

test("a command in any number of pieces", async () => {
  const client = await Client.open(openConsole().port);
  client.socket.setNoDelay(true);
  for (const byte of "health down\r\nhealth\nquit\n") {
    client.send(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await client.wholeAnswer()).toBe("health: down\nhealth: down\n");
});

test("an answer of megabytes arrives whole, and quit waits for its end", async () => {
  const client = await Client.open(openConsole().port);
  const times = 3000;
  client.send(`${"config\n".repeat(times)}quit\n`);
  const answer = await client.wholeAnswer();
  expect(answer.length).toBeGreaterThan(UNANSWERED_BYTES_MAX);
  expect(answer.match(/^\{$/gm)).toHaveLength(times);
  expect(answer).toEndWith("}\n");
});

test("connections do not mix", async () => {
  const { port } = openConsole();
  const clients = await Promise.all(Array.from({ length: 20 }, () => Client.open(port)));
  for (const [i, client] of clients.entries()) client.send(i % 2 === 0 ? "pi" : "what");
  for (const [i, client] of clients.entries()) client.send(i % 2 === 0 ? "ng\n" : "ever\n");
  for (const [i, client] of clients.entries()) await client.answered(i % 2 === 0 ? "pong\n" : "unknown command\n");
});

describe("limits", () => {
  test("the connection that was quiet for longest makes room for one more", async () => {
    const { port, cuts } = openConsole();
    const clients: Client[] = [];
    for (let i = 0; i < CONNECTIONS_MAX; i++) clients.push(await Client.open(port));
    clients[0].send("ping\n");
    await clients[0].answered("pong\n");
    const late = await Client.open(port);
    late.send("ping\n");
    await late.answered("pong\n");
    expect(await clients[1].wholeAnswer()).toBe("");
    expect(cuts).toEqual(["too_many"]);
    expect(clients.filter(({ closed }) => closed)).toEqual([clients[1]]);
  });

  test("a line may be as long as it may be, and no longer", async () => {
    const { port, cuts } = openConsole();
    const client = await Client.open(port);
    client.send(`${" ".repeat(LINE_BYTES_MAX - 4)}ping\n`);
    await client.answered("pong\n");
    client.send(`${" ".repeat(LINE_BYTES_MAX - 3)}ping\n`);
    expect(await client.wholeAnswer()).toBe("pong\n");
    expect(cuts).toEqual(["line_too_long"]);
  });

  test("a client that asks and does not read is cut", async () => {
    const { port, cuts } = openConsole();
    const client = await Client.open(port);
    client.socket.pause();
    await until("the cut", () => {
      client.send("config\n".repeat(1000));
      return cuts.length > 0;
    });
    expect(cuts).toEqual(["unread"]);
  });

  test("a client that reads is never idle: each sign of life puts the timeout off", async () => {
    // Bun's own timeout does not start again by itself (test/bun.test.ts), and is too long to wait for here.
    const armed: number[] = [];
    const listen = Bun.listen;
    const spy = spyOn(Bun, "listen").mockImplementation(((options: Parameters<typeof listen>[0]) => {
      const { open, ...socket } = options.socket as { open: (client: Socket) => void };
      const openWatched = (client: Socket) => {
        const timeout = client.timeout.bind(client);
        client.timeout = (seconds) => {
          armed.push(seconds);
          timeout(seconds);
        };
        open(client);
      };
      return listen({ ...options, socket: { ...socket, open: openWatched } } as typeof options);
    }) as typeof listen);
    onTestFinished(() => spy.mockRestore());
    const { port } = openConsole();
    const client = await Client.open(port);
    for (let i = 1; i <= 3; i++) {
      client.send("ping\n");
      await client.answered("pong\n".repeat(i));
    }
    expect(armed.length).toBeGreaterThanOrEqual(1 + 3);
  });
});

test("close ends the connections that are open, and nobody listens any more", async () => {
  const { port, close } = openConsole();
  const client = await Client.open(port);
  client.send("ping\n");
  await client.answered("pong\n");
  client.send("pi");
  close();
  expect(await client.wholeAnswer()).toBe("pong\n");
  expect(await refusesConnections(port)).toBe(true);
});

test("a taken port is an error with a code", async () => {
  const { port } = openConsole();
  const view = viewOfNothing;
  const memory = () => ({ heapUsedBytes: 1, heapCapacityBytes: 2, residentBytes: 3, objects: 4 });
  const config = readConfig('{ nodes: [{ host: "127.0.0.1", port: 8130 }] }').config;
  const desk = { config, view, memory, health: "up" } as Desk;
  expect(() => new Console({ host: "127.0.0.1", port, desk, onCut: () => {} })).toThrow(
    expect.objectContaining({ code: "EADDRINUSE" }),
  );
});
