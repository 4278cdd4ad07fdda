/**
 * The process of the backends: `backends.ts COUNT`. Each is a UDP port that counts what arrives, and a TCP port that
 * answers `health: up`. It starts with a line of JSON that lists the ports (`BackendPorts[]`), answers the lines
 * `reset` and `stats` on standard input with a line of JSON (`BackendsStats`), and exits when its input ends.
 *
 * It polls its ports once a millisecond instead of being woken by what arrives: waking a process on another core is
 * expensive, especially in a virtual machine, and the sender, the relay, pays for it.
 */
import { ptr } from "bun:ffi";
import type { udp } from "bun";
import type { Datagrams } from "../../src/core/datagrams.ts";
import { BulkReader } from "../../src/net/bulkReader.io.ts";
import { type Libc, openLibc } from "../../src/system/libc.io.ts";
import { NAME_PREFIX } from "./workloads.ts";

export interface BackendPorts {
  readonly port: number;
  readonly managementport: number;
}

/** What all backends received since the last reset. */
export interface BackendsStats {
  readonly datagrams: number;
  readonly metrics: number;
  readonly bytes: number;
}

const HOST = "127.0.0.1";
const LOOK_AGAIN_MS = 1;
/** Most bulk reads of one port per poll, so that the others get their turn. */
const READS_MAX = 64;
const RECEIVE_BUFFER_BYTES = 64 * 1024 * 1024;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
/** Like SO_RCVBUF, but beyond net.core.rmem_max; needs CAP_NET_ADMIN. */
const SO_RCVBUFFORCE = 33;
const LF = 0x0a;
const PREFIX = Buffer.from(NAME_PREFIX);

class Tally {
  datagrams = 0;
  metrics = 0;
  bytes = 0;

  /** Counts the datagram `bytes[start, end)`; its metrics are the lines that begin with the prefix. */
  readonly datagram = (bytes: Buffer, start: number, end: number): void => {
    this.datagrams++;
    this.bytes += end - start;
    let matched = 0; // bytes of the prefix matched at the start of this line; -1: no match
    for (let at = start; at < end; at++) {
      const byte = bytes[at];
      if (byte === LF) matched = 0;
      else if (matched >= 0 && byte === PREFIX[matched]) {
        if (++matched < PREFIX.length) continue;
        this.metrics++;
        matched = -1;
      } else matched = -1;
    }
  };

  /** Counts the datagrams of a bulk read. */
  readonly datagramsInBulk = (datagrams: Datagrams): void => {
    for (let i = 0; i < datagrams.count; i++) {
      const datagram = datagrams.view(i);
      this.datagram(datagram, 0, datagram.length);
    }
  };

  reset(): void {
    this.datagrams = this.metrics = this.bytes = 0;
  }
}

if (import.meta.main) await main();

async function main(): Promise<void> {
  const count = Number(process.argv[2]);
  const tally = new Tally();
  const libc = libcIfAny();
  const sockets = await Promise.all(Array.from({ length: count }, () => openBackend(tally)));
  const ports = sockets.map(({ port }) => ({ port, managementport: openHealth() }));
  const readers = libc ? sockets.map((socket) => bulkReader(socket, libc)) : [];
  const look = () => {
    for (const reader of readers) for (let i = 0; i < READS_MAX && reader.read(tally.datagramsInBulk); i++);
  };
  keepLooking(look);

  answer(ports satisfies BackendPorts[]);
  for await (const command of console) {
    if (command === "") break; // the end of the input (Bun 1.4.5)
    look();
    if (command === "reset") tally.reset();
    const { datagrams, metrics, bytes } = tally;
    answer({ datagrams, metrics, bytes } satisfies BackendsStats);
  }
  process.exit(0);
}

/** Between two polls, the event loop runs once: without bulk reads, that is when Bun reads. */
function keepLooking(look: () => void): void {
  const turn = () => {
    look();
    Bun.sleepSync(LOOK_AGAIN_MS);
    setImmediate(turn);
  };
  turn();
}

async function openBackend(tally: Tally): Promise<udp.Socket<"buffer">> {
  const data = (_: unknown, bytes: Buffer) => tally.datagram(bytes, 0, bytes.length);
  return await Bun.udpSocket({ hostname: HOST, port: 0, socket: { data, error: () => {} } });
}

/** Also makes the socket's receive buffer as large as the kernel permits. */
function bulkReader(socket: udp.Socket<"buffer">, libc: Libc): BulkReader {
  // Missing from Bun's types (1.4.5).
  const { fd } = socket as unknown as { fd: number };
  const size = ptr(Int32Array.of(RECEIVE_BUFFER_BYTES));
  if (libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4) !== 0) {
    libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, size, 4);
  }
  return new BulkReader(libc, fd);
}

function libcIfAny(): Libc | undefined {
  try {
    return openLibc();
  } catch {
    return undefined;
  }
}

/** Returns the port. */
function openHealth(): number {
  const data = (client: { write(text: string): unknown }) => void client.write("health: up\n");
  return Bun.listen({ hostname: HOST, port: 0, socket: { data, error: () => {} } }).port;
}

function answer(value: object): void {
  console.log(JSON.stringify(value));
}
