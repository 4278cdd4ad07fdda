import { describe, expect, onTestFinished, setDefaultTimeout, spyOn, test } from "bun:test";
import { readdirSync } from "node:fs";
import type { Socket } from "bun";
import { LINE_BYTES_MAX } from "../../src/console/session.ts";
import { bunNetwork } from "../../src/net/bunNetwork.io.ts";
import type { Network } from "../../src/net/network.ts";
import { ANSWERED_MS, INPUT_BYTES_MAX } from "../../src/server/tcpServer.ts";
import { CONNECTIONS_MAX } from "../../src/system/descriptors.ts";
import { Client, endClients, refusesConnections } from "../support/client.ts";
import { openConsole } from "../support/console.ts";
import { silentSocket } from "../support/ports.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

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

  test("is not taken for a line when its rest has come, but nobody had time to read it", async () => {
    const { port } = openConsole();
    const client = await Client.open(port);
    client.socket.setNoDelay(true);
    client.send("health");
    await Bun.sleep(10);
    // Within the event of a socket: the timer of the pause is due when it ends, and comes before the next socket.
    const late = Promise.withResolvers<void>();
    const waker = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: {
        data: () => {
          client.send(" down\nquit\n");
          Bun.sleepSync(100);
          late.resolve();
        },
      },
    });
    const sender = await silentSocket({ connect: { hostname: "127.0.0.1", port: waker.port } });
    sender.send("now");
    await late.promise;
    sender.close();
    waker.close();
    expect(await client.wholeAnswer()).toBe("health: down\n");
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
  expect(answer.length).toBeGreaterThan(10 * INPUT_BYTES_MAX);
  expect(answer.match(/^\{$/gm)).toHaveLength(times);
  expect(answer).toEndWith("}\n");
});

test.each([
  "POST / HTTP/1.1\r\nHost: 127.0.0.1:8126\r\nContent-Length: 12\r\n\r\nhealth down\n",
  "GET /health HTTP/1.0\nhealth down\n",
  "PRI * HTTP/2\r\nhealth down\n",
  "GET /\r\nhost: 127.0.0.1:8126\r\nhealth down\n",
])("an HTTP client is cut before any of its lines is a command: %j", async (request) => {
  const { port, cuts } = openConsole();
  const client = await Client.open(port);
  client.send(request);
  expect(await client.wholeAnswer()).not.toContain("health");
  expect(cuts).toEqual(["http"]);
  const other = await Client.open(port);
  other.send("health\n");
  await other.answered("health: up\n");
});

test.each(["route xHTTP/1.1", "route hosts:1|c", "tap host: 5", 'route "GET / HTTP/1.1"', "hostname"])(
  "%j is a line like any other",
  async (line) => {
    const { port, cuts } = openConsole();
    const client = await Client.open(port);
    client.send(`${line}\n\nping\nquit\n`);
    expect(await client.wholeAnswer()).toEndWith("pong\n");
    expect(cuts).toEqual([]);
  },
);

test("connections do not mix", async () => {
  const { port } = openConsole();
  const clients = await Promise.all(Array.from({ length: 20 }, () => Client.open(port)));
  for (const [i, client] of clients.entries()) client.send(i % 2 === 0 ? "pi" : "what");
  for (const [i, client] of clients.entries()) client.send(i % 2 === 0 ? "ng\n" : "ever\n");
  for (const [i, client] of clients.entries()) await client.answered(i % 2 === 0 ? "pong\n" : "unknown command\n");
});

test("an error of the program's own is told, ends its connection, and no other", async () => {
  const memory = () => {
    throw new Error("no descriptor left");
  };
  const { port, errors, cuts } = openConsole({ memory });
  const [one, other] = [await Client.open(port), await Client.open(port)];
  one.send("ping\nmemstats\nping\n");
  expect(await one.wholeAnswer()).toBe("pong\n");
  other.send("ping\n");
  await other.answered("pong\n");
  expect(errors.map(({ message }) => message)).toEqual(["no descriptor left"]);
  expect(cuts).toEqual([]);
});

