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
 * Ports below those that the kernel gives to whoever does not ask for one (from 32768 on, Linux): nobody but a program
 * that asks for such a port gets it between the moment that it was found free and the moment that it is used.
 */
const FIRST = 10_000;
const COUNT = 22_000;
/** Another test run on this machine begins elsewhere. */
let next = Math.floor(Math.random() * COUNT);

/** Ports that were free a moment ago for both UDP and TCP, and that nobody gets by chance. None is given twice. */
export async function freePorts<Count extends number>(count: Count): Promise<number[] & { length: Count }> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST + (next++ % COUNT);
    if (await isFree(port)) ports.push(port);
  }
  return ports as number[] & { length: Count };
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
