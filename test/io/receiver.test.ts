import { describe, expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import type { udp } from "bun";
import { readConfig } from "../../src/core/config.ts";
import { Counters } from "../../src/core/counters.ts";
import { Console } from "../../src/io/console.ts";
import { Receiver } from "../../src/io/receiver.ts";
import { Client } from "../support/client.ts";
import { startFlood } from "../support/flood.ts";
import { freePorts, IPV6_HERE, silentSocket } from "../support/ports.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

const LINUX = process.platform === "linux";

interface Open {
  readonly receiver: Receiver;
  /** What came, as text. */
  readonly datagrams: string[];
  /** Turns that ended, and how many datagrams had come by the end of the last one. */
  readonly turns: { count: number; datagrams: number };
}

interface Parts {
  readonly host?: string;
  readonly port?: number;
  readonly gather?: number;
  readonly receiveBuffer?: number;
  /** What is to be done for each datagram, and at the end of each turn. */
  readonly work?: () => void;
  readonly onTurnEnd?: () => void;
}

async function open(parts: Parts = {}): Promise<Open> {
  const { host = "127.0.0.1", port = 0, gather = 0, receiveBuffer = 4_194_304 } = parts;
  const datagrams: string[] = [];
  const turns = { count: 0, datagrams: 0 };
  const receiver = await Receiver.open({
    host,
    port,
    gather,
    receiveBuffer,
    onDatagram: (bytes, start, end) => {
      datagrams.push(bytes.toString("latin1", start, end));
      parts.work?.();
    },
    onTurnEnd: () => {
      turns.count++;
      turns.datagrams = datagrams.length;
      parts.onTurnEnd?.();
    },
  });
  onTestFinished(() => receiver.close());
  return { receiver, datagrams, turns };
}

/** Sends numbered datagrams at once, as many as the smallest buffer takes. */
async function burst(port: number, first: number, count = 150): Promise<string[]> {
  const socket = await silentSocket({ connect: { hostname: "127.0.0.1", port } });
  const sent = Array.from({ length: count }, (_, i) => `datagram ${first + i}`);
  for (const datagram of sent) expect(socket.send(datagram)).toBe(true);
  socket.close();
  return sent;
}

test.each([0, 10])(
  "every datagram is handed over once, in order, whatever ends the turns (gather %d)",
  async (gather) => {
    const { receiver, datagrams, turns } = await open({ gather });
    const sent: string[] = [];
    // One burst after the other makes it busy, and ends many a turn from within.
    for (let round = 0; round < 40; round++) {
      sent.push(...(await burst(receiver.port, sent.length)));
      await until(`${sent.length} datagrams`, () => datagrams.length >= sent.length);
    }
    expect(datagrams).toEqual(sent);
    await until("the end of the last turn", () => turns.datagrams === sent.length);
  },
);

test("a single datagram ends its turn at once", async () => {
  const { receiver, turns } = await open({ gather: 10 });
  await burst(receiver.port, 0, 1);
  await until("the end of the turn", () => turns.count > 0);
  expect(turns).toEqual({ count: 1, datagrams: 1 });
});

test("an empty datagram is one, too, and changes nothing for the others", async () => {
  const { receiver, datagrams } = await open();
  const socket = await silentSocket({ connect: { hostname: "127.0.0.1", port: receiver.port } });
  for (const datagram of ["before", "", "", "after"]) socket.send(datagram);
  socket.close();
  await until("four", () => datagrams.length === 4);
  expect(datagrams).toEqual(["before", "", "", "after"]);
});

test.each([0, 10])("the largest datagram that UDP has arrives whole (gather %d)", async (gather) => {
  const { receiver, datagrams } = await open({ gather });
  const socket = await silentSocket({ connect: { hostname: "127.0.0.1", port: receiver.port } });
  const largest = "x".repeat(65_507);
  for (let i = 1; i <= 20; i++) {
    expect(socket.send(largest)).toBe(true);
    await until("the next", () => datagrams.length === i);
  }
  socket.close();
  expect(new Set(datagrams)).toEqual(new Set([largest]));
});

test.skipIf(!IPV6_HERE)("datagrams over IPv6, and many of them (skipped where there is no ::1)", async () => {
  const { receiver, datagrams } = await open({ host: "::1" });
  const socket = await silentSocket({ hostname: "::", connect: { hostname: "::1", port: receiver.port } });
  for (let i = 0; i < 150; i++) socket.send(`${i}`);
  socket.close();
  await until("all", () => datagrams.length === 150);
  expect(datagrams).toEqual(Array.from({ length: 150 }, (_, i) => `${i}`));
});

/**
 * The receiver is made slower than the sender, so that the socket is never empty, and Bun (1.4.5) would read on for as long
 * as the flood lasts (test/bun.test.ts). The flood must still be going on when enough was answered.
 */
test.each([0, 10])("the console answers while the socket is flooded (gather %d)", async (gather) => {
  const { receiver, datagrams } = await open({ gather, work: () => spin(0.05) });
  const console = openConsole();
  const client = await Client.open(console.port);
  const flood = await startFlood(receiver.port);
  await until("the flood", () => datagrams.length > 1000);
  for (let i = 1; i <= 20; i++) {
    client.send("ping\n");
    await client.answered("pong\n".repeat(i));
  }
  expect(await flood.end()).toBe("ended while it was flooding");
});

describe("the kernel's side", () => {
  test.skipIf(!LINUX)("the buffer that was granted is reported, as the kernel counts it (Linux only)", async () => {
    const { receiver } = await open({ receiveBuffer: 20_000 });
    expect(receiver.receiveBuffer).toBe(40_000);
  });

  test.skipIf(!LINUX)("what the kernel drops is counted, and still known after close (Linux only)", async () => {
    const { receiver, datagrams } = await open({ receiveBuffer: 4096 });
    const count = 500;
    await burst(receiver.port, 0, count);
    await until("all accounted for", () => datagrams.length + (receiver.kernelDrops() ?? 0) === count);
    const drops = receiver.kernelDrops();
    expect(drops).toBeGreaterThan(0);
    receiver.close();
    expect(receiver.kernelDrops()).toBe(drops);
  });
});

describe("the end", () => {
  test("a taken port is an error with a code, and leaves nothing open", async () => {
    const { receiver } = await open();
    const before = openFiles();
    for (let i = 0; i < 5; i++) {
      await expect(open({ port: receiver.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    }
    await until("what was opened is closed", () => openFiles() <= before);
  });

  test("close closes everything, at once or again", async () => {
    const before = openFiles();
    for (let i = 0; i < 5; i++) {
      const { receiver } = await open();
      receiver.close();
      receiver.close();
    }
    await until("what was opened is closed", () => openFiles() <= before);
  });

  test("finish hands over what the kernel holds, and no more comes", async () => {
    const { receiver, datagrams } = await open({ gather: 10 });
    const sent = await burst(receiver.port, 0);
    await receiver.finish();
    expect(datagrams).toEqual(sent);
  });

  test("a receiver that was closed reads nothing of the socket that gets its file descriptor", async () => {
    // Two, because it gives back two: that of its socket and that of its wall.
    const others = await Promise.all((await freePorts(2)).map(reservation));
    let closing = false;
    const { receiver, datagrams } = await open({
      gather: 10,
      onTurnEnd: () => {
        if (!closing) return;
        closing = false;
        receiver.close();
        for (const other of others) other.listen();
        for (const { sender } of others) for (let i = 0; i < 10; i++) sender.send(`other ${i}`);
      },
    });
    // A busy receiver reads in bulk after each turn: past Bun, by the number of its file descriptor.
    for (let round = 0; round < 10; round++) {
      datagrams.length = 0;
      await burst(receiver.port, 0, 150);
      await until("all of the burst", () => datagrams.length === 150);
    }
    closing = true;
    await burst(receiver.port, 0, 10);
    const toOthers = () => others.flatMap((other) => other.datagrams);
    const stolen = () => datagrams.filter((datagram) => datagram.startsWith("other"));
    await until("what was sent to the others", () => toOthers().length + stolen().length === 20);
    expect(stolen()).toEqual([]);
  });
});

/** A socket that is opened later, within one turn of the event loop, and a sender that is connected to it already. */
async function reservation(port: number) {
  const sender = await silentSocket({ connect: { hostname: "127.0.0.1", port } });
  onTestFinished(() => sender.close());
  const datagrams: string[] = [];
  let socket: udp.Socket<"buffer"> | undefined;
  onTestFinished(() => socket?.close());
  const listen = () => {
    const data = (_: unknown, bytes: Buffer) => void datagrams.push(bytes.toString("latin1"));
    void Bun.udpSocket({ hostname: "127.0.0.1", port, socket: { data } }).then((opened) => {
      socket = opened;
    });
  };
  return { sender, datagrams, listen };
}

/** Works for so long. */
function spin(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

function openConsole(): Console {
  const { config } = readConfig('{ nodes: [{ host: "127.0.0.1", port: 8130 }] }');
  if (config === undefined) throw new Error("the configuration is good");
  const nothing = {
    namesCached: 0,
    receiveBufferBytes: undefined,
    kernelDrops: undefined,
    eventLoopLag: undefined,
    process: { startedAtSeconds: 0, cpuSeconds: 0, residentBytes: 0, heapUsedBytes: 0 },
  };
  const view = () => ({ uptimeSeconds: 0, counters: new Counters(0), nodes: [], ...nothing });
  const memory = () => ({ heapUsedBytes: 1, heapCapacityBytes: 2, residentBytes: 3, objects: 4 });
  const desk = { config, view, memory, health: "up" as const };
  const console = new Console({ host: "127.0.0.1", port: 0, desk, onCut: () => {} });
  onTestFinished(() => console.close());
  return console;
}

function openFiles(): number {
  return LINUX ? readdirSync("/proc/self/fd").length : 0;
}
