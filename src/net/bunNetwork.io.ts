/** The network as Bun and the kernel provide it. */
import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { libcHere, openLibc, setReceiveBuffer, setSendBuffer } from "../system/libc.io.ts";
import { isIP } from "../text/ip.ts";
import { BulkSender } from "./bulkSender.io.ts";
import { listenUdp } from "./bunUdpListener.io.ts";
import { unmapped } from "./ipAddress.ts";
import { bunNameService } from "./nameService.io.ts";
import type {
  Network,
  TcpConnection,
  TcpConnectionParts,
  TcpListener,
  TcpListenerParts,
  UdpConnection,
  UdpConnectionParts,
} from "./network.ts";
import { connectByNode } from "./nodeConnection.io.ts";
import { connectBySystemCalls } from "./tcpConnection.io.ts";

export const bunNetwork: Network = {
  nameService: bunNameService,
  resolve: resolveHost,
  ownAddresses,
  // Test: "each answer to a datagram is told to the error handler".
  repeatsAnswers: process.platform === "linux",
  listenUdp,
  connectUdp,
  connectTcp,
  listenTcp,
};

/** None where the system does not tell: a service may be denied netlink sockets (RestrictAddressFamilies). */
function ownAddresses(): string[] {
  try {
    return Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
  } catch {
    return [];
  }
}

/** Prefers IPv4. An address resolves to itself, an IPv4-mapped IPv6 address to its IPv4 address. */
async function resolveHost(host: string): Promise<string> {
  if (isIP(host) !== 0) return unmapped(host);
  return (await lookup(host, { order: "ipv4first" })).address;
}

/**
 * One socket per node: on a shared socket, the ICMP answer to a dead node's datagram makes sends to live nodes fail
 * (test: "a dead node does not affect the live ones").
 */
async function connectUdp({ host, port, onError, onDrain }: UdpConnectionParts): Promise<UdpConnection> {
  const socket = await Bun.udpSocket({
    // Bun binds to IPv4 by default, and then cannot connect to an IPv6 address.
    hostname: host.includes(":") ? "::" : "0.0.0.0",
    connect: { hostname: host, port },
    socket: {
      // Whatever a backend sends back is ignored.
      data: () => {},
      drain: onDrain,
      // Without a handler, a refusal would end the process. It gets only the error, unlike what its type says (Bun
      // 1.4.5).
      error: (...args: unknown[]) => onError(args.at(-1)),
    },
  });
  const sender = bulkSender();
  // Missing from Bun's types (1.4.5). A closed socket's descriptor may belong to another one.
  const { fd } = socket as unknown as { fd: number };
  return {
    send: (datagram) => socket.send(datagram),
    sendMany: (datagrams) => socket.sendMany(datagrams),
    ...(sender && { sendBatch: (batch) => (socket.closed ? 0 : sender.send(fd, batch)) }),
    close: () => socket.close(),
  };
}

/** One for all sockets; undefined: there is no C library to call. */
let bulk: BulkSender | undefined;

function bulkSender(): BulkSender | undefined {
  const libc = libcHere();
  if (!(libc instanceof Error)) bulk ??= new BulkSender(libc);
  return bulk;
}

/**
 * Bun.connect cannot give up a connection attempt (Bun 1.4.5), so that against a host that drops packets, each check would
 * leave a socket behind for two minutes.
 */
function connectTcp(parts: TcpConnectionParts): TcpConnection {
  const libc = libcHere();
  return libc instanceof Error ? connectByNode(parts) : connectBySystemCalls(libc, parts);
}

function listenTcp<Data>({ host, port, socket, receiveBuffer, sendBuffer }: TcpListenerParts<Data>): TcpListener {
  const listener = Bun.listen<Data>({
    hostname: host,
    port,
    // A client that half-closes after its request (`nc -N`) still gets its answer.
    allowHalfOpen: true,
    socket,
  });
  try {
    // Accepted sockets inherit their listener's buffer sizes. Its `fd` is missing from Bun's types (1.4.5).
    const { fd } = listener as unknown as { fd: number };
    const libc = openLibc();
    setSendBuffer(libc, fd, sendBuffer);
    setReceiveBuffer(libc, fd, receiveBuffer);
  } catch {}
  return { port: listener.port, stop: () => listener.stop(false), close: () => listener.stop(true) };
}
