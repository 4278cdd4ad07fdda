/** The network by way of Bun, node:net and the kernel. */
import { lookup } from "node:dns/promises";
import { connect, isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { openDescriptorTrial } from "../system/descriptors.io.ts";
import { openLibc, setReceiveBuffer, setSendBuffer } from "../system/libc.io.ts";
import { listenUdp } from "./bunUdpListener.io.ts";
import type {
  Network,
  TcpConnection,
  TcpConnectionParts,
  TcpListener,
  TcpListenerParts,
  UdpConnection,
  UdpConnectionParts,
} from "./network.ts";

export const bunNetwork: Network = {
  resolve: resolveHost,
  ownAddresses: () => Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []),
  hasDescriptor: () => {
    trial ??= openDescriptorTrial();
    return trial();
  },
  // Test: "each answer to a datagram is told to the error handler".
  repeatsAnswers: process.platform === "linux",
  listenUdp,
  connectUdp,
  connectTcp,
  listenTcp,
};

/** To try whether there is a descriptor left is tried out once. */
let trial: (() => boolean) | undefined;

/** IPv4 first; an address is its own, an IPv4 address written as IPv6 the IPv4 one. */
async function resolveHost(host: string): Promise<string> {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host);
  if (mapped) return mapped[1];
  if (isIP(host) !== 0) return host;
  return (await lookup(host, { order: "ipv4first" })).address;
}

/**
 * One socket for each node, because on a shared one the answer to a dead node's datagram makes the sends to living nodes
 * fail (test: "a dead node costs the living nothing").
 */
async function connectUdp({ host, port, onError, onDrain }: UdpConnectionParts): Promise<UdpConnection> {
  return await Bun.udpSocket({
    // Bun binds to IPv4 if it is not told otherwise, and cannot connect to an IPv6 address then.
    hostname: host.includes(":") ? "::" : "0.0.0.0",
    connect: { hostname: host, port },
    socket: {
      // What a backend might send back is none of our business.
      data: () => {},
      drain: onDrain,
      // Without a handler a refusal would end the process. It gets the error alone, not as its type says (Bun 1.4.5).
      error: (...args: unknown[]) => onError(args.at(-1)),
    },
  });
}

/**
 * By node:net, because Bun.connect has no way to give up a connection that is still being made (Bun 1.4.5): against a
 * host that drops packets each check would leave a socket behind for two minutes.
 */
function connectTcp({ host, port, onConnect, onBytes, onEnd }: TcpConnectionParts): TcpConnection {
  const socket = connect({ host, port });
  socket.on("connect", onConnect);
  socket.on("data", onBytes);
  socket.on("end", () => onEnd(undefined));
  socket.on("close", () => onEnd(undefined));
  // What it says after it was given up is of no use to anyone, but without a handler it would end the process.
  socket.on("error", (error: NodeJS.ErrnoException) => onEnd(error.code ?? error.message));
  return socket;
}

function listenTcp<Data>({ host, port, socket, receiveBuffer, sendBuffer }: TcpListenerParts<Data>): TcpListener {
  const listener = Bun.listen<Data>({
    hostname: host,
    port,
    // So that a client that has sent all it wants to say (`nc -N`) still gets its answer.
    allowHalfOpen: true,
    socket,
  });
  try {
    // Sockets that are accepted have the buffers of their listener. Its `fd` is not in Bun's types (1.4.5).
    const { fd } = listener as unknown as { fd: number };
    const libc = openLibc();
    setSendBuffer(libc, fd, sendBuffer);
    setReceiveBuffer(libc, fd, receiveBuffer);
  } catch {}
  return { port: listener.port, close: () => listener.stop(true) };
}
