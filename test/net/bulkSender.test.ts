import { describe, expect, onTestFinished, test } from "bun:test";
import { BulkSender } from "../../src/net/bulkSender.io.ts";
import { bunNetwork } from "../../src/net/bunNetwork.io.ts";
import type { UdpConnection } from "../../src/net/network.ts";
import { BATCH_DATAGRAMS_MAX, Batch } from "../../src/relay/batch.ts";
import { openLibc } from "../../src/system/libc.io.ts";
import { Backend } from "../support/backend.ts";
import { silentSocket } from "../support/ports.ts";
import { spoilFreeMemory } from "../support/slots.ts";
import { until } from "../support/until.ts";

async function connectionTo(port: number): Promise<UdpConnection> {
  const parts = { host: "127.0.0.1", port, onError: () => {}, onDrain: () => {} };
  const connection = await bunNetwork.connectUdp(parts);
  onTestFinished(() => connection.close());
  return connection;
}

/** One line in each datagram. */
function batchOf(lines: readonly string[]): Batch {
  const batch = new Batch(0);
  for (const line of lines) expect(batch.append(Buffer.from(line), 0, line.length, 1)).toBe(line.length);
  return batch;
}

function linesOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `name${i}:${"1".repeat(i)}|c`);
}

describe.skipIf(process.platform !== "linux")("a batch that is sent in bulk (Linux only)", () => {
  test("arrives whole and in order, as many datagrams as it can hold, and no line that was sent before", async () => {
    const backend = await Backend.open();
    const connection = await connectionTo(backend.port);
    const lines = linesOf(BATCH_DATAGRAMS_MAX);
    const batch = batchOf(["sent:1|c", ...lines.slice(1)]);
    batch.shift(1);
    expect(connection.sendBatch?.(batch)).toBe(BATCH_DATAGRAMS_MAX - 1);
    await until("all arrived", () => backend.lines.length === BATCH_DATAGRAMS_MAX - 1);
    expect(backend.lines).toEqual(lines.slice(1));
  });

  test("is each node's own, though one after the other is sent", async () => {
    const backends = await Promise.all([Backend.open(), Backend.open()]);
    const connections = await Promise.all(backends.map(({ port }) => connectionTo(port)));
    const batches = [batchOf(["a:1|c", "aa:1|c"]), batchOf(["b:1|c"])];
    for (let round = 0; round < 3; round++) {
      connections.forEach(
        (connection, i) => void expect(connection.sendBatch?.(batches[i])).toBe(batches[i].datagrams),
      );
    }
    await until("all arrived", () => backends[0].lines.length === 6 && backends[1].lines.length === 3);
    expect(new Set(backends[0].lines)).toEqual(new Set(["a:1|c", "aa:1|c"]));
    expect(new Set(backends[1].lines)).toEqual(new Set(["b:1|c"]));
  });

  test("stops before a datagram that the kernel does not take", async () => {
    const backend = await Backend.open();
    const connection = await connectionTo(backend.port);
    expect(connection.sendBatch?.(batchOf(["a:1|c", "x".repeat(65_508), "b:1|c"]))).toBe(1);
    expect(connection.sendBatch?.(batchOf(["x".repeat(65_508)]))).toBe(0);
  });

  test("goes nowhere by a socket that is closed: its descriptor may belong to another one", async () => {
    const [one, other] = await Promise.all([Backend.open(), Backend.open()]);
    const closed = await connectionTo(one.port);
    closed.close();
    const open = await connectionTo(other.port);
    expect(closed.sendBatch?.(batchOf(["a:1|c"]))).toBe(0);
    expect(open.sendBatch?.(batchOf(["b:1|c"]))).toBe(1);
    await until("one arrived", () => other.lines.length === 1);
    expect(other.lines).toEqual(["b:1|c"]);
  });

  test("arrives, whatever was in the sender's memory before", async () => {
    const backend = await Backend.open();
    const socket = await silentSocket({ connect: { hostname: "127.0.0.1", port: backend.port } });
    onTestFinished(() => socket.close());
    const { fd } = socket as unknown as { fd: number };
    const batch = batchOf(["a:1|c", "b:1|c"]);
    spoilFreeMemory();
    expect(new BulkSender(openLibc()).send(fd, batch)).toBe(2);
    await until("both arrived", () => backend.lines.length === 2);
    expect(backend.lines).toEqual(["a:1|c", "b:1|c"]);
  });
});
