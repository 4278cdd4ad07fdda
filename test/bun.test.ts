/**
 * What Bun 1.4.5 does that the code works around, or rests on. A test that fails with a newer Bun says which workaround can go, or what
 * must be looked at again.
 */
import { ptr } from "bun:ffi";
import { describe, expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { getServers, setServers } from "node:dns";
import { Resolver } from "node:dns/promises";
import { readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { join } from "node:path";
import type { udp } from "bun";
import { SwappedSocket } from "../src/net/pausedReading.io.ts";
import { socketAddressOf } from "../src/net/socketAddress.ts";
import { openLibc, openTcpSocket, setSendBuffer } from "../src/system/libc.io.ts";
import { Backend } from "./support/backend.ts";
import { EPOLLIN, EPOLLOUT, watchedEvents } from "./support/epoll.ts";
import { emptyFolder } from "./support/folder.ts";
import { IPV6_HERE, refusingPort } from "./support/ports.ts";
import { run } from "./support/process.ts";
import { boundPort, fullPort } from "./support/rawPort.ts";
import { until } from "./support/until.ts";

setDefaultTimeout(30_000);

const LINUX = process.platform === "linux";
const HOST = "127.0.0.1";
const IGNORE = { data: () => {}, error: () => {} };

type Unconnected = udp.Socket<"buffer">;
type Connected = udp.ConnectedSocket<"buffer">;

async function unconnected(socket: udp.SocketHandler<"buffer"> = IGNORE): Promise<Unconnected> {
  const opened = await Bun.udpSocket({ hostname: HOST, socket });
  onTestFinished(() => opened.close());
  return opened;
}

async function connected(port: number, socket: udp.ConnectedSocketHandler<"buffer"> = IGNORE): Promise<Connected> {
  const opened = await Bun.udpSocket({ hostname: "0.0.0.0", connect: { hostname: HOST, port }, socket });
  onTestFinished(() => opened.close());
  return opened;
}

describe("receiving", () => {
  const QUEUED = 150;

  /**
   * Puts 150 datagrams into a socket's queue before Bun looks at it. Returns how many were handed over in each turn of the event
   * loop.
   */
  async function turnsOf(onDatagram: (socket: Unconnected, handedOver: number) => void): Promise<number[]> {
    const turns: number[] = [];
    let handedOver = 0;
    let inTurn = 0;
    const receiver = await unconnected({
      data: (socket) => {
        handedOver++;
        if (inTurn++ === 0) {
          setImmediate(() => {
            turns.push(inTurn);
            inTurn = 0;
          });
        }
        onDatagram(socket, handedOver);
      },
      error: () => {},
    });
    const sender = await connected(receiver.port);
    for (let i = 0; i < QUEUED; i++) expect(sender.send("x")).toBe(true);
    await until("all", () => handedOver === QUEUED && inTurn === 0);
    return turns;
  }

  test("one turn reads until the socket is empty, however many wait: net/pausedReading.io.ts can go (oven-sh/bun#37103)", async () => {
    expect(await turnsOf(() => {})).toEqual([QUEUED]);
  });

  test("a refused send ends the turn, and no datagram is lost: what WallInterrupt rests on", async () => {
    const refusing = await refusingPort();
    const turns = await turnsOf((socket, handedOver) => {
      if (handedOver % 32 === 0) socket.send("", refusing, HOST);
    });
    expect(turns.length).toBeGreaterThanOrEqual(4);
    // Eight are read with one call.
    expect(Math.max(...turns)).toBeLessThanOrEqual(32 + 8);
    expect(turns.reduce((sum, turn) => sum + turn)).toBe(QUEUED);
  });

  test.skipIf(!LINUX)(
    "a socket that is swapped for an empty one wakes Bun no more until it is back: what SwappedSocket rests on (Linux only)",
    async () => {
      let handedOver = 0;
      let reading: SwappedSocket | undefined;
      const receiver = await unconnected({
        data: () => {
          if (++handedOver % 32 === 0) reading?.pause();
        },
        error: () => {},
      });
      reading = new SwappedSocket(openLibc(), (receiver as unknown as { fd: number }).fd);
      onTestFinished(() => reading.close());
      const sender = await connected(receiver.port);
      for (let i = 0; i < QUEUED; i++) expect(sender.send("x")).toBe(true);
      for (let pauses = 1; pauses * 32 <= QUEUED; pauses++) {
        await until("a pause", () => handedOver >= pauses * 32);
        for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
        // Eight are read with one call.
        expect(handedOver).toBeLessThan(pauses * 32 + 8);
        reading.resume();
      }
      await until("all", () => handedOver === QUEUED);
    },
  );

  test.skipIf(!LINUX)(
    "the first change of what epoll watches comes after the first read: net/epollEntry.io.ts can go when it comes before (Linux only)",
    async () => {
      let reading: SwappedSocket | undefined;
      let isDrained = false;
      const receiver = await unconnected({
        data: () => reading?.pause(),
        drain: () => {
          isDrained = true;
        },
        error: () => {},
      });
      const { fd } = receiver as unknown as { fd: number };
      reading = new SwappedSocket(openLibc(), fd);
      onTestFinished(() => reading.close());
      const sender = await connected(receiver.port);
      expect(sender.send("x")).toBe(true);
      await until("the drain", () => isDrained);
      reading.resume();
      expect(watchedEvents(fd)).toContain(EPOLLIN | EPOLLOUT);
    },
  );

  test("setImmediate runs after the turn, a microtask after each datagram: what Turns rests on", async () => {
    let microtasks = 0;
    const seen: number[] = [];
    const turns = await turnsOf(() => {
      seen.push(microtasks);
      queueMicrotask(() => microtasks++);
    });
    expect(turns).toEqual([QUEUED]);
    expect(seen).toEqual(Array.from({ length: QUEUED }, (_, i) => i));
  });

  test("a UDP socket has a file descriptor, though its type does not: what the receive buffer and BulkReader rest on", async () => {
    const { fd } = (await unconnected()) as unknown as { fd: number };
    expect(fd).toBeGreaterThan(2);
  });
});

test("a small array moves when its buffer is made, which compiled code does at a time of its own: wordsThatStay can go when it stays", () => {
  const small = new Uint32Array(4);
  const before = ptr(small);
  expect(small.buffer.byteLength).toBe(16);
  expect(ptr(small)).not.toBe(before);
});

describe("errors of UDP sockets", () => {
  test("the error handler gets the error alone: a handler may not look for it in its second argument", async () => {
    const calls: unknown[][] = [];
    const socket = await connected(await refusingPort(), { data: () => {}, error: (...args) => void calls.push(args) });
    socket.send("x");
    await until("the answer", () => calls.length > 0);
    expect(calls[0]).toEqual([expect.objectContaining({ code: "ECONNREFUSED" })]);
  });

  test("without an error handler the answer to a refused datagram ends the process: `error: () => {}` can go", async () => {
    const program = `
      const socket = await Bun.udpSocket({ connect: { hostname: "${HOST}", port: ${await refusingPort()} }, socket: { data() {} } });
      setInterval(() => socket.send("x"), 1);
      setTimeout(() => process.exit(0), 2000);`;
    const { exitCode, stderr } = await run([process.execPath, "-e", program], emptyFolder());
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("ECONNREFUSED");
  });

  test("on a shared socket a dead node's answer makes sends to living ones fail: a socket for each node can go", async () => {
    const living = await Backend.open();
    const dead = await refusingPort();
    const socket = await unconnected();
    let failed = 0;
    for (let i = 0; i < 100; i++) {
      socket.send("x", dead, HOST);
      try {
        socket.send("x", living.port, HOST);
      } catch {
        failed++;
      }
    }
    expect(failed).toBeGreaterThan(0);
  });

  test.skipIf(!LINUX)(
    "each answer to a datagram is told to the error handler, also one that a send has told: Link counts only the former (Linux only)",
    async () => {
      let told = 0;
      const socket = await connected(await refusingPort(), { data: () => {}, error: () => void told++ });
      let [sent, thrown] = [0, 0];
      for (let i = 0; i < 20; i++) {
        try {
          if (socket.send("x")) sent++;
        } catch {
          thrown++;
        }
      }
      expect(thrown).toBeGreaterThan(0);
      await until("an answer to each datagram", () => told >= sent);
      await new Promise((resolve) => setImmediate(resolve));
      expect(told).toBe(sent);
    },
  );

  test("what the drain handler throws is given to the error handler: Link must tell it from an errno", async () => {
    const given: unknown[] = [];
    const drain = () => {
      throw new TypeError("of the program");
    };
    await connected(await refusingPort(), { data: () => {}, drain, error: (...args) => void given.push(...args) });
    await until("the error", () => given.length > 0);
    expect(given).toEqual([expect.any(TypeError)]);
  });

  test.skipIf(!LINUX)("a socket that cannot be connected leaves no descriptor behind (Linux only)", async () => {
    const descriptors = () => readdirSync("/proc/self/fd").length;
    const before = descriptors();
    for (let i = 0; i < 20; i++) {
      // Nothing is sent: connecting to a broadcast address is not allowed.
      const connect = { hostname: "255.255.255.255", port: 9 };
      const open = async () => await Bun.udpSocket({ hostname: "0.0.0.0", connect, socket: IGNORE });
      await expect(open()).rejects.toThrow(expect.objectContaining({ code: "EACCES" }));
    }
    expect(descriptors()).toBeLessThan(before + 20);
  });

  test("sendMany stops at the answer to an earlier datagram and does not say why: Link's second try can go", async () => {
    const socket = await connected(await refusingPort());
    const counts = Array.from({ length: 20 }, () => {
      try {
        return socket.sendMany(["a", "b", "c"]);
      } catch {
        return 0;
      }
    });
    expect(Math.min(...counts)).toBeLessThan(3);
  });

  test("too large a datagram: send throws, sendMany stops before it and does not say why", async () => {
    const backend = await Backend.open();
    const socket = await connected(backend.port);
    const tooLarge = Buffer.alloc(65_508);
    expect(() => socket.send(tooLarge)).toThrow(expect.objectContaining({ code: "EMSGSIZE" }));
    expect(socket.sendMany(["a", tooLarge, "b"])).toBe(1);
    await until("the first", () => backend.datagrams.length === 1);
  });

  test.skipIf(!IPV6_HERE)(
    "connecting to IPv6 needs a bind to IPv6: the bind to :: in net/link.ts can go (skipped without ::1)",
    async () => {
      const connect = { hostname: "::1", port: 9 };
      const open = async (hostname?: string) =>
        await Bun.udpSocket({ ...(hostname && { hostname }), connect, socket: IGNORE });
      await expect(open()).rejects.toThrow();
      (await open("::")).close();
    },
  );
});

describe("TCP sockets", () => {
  test("what has come is read between one setImmediate and the next: what the last looks of a check rest on", async () => {
    const listener = Bun.listen({
      hostname: HOST,
      port: 0,
      socket: { data: (client) => void client.write("pong"), error: () => {} },
    });
    onTestFinished(() => listener.stop(true));
    const events: string[] = [];
    const socket = connect({ host: HOST, port: listener.port });
    onTestFinished(() => void socket.destroy());
    socket.on("data", () => events.push("data"));
    await new Promise((resolve) => socket.on("connect", resolve));
    for (let i = 0; i < 20; i++) {
      events.length = 0;
      socket.write("ping");
      const turn = (name: string) =>
        new Promise<void>((resolve) => setImmediate(() => resolve(void events.push(name))));
      // The answer is written in the first turn: by this same process.
      for (const name of ["1", "2", "3"]) await turn(name);
      expect(events).toContain("data");
    }
  });

  test.skipIf(!LINUX)(
    "node:net reports a lack of descriptors as a refusal: hasDescriptor of connectByNode can go (Linux only)",
    async () => {
      const folder = emptyFolder();
      const script = `
      import { openSync, closeSync } from "node:fs";
      import { connect } from "node:net";
      const socket = { data: () => {}, error: () => {} };
      const { port } = Bun.listen({ hostname: "${HOST}", port: 0, socket });
      try { for (;;) openSync("/dev/null"); } catch {}
      connect({ host: "${HOST}", port }).on("error", ({ code }) => {
        closeSync(10);
        console.log(code);
        process.exit();
      });`;
      writeFileSync(join(folder, "connect.ts"), script);
      const { stdout } = await run(["sh", "-c", `ulimit -n 64; exec '${process.execPath}' connect.ts`], folder);
      expect(stdout).toBe("ECONNREFUSED\n");
    },
  );

  test("what comes does not put the timeout off: the console must set it again", async () => {
    let timeouts = 0;
    const listener = Bun.listen({
      hostname: HOST,
      port: 0,
      socket: {
        open: (socket) => socket.timeout(1),
        data: (socket) => void socket.write("pong"),
        timeout: (socket) => {
          timeouts++;
          socket.terminate();
        },
      },
    });
    onTestFinished(() => listener.stop(true));
    let pongs = 0;
    let ended = false;
    const client = await Bun.connect({
      hostname: HOST,
      port: listener.port,
      socket: {
        data: (socket) => {
          pongs++;
          // Never quiet.
          setTimeout(() => socket.write("ping"), 20);
        },
        close: () => {
          ended = true;
        },
      },
    });
    onTestFinished(() => client.terminate());
    client.write("ping");
    await until("the timeout", () => ended, 20_000);
    expect(pongs).toBeGreaterThan(10);
    expect(timeouts).toBe(1);
  });
});

test.skipIf(!LINUX)(
  "a listener has a file descriptor, and what it accepts its send buffer: what TcpServer's bound rests on",
  async () => {
    const libc = openLibc();
    let accepted = 0;
    const open = (socket: unknown) => {
      accepted = (socket as { fd: number }).fd;
    };
    const listener = Bun.listen({ hostname: HOST, port: 0, socket: { ...IGNORE, open } });
    onTestFinished(() => listener.stop(true));
    setSendBuffer(libc, (listener as unknown as { fd: number }).fd, 64 * 1024);
    const client = await Bun.connect({ hostname: HOST, port: listener.port, socket: IGNORE });
    onTestFinished(() => client.terminate());
    await until("the connection", () => accepted > 0);
    const granted = new Int32Array(1);
    const [SOL_SOCKET, SO_SNDBUF] = [1, 7];
    libc.getsockopt(accepted, SOL_SOCKET, SO_SNDBUF, ptr(granted), ptr(Int32Array.of(4)));
    expect(granted[0]).toBe(2 * 64 * 1024);
  },
);

describe.skipIf(!LINUX)("Bun.connect (Linux only)", () => {
  test("takes no signal that gives an attempt up: net/tcpConnection.io.ts can go when it does", async () => {
    const abort = new AbortController();
    let settled = 0;
    const settle = () => settled++;
    const options = { hostname: HOST, port: fullPort(), signal: abort.signal, socket: IGNORE };
    // There may be room for one.
    for (let i = 0; i < 4; i++) Bun.connect(options as unknown as Bun.TCPSocketConnectOptions).then(settle, settle);
    abort.abort();
    const other = Bun.listen({ hostname: HOST, port: 0, socket: IGNORE });
    onTestFinished(() => other.stop(true));
    // Time enough for those that can be connected to.
    for (let i = 0; i < 20; i++) (await Bun.connect({ hostname: HOST, port: other.port, socket: IGNORE })).terminate();
    expect(settled).toBeLessThan(4);
  });

  test("takes a descriptor over: what net/tcpConnection.io.ts rests on", async () => {
    const events: string[] = [];
    const libc = openLibc();
    const take = (port: number) => {
      const fd = openTcpSocket(libc, 2);
      libc.connect(fd, ptr(socketAddressOf(HOST, port)), 16);
      let isSynchronous = true;
      const socket = {
        open: () => void events.push(`open${isSynchronous ? " at once" : ""}`),
        drain: () => void events.push("drain"),
        data: () => {},
        close: (_: unknown, error?: NodeJS.ErrnoException) => void events.push(`close ${error?.code}`),
      };
      void Bun.connect({ fd, socket } as unknown as Bun.TCPSocketConnectOptions);
      isSynchronous = false;
    };
    const listener = Bun.listen({ hostname: HOST, port: 0, socket: IGNORE });
    onTestFinished(() => listener.stop(true));
    take(listener.port);
    await until("the connection", () => events.length === 2);
    expect(events.splice(0)).toEqual(["open at once", "drain"]);
    take(boundPort());
    await until("the refusal", () => events.length === 2);
    expect(events).toEqual(["open at once", "close ECONNREFUSED"]);
  });
});

describe.skipIf(!LINUX)("compiled binaries", () => {
  /** Compiles a program as `bun build --compile` does by default, and runs it. */
  async function compiled(program: string, folder: string) {
    const entry = join(folder, "entry.ts");
    const outfile = join(folder, "compiled");
    writeFileSync(entry, program);
    await Bun.build({ entrypoints: [entry], target: "bun", compile: { outfile } });
    return await run([outfile], folder);
  }

  test("farmhash does not survive as it is: embedAddon in scripts/build.ts can go", async () => {
    const farmhash = createRequire(import.meta.url).resolve("farmhash");
    const { exitCode, stderr } = await compiled(
      `require(${JSON.stringify(farmhash)}).fingerprint32("x")`,
      emptyFolder(),
    );
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("Unsupported platform");
  });

  test("what a bunfig.toml in the working directory preloads is run by default: autoloadBunfig: false can go", async () => {
    const folder = emptyFolder();
    writeFileSync(join(folder, "bunfig.toml"), 'preload = ["./preloaded.ts"]\n');
    writeFileSync(join(folder, "preloaded.ts"), 'console.log("preloaded");\n');
    writeFileSync(join(folder, ".env"), "FROM_FILE=read\n");
    const { stdout } = await compiled("console.log(process.env.FROM_FILE);", folder);
    expect(stdout).toBe("preloaded\nread\n");
  });
});

test("no datagram sockets of the Unix family: system/notify.io.ts can do without libc when there are", async () => {
  const dgram = await import("node:dgram");
  expect(() => dgram.createSocket("unix_dgram" as never)).toThrow();
});

test.skipIf(!LINUX)(
  "flag 4 lets sockets share a port, and only that: what reusePort rests on (Linux only)",
  async () => {
    const open = async (port: number, more: object) => {
      const socket = await Bun.udpSocket({ hostname: HOST, port, socket: IGNORE, ...more });
      onTestFinished(() => socket.close());
      return socket;
    };
    const { port } = await open(0, { flags: 4 });
    await open(port, { flags: 4 });
    await expect(open(port, {})).rejects.toMatchObject({ code: "EADDRINUSE" });
  },
);

test("afterAll within beforeAll runs before the first test: endOfFile in test/support/cleanUp.ts can go", async () => {
  const folder = emptyFolder();
  const said = [
    "beforeAll(() => afterAll(() => console.error('afterAll')));",
    "test('one', () => console.error('in the test'));",
  ];
  writeFileSync(
    join(folder, "order.test.ts"),
    `import { afterAll, beforeAll, test } from "bun:test";\n${said.join("\n")}\n`,
  );
  const { stderr } = await run([process.execPath, "test", "order.test.ts"], folder);
  expect(stderr.indexOf("afterAll")).toBeLessThan(stderr.indexOf("in the test"));
});

describe("the addresses of names", () => {
  /** Says that every name has the address 127.0.0.1, for an hour; nothing at all about names that begin with `silent`. */
  async function nameServer(): Promise<{ readonly address: string; readonly asked: string[] }> {
    const asked: string[] = [];
    const data = (socket: udp.Socket<"buffer">, query: Buffer, port: number, host: string) => {
      const end = query.indexOf(0, 12) + 5;
      const name = query.toString("latin1", 13, 13 + query[12]);
      asked.push(name);
      if (name === "silent") return;
      const head = Buffer.from([query[0], query[1], 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
      const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4, 127, 0, 0, 1]);
      socket.send(Buffer.concat([head, query.subarray(12, end), record]), port, host);
    };
    const server = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data } });
    onTestFinished(() => server.close());
    return { address: `127.0.0.1:${server.port}`, asked };
  }

  function resolverFor(address: string): Resolver {
    const resolver = new Resolver({ timeout: 2000, tries: 2 });
    resolver.setServers([address]);
    return resolver;
  }

  test("are remembered by a resolver that has asked, and not by a new one: nameService.io.ts relies on it", async () => {
    const { address, asked } = await nameServer();
    const resolver = resolverFor(address);
    for (let i = 0; i < 2; i++) expect(await resolver.resolve4("a.test")).toEqual(["127.0.0.1"]);
    expect(asked).toEqual(["a"]);
    await resolverFor(address).resolve4("a.test");
    expect(asked).toEqual(["a", "a"]);
  });

  test("are remembered by Bun.dns.lookup as long as they may be: nameService.io.ts can use it", async () => {
    const { address, asked } = await nameServer();
    const before = getServers();
    setServers([address]);
    onTestFinished(() => setServers(before));
    for (let i = 0; i < 2; i++) await Bun.dns.lookup("b.test", { family: 4, backend: "c-ares" });
    expect(asked).toEqual(["b"]);
  });

  test.skipIf(!LINUX)(
    "that are not answered hold up no others, and a cancelled question leaves no socket",
    async () => {
      const { address } = await nameServer();
      const openFiles = () => readdirSync("/proc/self/fd").length;
      const before = openFiles();
      const silent = Array.from({ length: 20 }, () => resolverFor(address));
      const ended = silent.map((resolver) => resolver.resolve4("silent.test").catch(({ code }) => code));
      expect(await resolverFor(address).resolve4("c.test")).toEqual(["127.0.0.1"]);
      for (const resolver of silent) resolver.cancel();
      expect(await Promise.all(ended)).toEqual(new Array(20).fill("ECANCELLED"));
      await until("no socket is left", () => openFiles() <= before);
    },
  );
});
