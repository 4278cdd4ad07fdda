/** Ports for programs that must be told theirs, and ports that refuse. */
import { onTestFinished } from "bun:test";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import type { udp } from "bun";
import type { AtEnd } from "./cleanUp.ts";

const HOST = "127.0.0.1";

/** Not in every container. */
export const IPV6_HERE = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);

/**
 * Ports below those that the kernel gives to whoever does not ask for one (from 32768 on, Linux), in blocks. A process
 * holds a block for as long as it runs, by listening on the block's first port. So no two test processes give out the same
 * port, and nobody but a program that asks for just that port gets it before it is used.
 */
const FIRST = 10_000;
const BLOCK_PORTS = 50;
const BLOCKS = 440;

let next = 0;
let blockEnd = 0;

/** Ports that are free for both UDP and TCP, and that no other test gets. None is given twice. */
export async function freePorts<Count extends number>(count: Count): Promise<number[] & { length: Count }> {
  const ports: number[] = [];
  while (ports.length < count) {
    if (next === blockEnd) holdBlock();
    const port = next++;
    if (await isFree(port)) ports.push(port);
  }
  return ports as number[] & { length: Count };
}

function holdBlock(): void {
  const firstTried = Math.floor(Math.random() * BLOCKS);
  for (let tried = 0; tried < BLOCKS; tried++) {
    const guard = FIRST + ((firstTried + tried) % BLOCKS) * BLOCK_PORTS;
    try {
      Bun.listen({ hostname: HOST, port: guard, socket: { data: () => {} } }).unref();
    } catch {
      continue;
    }
    next = guard + 1;
    blockEnd = guard + BLOCK_PORTS;
    return;
  }
  throw new Error("other test processes hold all ports");
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port as number;
}

/**
 * A UDP port that refuses every datagram and that nobody else can get: that of a socket which is connected elsewhere
 * takes none from others, and the kernel answers them as if nobody listened.
 */
export async function refusingPort(atEnd: AtEnd = onTestFinished): Promise<number> {
  const socket = await silentSocket({ hostname: HOST, connect: { hostname: HOST, port: 9 } });
  atEnd(() => socket.close());
  return socket.port;
}

/** A UDP socket that ignores what comes. */
export async function silentSocket(options: {
  hostname?: string;
  connect: udp.ConnectSocketOptions<"buffer">["connect"];
}): Promise<udp.ConnectedSocket<"buffer">> {
  const { hostname = "0.0.0.0", connect } = options;
  return await Bun.udpSocket({ hostname, connect, socket: { data: () => {}, error: () => {} } });
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listens = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen({ host: HOST, port }, () => resolve(true));
  });
  if (!listens) return false;
  try {
    (await Bun.udpSocket({ hostname: HOST, port, socket: { data: () => {} } })).close();
    return true;
  } catch {
    return false;
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}
