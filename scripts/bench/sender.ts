/**
 * The process that sends: `sender.ts PORT WORKLOAD`. For each line `DATAGRAMS_PER_SECOND SECONDS` on standard input it
 * sends for that long, then answers with a line of JSON (`SendReport`); it exits when its input ends.
 */
import { writeFileSync } from "node:fs";
import type { udp } from "bun";
import { type Datagram, datagramsOf, WORKLOADS, type WorkloadName } from "./workloads.ts";

/** What was actually sent. */
export interface SendReport {
  readonly datagrams: number;
  readonly metrics: number;
  readonly seconds: number;
}

/** Most datagrams per sendMany. */
const DATAGRAMS_MAX = 64;
/** A nap takes about this much longer than requested, and costs 20 us of CPU time. */
const NAP_MS_MIN = 0.05;
/** Delays beyond this are not made up for: a burst would measure the burst. */
const LATE_MS_MAX = 5;
/** What a nap waits for, in vain. */
const nobody = new Int32Array(new SharedArrayBuffer(4));

type SenderSocket = udp.ConnectedSocket<"buffer">;

if (import.meta.main) await main();

async function main(): Promise<void> {
  const [port, workload] = process.argv.slice(2);
  napPrecisely();
  const datagrams = datagramsOf(WORKLOADS[workload as WorkloadName]);
  const connect = { hostname: "127.0.0.1", port: Number(port) };
  const socket = await Bun.udpSocket({ connect, socket: { error: () => {} } });
  const sender = new Sender(socket, datagrams);
  for await (const line of console) {
    if (line === "") break; // the end of the input (Bun 1.4.5)
    const [rate, seconds] = line.split(" ").map(Number);
    console.log(JSON.stringify(sender.send(rate, seconds)));
  }
  process.exit(0);
}

class Sender {
  private readonly socket: SenderSocket;
  private readonly datagrams: readonly Datagram[];
  private readonly payloads: readonly Buffer[];
  private next = 0;

  constructor(socket: SenderSocket, datagrams: readonly Datagram[]) {
    this.socket = socket;
    this.datagrams = datagrams;
    this.payloads = datagrams.map(({ bytes }) => bytes);
  }

  /** Sends evenly, each datagram when it is due; as fast as possible if that is not enough. */
  send(datagramsPerSecond: number, seconds: number): SendReport {
    const perMs = datagramsPerSecond / 1000;
    const startMs = performance.now();
    const endMs = startMs + seconds * 1000;
    let dueFromMs = startMs;
    let sentSince = 0;
    let datagrams = 0;
    let metrics = 0;
    for (let nowMs = startMs; nowMs < endMs; nowMs = performance.now()) {
      const nextDueMs = dueFromMs + (sentSince + 1) / perMs;
      if (nextDueMs > nowMs) {
        nap(Math.min(nextDueMs, endMs) - nowMs);
        continue;
      }
      if (nowMs - nextDueMs > LATE_MS_MAX) {
        dueFromMs = nowMs - 1 / perMs;
        sentSince = 0;
      }
      const due = Math.max(1, Math.floor((nowMs - dueFromMs) * perMs - sentSince));
      const sent = this.sendSome(Math.min(due, DATAGRAMS_MAX));
      for (let i = 0; i < sent; i++) metrics += this.datagrams[this.next + i].metrics;
      this.next = (this.next + sent) % this.datagrams.length;
      sentSince += sent;
      datagrams += sent;
    }
    return { datagrams, metrics, seconds: (performance.now() - startMs) / 1000 };
  }

  /** Tries to send this many, fewer at the end of the list; returns how many were sent. */
  private sendSome(count: number): number {
    try {
      return this.socket.sendMany(this.payloads.slice(this.next, this.next + count) as Buffer[]);
    } catch {
      return 0;
    }
  }
}

/** Atomics.wait, because Bun.sleepSync takes whole milliseconds only (Bun 1.4.5). */
function nap(ms: number): void {
  if (ms > 0.002) Atomics.wait(nobody, 0, 0, Math.max(ms, NAP_MS_MIN));
}

/** By default, Linux lets a nap take 50 us longer, to combine wakeups. */
function napPrecisely(): void {
  try {
    writeFileSync("/proc/self/timerslack_ns", "1");
  } catch {}
}