describe("limits", () => {
  test("a connection that has ended takes nobody's place", async () => {
    const { port, cuts } = openConsole({ connectionsMax: 2 });
    for (let i = 0; i < 5; i++) {
      const client = await Client.open(port);
      client.send("quit\n");
      await client.wholeAnswer();
    }
    const clients = [await Client.open(port), await Client.open(port), await Client.open(port)];
    expect(await clients[0].wholeAnswer()).toBe("");
    expect(cuts).toEqual(["too_many"]);
  });

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

  test("one that has just begun does not make room, though all others have spoken since", async () => {
    const { port, cuts } = openConsole();
    const talkers: Client[] = [];
    for (let i = 1; i < CONNECTIONS_MAX; i++) talkers.push(await Client.open(port));
    await Bun.sleep(ANSWERED_MS);
    const modest = await Client.open(port);
    for (const talker of talkers) talker.send("ping\n");
    for (const talker of talkers) await talker.answered("pong\n");
    await Client.open(port);
    await until("the cut", () => cuts.length > 0);
    modest.send("ping\n");
    await modest.answered("pong\n");
    expect(cuts).toEqual(["too_many"]);
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

  // A console has a fifth of the time, so what counts is length, not number: 200,000 times ping took 16 s to half a
  // minute when other suites ran.
  const ASKED = 4000;
  const LONG = 100;
  /** Who reads nothing for four seconds is cut; on a busy machine the test itself takes as long to read on. */
  const patient: Network = {
    ...bunNetwork,
    listenTcp: ({ socket, ...options }) =>
      bunNetwork.listenTcp({ ...options, socket: { ...socket, timeout: () => {} } }),
  };

  test("of a client that asks and does not read no more is read; when it does it gets every answer", async () => {
    const { port, cuts } = openConsole({ network: patient });
    const once = await Client.open(port);
    once.send("help\nquit\n");
    const help = await once.wholeAnswer();
    const client = await Client.open(port);
    client.socket.pause();
    client.send(
      "help"
        .padEnd(LONG - 1)
        .concat("\n")
        .repeat(ASKED),
    );
    const other = await Client.open(port);
    for (let i = 1; i <= 100; i++) {
      other.send("ping\n");
      await other.answered("pong\n".repeat(i));
    }
    client.socket.resume();
    await until("every answer", () => client.answer.length >= help.length * ASKED);
    expect(client.answer).toBe(help.repeat(ASKED));
    expect(cuts).toEqual([]);
  });

  test("for a client that does not read answers are not made", async () => {
    let made = 0;
    const memory = () => ({ heapUsedBytes: ++made, heapCapacityBytes: 2, residentBytes: 3, objects: 4 });
    const { port, cuts } = openConsole({ memory, network: patient });
    const client = await Client.open(port);
    client.socket.pause();
    // Much is said between two of those that are counted.
    client.send("help\nmemstats\n".repeat(ASKED));
    let before = 0;
    await until("no more", async () => {
      before = made;
      await Bun.sleep(200);
      return made > 0 && made === before;
    });
    expect(made).toBeLessThan(ASKED / 2);
    client.socket.resume();
    await until("the rest", () => made === ASKED);
    expect(cuts).toEqual([]);
  });

  test.skipIf(process.platform !== "linux")(
    "clients that ask, do not read, and are gone leave nothing open (Linux only)",
    async () => {
      const { port } = openConsole();
      const before = openFiles();
      for (let i = 0; i < 20; i++) {
        const client = await Client.open(port);
        client.socket.pause();
        client.send("config\n".repeat(100_000));
      }
      await until("their connections", () => openFiles() >= before + 2 * 20);
      endClients();
      await until("the end of all", () => openFiles() <= before, 20_000);
    },
  );

  test("of clients that do not read and hold too much together the one that holds most is cut", async () => {
    const { port, cuts } = openConsole();
    const quiet = await Client.open(port);
    for (let i = 0; i < CONNECTIONS_MAX - 2; i++) {
      const client = await Client.open(port);
      client.socket.pause();
      client.send("help\n".repeat(100_000));
    }
    await until("a cut", () => cuts.length > 0);
    expect(new Set(cuts)).toEqual(new Set(["unread"]));
    quiet.send("ping\n");
    await quiet.answered("pong\n");
    const late = await Client.open(port);
    late.send("ping\n");
    await late.answered("pong\n");
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

describe("a stream behind an answer", () => {
  const FIRST = "# up to 100 lines in 60 s; an empty line stops it\n";

  /** Streams that go on until they are told to end, by whoever. */
  class Streams {
    readonly writes: ((text: string) => boolean)[] = [];
    readonly ends: ((last: string) => void)[] = [];
    stopped = 0;

    open() {
      return {
        isTap: true,
        begin: (write: (text: string) => boolean, end: (last: string) => void) => {
          this.writes.push(write);
          this.ends.push(end);
        },
        stop: () => {
          this.stopped++;
          return "stopped\n";
        },
      };
    }
  }

  async function streaming(commands: string) {
    const streams = new Streams();
    const console = openConsole({ tap: () => streams.open() });
    const client = await Client.open(console.port);
    client.send(commands);
    await until("the stream", () => streams.writes.length === 1);
    return { streams, client, console };
  }

  test("comes by and by, and commands wait for its end", async () => {
    const { streams, client } = await streaming("tap\nping\n");
    await client.answered(FIRST);
    expect(streams.writes[0]("one\n")).toBe(true);
    await client.answered(`${FIRST}one\n`);
    client.send("ping\n");
    expect(streams.writes[0]("two\n")).toBe(true);
    streams.ends[0]("end\n");
    await client.answered(`${FIRST}one\ntwo\nend\npong\npong\n`);
    expect(streams.stopped).toBe(0);
  });

  test("begins without a line end too", async () => {
    const { client } = await streaming("tap");
    await client.answered(FIRST);
  });

  test.each<[string, ...string[]]>([
    ["tap", "\n"],
    ["tap", "\r\n"],
    ["tap", "\r", "\n"],
    ["tap\r", "\n"],
  ])("%j is not ended by the rest of its line end, however late and in whatever pieces", async (command, ...late) => {
    const { streams, client, console } = await streaming(command);
    for (const piece of late) {
      client.send(piece);
      // What was sent before is read by the time that this is answered.
      const other = await Client.open(console.port);
      other.send("ping\n");
      await other.answered("pong\n");
    }
    client.send("ping\n");
    streams.writes[0]("one\n");
    await client.answered(`${FIRST}one\n`);
    // What was asked first is read by the time that this is answered.
    const other = await Client.open(console.port);
    other.send("ping\n");
    await other.answered("pong\n");
    expect(streams.stopped).toBe(0);
    streams.ends[0]("end\n");
    await client.answered(`${FIRST}one\nend\npong\n`);
  });

  test("without a line end ends with the empty line behind it", async () => {
    const { streams, client } = await streaming("tap\r");
    client.send("\n\r\n");
    await client.answered(`${FIRST}stopped\n`);
    expect(streams.stopped).toBe(1);
  });

  test("without a line end ends with the empty line behind it, also when that comes by itself", async () => {
    const { streams, client, console } = await streaming("tap");
    await client.answered(FIRST);
    client.send("\n");
    // What was sent before is read by the time that this is answered.
    const other = await Client.open(console.port);
    other.send("ping\n");
    await other.answered("pong\n");
    expect(streams.stopped).toBe(0);
    client.send("\n");
    await client.answered(`${FIRST}stopped\n`);
  });

  test.each(["\n", "\r\n", " \n"])("ends with the line %j", async (line) => {
    const { streams, client } = await streaming("tap\n");
    client.send(`${line}ping\n`);
    await client.answered(`${FIRST}stopped\npong\n`);
    expect(streams.stopped).toBe(1);
  });

  test("goes on when the client has no more to say, and the connection ends behind it", async () => {
    const { streams, client } = await streaming("tap\n");
    client.socket.end();
    await client.answered(`${FIRST}# no more input: the tap runs to its end\n`);
    streams.writes[0]("one\n");
    streams.ends[0]("end\n");
    expect(await client.wholeAnswer()).toBe(`${FIRST}# no more input: the tap runs to its end\none\nend\n`);
  });

  test.each(["resetAndDestroy", "destroy"] as const)("ends when the client is gone (%s)", async (gone) => {
    const { streams, client } = await streaming("tap\n");
    await client.answered(FIRST);
    client.socket[gone]();
    await until("the end of the stream", () => streams.stopped > 0);
  });

  test("is told when the client does not read, and what it wrote is not lost", async () => {
    const { streams, client } = await streaming("tap\n");
    client.socket.pause();
    const text = `${"x".repeat(100_000)}\n`;
    let times = 1;
    while (streams.writes[0](text)) times++;
    streams.ends[0]("end\n");
    client.socket.resume();
    client.send("quit\n");
    expect(await client.wholeAnswer()).toBe(`${FIRST}${text.repeat(times)}end\n`);
  });

  test("ends with the console", async () => {
    const { streams, console } = await streaming("tap\n");
    console.close();
    await until("the end of the stream", () => streams.stopped > 0);
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

test("a taken port is an error with a code", () => {
  const { port } = openConsole();
  expect(() => openConsole({ port })).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
});

function openFiles(): number {
  return readdirSync("/proc/self/fd").length;
}
