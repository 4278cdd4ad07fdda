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

/** Ports that were free a moment ago for both UDP and TCP, no two the same. */
export async function freePorts<Count extends number>(count: Count): Promise<number[] & { length: Count }> {
  const held = await Promise.all(Array.from({ length: count }, holdPort));
  await Promise.all(held.map(({ release }) => release()));
  return held.map(({ port }) => port) as number[] & { length: Count };
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

/** TCP first: what the kernel chose for one protocol may be taken in the other, and then another is chosen. */
async function holdPort(): Promise<{ port: number; release: () => Promise<void> }> {
  for (;;) {
    const server = createServer();
    const port = await new Promise<number>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: HOST, port: 0 }, () => resolve((server.address() as { port: number }).port));
    });
    const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
    try {
      const socket = await Bun.udpSocket({ hostname: HOST, port, socket: { data: () => {} } });
      const release = () => {
        socket.close();
        return close();
      };
      return { port, release };
    } catch {
      await close();
    }
  }
}
