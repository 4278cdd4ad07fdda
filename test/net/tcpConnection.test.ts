/** Connections to what management ports do, by system calls and by node:net: what a check sees is the same. */
import { describe, expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { connectByNode } from "../../src/net/bunNetwork.io.ts";
import type { TcpConnection } from "../../src/net/network.ts";
import { connectBySystemCalls } from "../../src/net/tcpConnection.io.ts";
import { openLibc } from "../../src/system/libc.io.ts";
import { emptyFolder } from "../support/folder.ts";
import { run } from "../support/process.ts";
import { boundPort, fullPort, RAW_PORTS_WORK } from "../support/rawPort.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

type Connect = typeof connectByNode;
const WAYS: readonly [string, Connect][] = [
  ["by node:net", connectByNode],
  ["by system calls", (parts) => connectBySystemCalls(openLibc(), parts)],
];

/** A connection, and what it has told. */
function opened(connect: Connect, port: number, host = "127.0.0.1") {
  const told: string[] = [];
  let text = "";
  const connection: TcpConnection = connect({
    ...{ host, port },
    onConnect: () => void told.push("connected"),
    onBytes: (bytes) => {
      text += bytes.toString("latin1");
    },
    onEnd: (error) => void told.push(error ?? "end"),
  });
  onTestFinished(() => connection.destroy());
  // Nothing is told before whoever connects has the connection.
  expect(told).toEqual([]);
  return { connection, told, text: () => text };
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

  test("writes what does not fit at once as soon as there is room", async () => {
    let received = 0;
    const port = await serving((client) => client.on("data", ({ length }) => (received += length)));
    const { connection, told } = opened(connect, port);
    await until("the connection", () => told.length > 0);
    const text = "x".repeat(8 << 20);
    connection.write(text);
    connection.write("y");
    await until("all of it", () => received === text.length + 1);
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
