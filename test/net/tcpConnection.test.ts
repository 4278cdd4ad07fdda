/** Connections to what management ports do, by system calls and by node:net: what a check sees is the same. */
import { describe, expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { TcpConnection } from "../../src/net/network.ts";
import { connectByNode } from "../../src/net/nodeConnection.io.ts";
import { connectBySystemCalls } from "../../src/net/tcpConnection.io.ts";
import { openLibc } from "../../src/system/libc.io.ts";
import { emptyFolder } from "../support/folder.ts";
import { NetworkHost, NO_NETNS } from "../support/netns.ts";
import { run } from "../support/process.ts";
import { boundPort, fullPort, RAW_PORTS_WORK } from "../support/rawPort.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

type Connect = typeof connectByNode;
const WAYS: readonly [string, Connect][] = [
  ["by node:net", (parts) => connectByNode(parts)],
  ["by system calls", (parts) => connectBySystemCalls(openLibc(), parts)],
];

/** A connection, and what it has told. */
function opened(connect: Connect, port: number, host = "127.0.0.1") {
  const told: string[] = [];
  /** What came before the first bytes. */
  let before: string[] | undefined;
  let text = "";
  const connection: TcpConnection = connect({
    ...{ host, port },
    onConnect: () => void told.push("connected"),
    onBytes: (bytes) => {
      before ??= [...told];
      text += bytes.toString("latin1");
    },
    onEnd: (error) => void told.push(error ?? "end"),
  });
  onTestFinished(() => connection.destroy());
  // Nothing is told before whoever connects has the connection.
  expect(told).toEqual([]);
  return { connection, told, text: () => text, before: () => before };
}

/** A server in a process of its own. @param manners what it does with each `client` */
async function servingElsewhere(manners: string): Promise<number> {
  const program = `
    const server = require("node:net").createServer((client) => {
      client.on("error", () => {}).resume();
      ${manners};
    });
    server.listen(0, "127.0.0.1", () => console.log(server.address().port));`;
  const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", stderr: "inherit" });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  for await (const bytes of child.stdout) return Number(Buffer.from(bytes).toString());
  throw new Error("it has no port");
}

async function serving(onClient: (client: Socket) => void, host = "127.0.0.1"): Promise<number> {
  const server: Server = createServer((client) => {
    client.on("error", () => {});
    onClient(client);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

describe.skipIf(!RAW_PORTS_WORK).each(WAYS)("a connection %s (Linux only)", (_, connect) => {
  test.each(["127.0.0.1", "::1"])("to %s asks and is answered", async (host) => {
    const port = await serving((client) => client.on("data", (bytes) => client.write(`got ${bytes}`)), host);
    const { connection, told, text } = opened(connect, port, host);
    await until("the connection", () => told.length > 0);
    connection.write("health\r\n");
    await until("the answer", () => text() === "got health\r\n");
    expect(told).toEqual(["connected"]);
  });

  test("writes what does not fit at once as soon as there is room, in order and to the last byte", async () => {
    const pieces: Buffer[] = [];
    let received = 0;
    let read = () => {};
    const port = await serving((client) =>
      client.on("data", (piece: Buffer) => {
        read();
        pieces.push(piece);
        received += piece.length;
      }),
    );
    // Characters of two bytes: of one of these texts so much fits at once that it has as many bytes as all has characters.
    for (let characters = 1 << 16; characters <= 1 << 22; characters *= 2) {
      const { connection, told } = opened(connect, port);
      await until("the connection", () => told.length > 0);
      const texts = ["é".repeat(characters), "a", "ß", "c"];
      for (const text of texts) connection.write(text);
      // There is room, but it is not for this one.
      read = () => {
        connection.write("z");
        read = () => {};
      };
      const all = Buffer.from(`${texts.join("")}z`);
      await until("all of it", () => received >= all.length);
      expect(Buffer.concat(pieces.splice(0)).equals(all)).toBe(true);
      received = 0;
    }
  });

  test("tells the end, after what came before it", async () => {
    const port = await serving((client) => client.end("bye"));
    const { told, text } = opened(connect, port);
    await until("the end", () => told.includes("end"));
    expect([told[0], new Set(told.slice(1)), text()]).toEqual(["connected", new Set(["end"]), "bye"]);
  });

  test("tells a reset", async () => {
    const port = await serving((client) => client.resetAndDestroy());
    const { told } = opened(connect, port);
    await until("the reset", () => told.length > 1);
    expect(told.slice(0, 2)).toEqual(["connected", "ECONNRESET"]);
  });

  test("tells a refusal", async () => {
    const { told } = opened(connect, boundPort());
    await until("the refusal", () => told.length > 0);
    expect(told[0]).toBe("ECONNREFUSED");
  });

  test("tells that there is no way to the address", async () => {
    const { told } = opened(connect, 9, "255.255.255.255");
    await until("the error", () => told.length > 0);
    expect(told[0]).toMatch(/^E(NETUNREACH|ACCES|CONNREFUSED)$/);
  });

  test("that fails at once leaves no descriptor behind", async () => {
    const before = readdirSync("/proc/self/fd").length;
    for (let i = 0; i < 100; i++) {
      const { told } = opened(connect, 9, "255.255.255.255");
      await until("the error", () => told.length > 0);
    }
    await until("the descriptors", () => readdirSync("/proc/self/fd").length < before + 10);
  });

  test("to an address with a zone uses that interface", async () => {
    const port = await serving((client) => client.end("bye"), "::1");
    const { text } = opened(connect, port, "::1%lo");
    await until("the answer", () => text() === "bye");
  });

  test("may be given up at any time, which its peer sees as its end, and leaves nothing behind", async () => {
    let ends = 0;
    const resets: unknown[] = [];
    const server = createServer((client) => {
      client.on("error", (error) => resets.push(error));
      client.resume().on("end", () => ends++);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const full = fullPort();
    const before = readdirSync("/proc/self/fd").length;
    for (let i = 0; i < 300; i++) {
      const each = opened(connect, port);
      const pending = opened(connect, full);
      pending.connection.destroy();
      pending.connection.destroy();
      await until("the connection", () => each.told.length > 0);
      each.connection.destroy();
      expect(each.told[0]).toBe("connected");
      expect(pending.told).not.toContain("connected");
    }
    await until("the ends", () => ends === 300);
    expect(resets).toEqual([]);
    // Others open some, too.
    await until("the descriptors", () => readdirSync("/proc/self/fd").length < before + 10);
  });
});

test.skipIf(!RAW_PORTS_WORK).each<[what: string, manners: string, told: string[], said: string]>([
  ["resets it", "client.resetAndDestroy()", ["connected", "ECONNRESET"], ""],
  ["speaks and resets it", 'client.write("bye", () => client.resetAndDestroy())', ["connected", "ECONNRESET"], "bye"],
  ["ends it", "client.end()", ["connected", "end"], ""],
  ["speaks and ends it", 'client.end("bye")', ["connected", "end"], "bye"],
])(
  "a connection by system calls to a host that %s at once is told of first, though the event loop is held up (Linux only)",
  async (_, manners, first, said) => {
    const [, connect] = WAYS[1];
    const port = await servingElsewhere(manners);
    for (let i = 0; i < 10; i++) {
      const { told, text, before } = opened(connect, port);
      // Meanwhile the host does all it does.
      openLibc().usleep(20_000);
      await until("the end", () => told.length > 1);
      expect([told.slice(0, 2), text(), before()]).toEqual([first, said, said === "" ? undefined : ["connected"]]);
    }
  },
);

test.skipIf(!RAW_PORTS_WORK).each([
  ["connectByNode", "nodeConnection.io.ts", ""],
  ["connectBySystemCalls", "tcpConnection.io.ts", "openLibc(), "],
])("%s tells that there is no descriptor left (Linux only)", async (connect, file, first) => {
  const src = `${import.meta.dir}/../../src`;
  const program = `
    import { closeSync, openSync } from "node:fs";
    import { ${connect} } from "${src}/net/${file}";
    import { openLibc } from "${src}/system/libc.io.ts";
    const held = [];
    const parts = { host: "127.0.0.1", port: ${boundPort()}, onConnect: () => {}, onBytes: () => {} };
    const told = () => new Promise((onEnd) => ${connect}(${first}{ ...parts, onEnd }));
    const before = await told();
    try { for (;;) held.push(openSync("/dev/null")); } catch {}
    const without = await told();
    for (const fd of held) closeSync(fd);
    console.log(before, without, await told());
    process.exit();`;
  const folder = emptyFolder();
  writeFileSync(join(folder, "connect.ts"), program);
  const { stdout } = await run(["sh", "-c", `ulimit -n 64; exec '${process.execPath}' connect.ts`], folder);
  expect(stdout).toBe("ECONNREFUSED EMFILE ECONNREFUSED\n");
});

test.skipIf(!RAW_PORTS_WORK).each([
  ["before", [false, true]],
  ["while it connects", [true, false]],
])("a connection by node:net tells that the last descriptor was taken %s (Linux only)", async (_, has) => {
  const left = [...has];
  const port = boundPort();
  const error = await new Promise((onEnd) => {
    const parts = { host: "127.0.0.1", port, onConnect: () => {}, onBytes: () => {}, onEnd };
    connectByNode(parts, () => left.shift() as boolean);
  });
  expect(error).toBe("EMFILE");
});

test.skipIf(NO_NETNS !== "")(
  `a connection by system calls reaches the link-local address of an interface${NO_NETNS}`,
  async () => {
    const host = await NetworkHost.start();
    for (const [name, address] of Object.entries({ one: "fe80::1", two: "fe80::2" })) {
      await host.run(`ip link add ${name} type veth peer name ${name}-end`);
      await host.run(`ip link set ${name} up; ip addr add ${address}/64 dev ${name} nodad`);
    }
    const src = `${import.meta.dir}/../../src`;
    const program = `
      import { connectBySystemCalls } from "${src}/net/tcpConnection.io.ts";
      import { openLibc } from "${src}/system/libc.io.ts";
      const { port } = Bun.listen({ hostname: "::", port: 0, socket: { data: () => {} } });
      const told = (host) => new Promise((tell) => {
        const parts = { host, port, onBytes: () => {}, onConnect: () => tell("connected"), onEnd: tell };
        connectBySystemCalls(openLibc(), parts);
      });
      for (const host of ["fe80::1%one", "fe80::2%two", "fe80::2", "fe80::2%none"]) console.log([host, await told(host)].join());
      process.exit();`;
    const { stdout } = await run([...host.inside, process.execPath, "-e", program], emptyFolder());
    expect(stdout).toBe("fe80::1%one,connected\nfe80::2%two,connected\nfe80::2,EINVAL\nfe80::2%none,EINVAL\n");
  },
);

test.skipIf(!RAW_PORTS_WORK)(
  "a connection by system calls that is given up tells nothing any more (Linux only)",
  () => {
    const [, connect] = WAYS[1];
    const { connection, told } = opened(connect, fullPort());
    connection.destroy();
    expect(told).toEqual([]);
  },
);

test.skipIf(!RAW_PORTS_WORK)(
  "what is thrown by whoever is told is an exception that nobody caught (Linux only)",
  async () => {
    const src = `${import.meta.dir}/../../src`;
    const program = `
    import { connectBySystemCalls } from "${src}/net/tcpConnection.io.ts";
    import { openLibc } from "${src}/system/libc.io.ts";
    const socket = { data: () => {}, open: (client) => client.write("hello") };
    const { port } = Bun.listen({ hostname: "127.0.0.1", port: 0, socket });
    setTimeout(() => process.exit(1), 10_000);
    process.on("uncaughtException", ({ message }) => {
      console.log(message);
      if (message === "of bytes") process.exit();
    });
    connectBySystemCalls(openLibc(), {
      ...{ host: "127.0.0.1", port },
      onConnect: () => { throw new Error("of the connection") },
      onBytes: () => { throw new Error("of bytes") },
      onEnd: () => {},
    });
  `;
    const { stdout } = await run([process.execPath, "-e", program], emptyFolder());
    expect(stdout).toBe("of the connection\nof bytes\n");
  },
);
