/**
 * The process behind peer.ts: a backend with a UDP port, whose lines it counts in a tally, and a management port with
 * manners. What it is to do comes on its standard input, a line each, and is answered with the same line when it is done:
 *
 *     a name of MANNERS     the manners of the management port from now on
 *     flap MS               both ports are closed and opened again, by turns, after so many milliseconds
 *     deaf                  the UDP port is closed
 *     steady                no more of that: both are open
 *
 * It ends with its standard input.
 */
import { createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { openLibc, setReceiveBuffer } from "../../src/system/libc.io.ts";
import type { PeerManners } from "./peer.ts";
import { Tally } from "./tally.ts";

const RECEIVE_BUFFER_BYTES = 4 << 20;
/** Longer than a check of the tests may take, and not so long that the answer does not come while the next one waits. */
const SLOW_MS = 350;

/** What each does with a connection, and with what it is asked. */
const MANNERS: Record<PeerManners, { begun?: (socket: Socket) => void; asked: (socket: Socket) => void }> = {
  up: { asked: (socket) => socket.write("health: up\n") },
  down: { asked: (socket) => socket.write("health: down\n") },
  closing: { asked: (socket) => socket.end("health: up\n") },
  silent: { asked: () => {} },
  slow: { asked: (socket) => void setTimeout(() => socket.write("health: up\n"), SLOW_MS) },
  endless: { asked: endlessly },
  halfOpen: { begun: (socket) => socket.end(), asked: () => {} },
  resetting: { begun: (socket) => socket.resetAndDestroy(), asked: (socket) => socket.resetAndDestroy() },
};

const [host, port, managementPort, file, firstManners] = process.argv.slice(2);
const tally = new Tally(file);
const connections = new Set<Socket>();
let manners = firstManners as PeerManners;
let udp: { close: () => void } | undefined;
let tcp: Server | undefined;
let flapping: ReturnType<typeof setInterval> | undefined;

await open();
console.log("ready");
for await (const command of createInterface({ input: process.stdin })) {
  await obey(command);
  console.log(command);
}
process.exit(0);

async function obey(command: string): Promise<void> {
  clearInterval(flapping);
  const [word, ms] = command.split(" ");
  if (word === "flap") flapping = setInterval(() => void (udp ? close() : open()), Number(ms));
  else if (word === "deaf") closeUdp();
  else if (word === "steady") await open();
  else turnTo(word as PeerManners);
}

/** Connections that are there keep to the new manners from the next question on; who was spoken to at the begin must come again. */
function turnTo(next: PeerManners): void {
  const { begun } = MANNERS[next];
  if (begun !== undefined || MANNERS[manners].begun !== undefined) for (const socket of connections) socket.destroy();
  manners = next;
}

async function open(): Promise<void> {
  if (udp === undefined) {
    const data = (_: unknown, bytes: Buffer) => tally.take(bytes);
    const socket = await Bun.udpSocket({ hostname: host, port: Number(port), socket: { data, error: () => {} } });
    setReceiveBuffer(openLibc(), (socket as unknown as { fd: number }).fd, RECEIVE_BUFFER_BYTES);
    udp = socket;
  }
  if (tcp === undefined) {
    tcp = createServer({ allowHalfOpen: true }, connected);
    const server = tcp;
    await new Promise<void>((resolve) => server.listen({ host, port: Number(managementPort) }, resolve));
  }
}

function closeUdp(): void {
  udp?.close();
  udp = undefined;
}

function close(): void {
  closeUdp();
  tcp?.close();
  tcp = undefined;
  for (const socket of connections) socket.resetAndDestroy();
}

function connected(socket: Socket): void {
  connections.add(socket);
  socket.on("close", () => connections.delete(socket));
  socket.on("error", () => {});
  socket.on("data", () => MANNERS[manners].asked(socket));
  // With half-open connections allowed, the other side's end is ours to answer.
  socket.on("end", () => socket.end());
  MANNERS[manners].begun?.(socket);
}

function endlessly(socket: Socket): void {
  const timer = setInterval(() => socket.writableLength < 100_000 && socket.write("no ".repeat(1000)), 5);
  socket.on("close", () => clearInterval(timer));
}
