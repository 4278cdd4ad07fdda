import { expect, onTestFinished, test } from "bun:test";
import { BulkReader, CONTROL_WORDS, CONTROLS } from "../../src/net/bulkReader.io.ts";
import { listenUdp } from "../../src/net/bunUdpListener.io.ts";
import { BULK_DATAGRAMS } from "../../src/net/network.ts";
import { openLibc, wordsThatStay } from "../../src/system/libc.io.ts";
import { silentSocket } from "../support/ports.ts";
import { spoilFreeMemory, textsOf } from "../support/slots.ts";

/** Sends datagrams, then reads them in bulk; returns what each read gave. */
async function readAfter(sent: readonly string[]): Promise<string[][]> {
  const listener = await listenUdp({
    ...{ host: "127.0.0.1", port: 0, reusePort: false, receiveBuffer: 1 << 20 },
    onDatagram: () => {},
    onError: () => {},
  });
  onTestFinished(() => listener.close());
  const { kernel, port } = listener;
  if (kernel instanceof Error) throw kernel;
  const sender = await silentSocket({ connect: { hostname: "127.0.0.1", port } });
  onTestFinished(() => sender.close());
  // Over loopback they arrive at once. Nothing is awaited from here on, so Bun reads none of them.
  for (const datagram of sent) expect(sender.send(datagram)).toBe(true);
  const readings: string[][] = [];
  do {
    const read: string[] = [];
    const count = kernel.read((datagrams) => void read.push(...textsOf(datagrams)));
    expect(count).toBe(read.length);
    readings.push(read);
  } while (readings.at(-1)?.length !== 0);
  return readings;
}

const LINUX = process.platform === "linux";

test.skipIf(!LINUX)("a bulk read takes 64 datagrams, in order, and the next takes the rest (Linux only)", async () => {
  const sent = Array.from({ length: BULK_DATAGRAMS + 6 }, (_, i) => `datagram ${i}`);
  expect(await readAfter(sent)).toEqual([sent.slice(0, BULK_DATAGRAMS), sent.slice(BULK_DATAGRAMS), []]);
});

test.skipIf(!LINUX)("datagrams of every length are read whole (Linux only)", async () => {
  const sent = [0, 1, 1500, 1501, 9000, 65_507, 2].map((length, i) => `${i}`.repeat(length));
  const [read] = await readAfter(sent);
  expect(read.map(({ length }) => length)).toEqual(sent.map(({ length }) => length));
  expect(read.every((datagram, i) => datagram === sent[i])).toBe(true);
});

test.skipIf(!LINUX)(
  "who sent a datagram is known from the read after the one that asked, once for each time (Linux only)",
  async () => {
    const listener = await listenUdp({
      ...{ host: "127.0.0.1", port: 0, reusePort: false, receiveBuffer: 1 << 20 },
      onDatagram: () => {},
      onError: () => {},
    });
    onTestFinished(() => listener.close());
    const { kernel, port } = listener;
    if (kernel instanceof Error) throw kernel;
    const senders = await Promise.all([0, 1].map(() => silentSocket({ connect: { hostname: "127.0.0.1", port } })));
    for (const sender of senders) onTestFinished(() => sender.close());
    const addresses = senders.map(({ port }) => `127.0.0.1:${port}`);
    /** What is said of the datagrams of a read when it is asked of those in `asked`. */
    const read = (asked: readonly number[]) => {
      for (const sender of senders) sender.send("a:1|c");
      const said: unknown[] = [];
      kernel.read(({ count }) => {
        for (let i = 0; i < count; i++) said.push(asked.includes(i) ? listener.sender?.(i) : "not asked");
      });
      return said;
    };
    expect(read([])).toEqual(["not asked", "not asked"]);
    expect(read([1])).toEqual(["not asked", undefined]);
    expect(read([])).toEqual(["not asked", "not asked"]);
    expect(read([0, 1])).toEqual(addresses);
    expect(read([1])).toEqual(["not asked", undefined]);
    expect(read([1])).toEqual(["not asked", addresses[1]]);
    // Of none that is being read nothing is known.
    expect(listener.sender?.(0)).toBeUndefined();
  },
);

test.skipIf(!LINUX)(
  "of every read any of the control data may be chosen, and none but those of it (Linux only)",
  async () => {
    const receiver = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data: () => {} } });
    const sender = await silentSocket({ connect: { hostname: "127.0.0.1", port: receiver.port } });
    for (const socket of [receiver, sender]) onTestFinished(() => socket.close());
    const { fd } = receiver as unknown as { fd: number };
    const reader = new BulkReader(openLibc(), fd, wordsThatStay(CONTROLS * CONTROL_WORDS));
    for (const [count, controls] of [
      [1, 1],
      [8, 1],
      [9, 2],
      [20, 3],
      [BULK_DATAGRAMS, CONTROLS],
    ]) {
      const chosen = new Set<number>();
      for (let round = 0; round < 100; round++) {
        for (let i = 0; i < count; i++) sender.send("a:1|c");
        expect(reader.read(() => {})).toBe(count);
        chosen.add(reader.chosen);
      }
      expect([...chosen].sort((a, b) => a - b)).toEqual(Array.from({ length: controls }, (_, i) => i));
    }
  },
);

test.skipIf(!LINUX)("it does not mind what was in its memory before (Linux only)", async () => {
  spoilFreeMemory();
  expect(await readAfter(["a:1|c", "b:1|c"])).toEqual([["a:1|c", "b:1|c"], []]);
});
