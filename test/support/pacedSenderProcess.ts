/**
 * The process behind pacedSender.ts: sends datagrams of paced lines (tally.ts) at a rate, for as long as it is told to, and
 * never for longer than TIME_MS_MAX or beyond the last serial number. On its standard input, a line each:
 *
 *     go       begins
 *     halt     stops, and says how many datagrams the kernel has taken so far, in all
 *
 * It ends with its standard input.
 */
import { createInterface } from "node:readline";
import { pacedLine, SERIALS_MAX } from "./tally.ts";

const TICK_MS = 4;
/** What a sender that was kept from running makes up for: no more than this, so that it never becomes a flood. */
const BEHIND_MS_MAX = 50;
const TIME_MS_MAX = 30_000;
/** Datagrams in a tick. */
const AT_ONCE_MAX = 256;

const [host, port, rate, linesPerDatagram, flows] = process.argv.slice(2);
const datagramsPerMs = Number(rate) / 1000;
const lines = Number(linesPerDatagram);
const sockets = await Promise.all(
  Array.from({ length: Number(flows) }, () =>
    Bun.udpSocket({
      hostname: host.includes(":") ? "::" : "0.0.0.0",
      connect: { hostname: host, port: Number(port) },
      socket: { data: () => {}, error: () => {} },
    }),
  ),
);
let turn = 0;

let serial = 0;
let sent = 0;
let timer: ReturnType<typeof setInterval> | undefined;
/** Made and not sent yet. */
let waiting: Buffer[] = [];

console.log("ready");
for await (const command of createInterface({ input: process.stdin })) {
  clearInterval(timer);
  if (command === "go") begin();
  else console.log(sent);
}
process.exit(0);

function begin(): void {
  const untilMs = performance.now() + TIME_MS_MAX;
  let lastMs = performance.now();
  let due = 0;
  timer = setInterval(() => {
    const nowMs = performance.now();
    if (nowMs > untilMs || serial + lines > SERIALS_MAX) clearInterval(timer);
    due += Math.min(nowMs - lastMs, BEHIND_MS_MAX) * datagramsPerMs;
    lastMs = nowMs;
    for (; waiting.length < Math.floor(due); serial += lines) waiting.push(datagram());
    const count = send();
    due = Math.min(due - count, BEHIND_MS_MAX * datagramsPerMs + 1);
    sent += count;
    waiting = waiting.slice(count);
  }, TICK_MS);
}

function datagram(): Buffer {
  return Buffer.from(Array.from({ length: lines }, (_, i) => pacedLine(serial + i)).join("\n"));
}

/** How many the kernel took. A refusal of earlier ones ends it early; the next tick sends the rest. */
function send(): number {
  try {
    if (waiting.length === 0) return 0;
    return sockets[turn++ % sockets.length].sendMany(waiting.slice(0, AT_ONCE_MAX));
  } catch {
    return 0;
  }
}
