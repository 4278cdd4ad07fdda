/** A network without sockets: it records what is sent, and the test decides what the other side does. */

import type {
  Network,
  TcpClient,
  TcpConnection,
  TcpConnectionParts,
  TcpListener,
  TcpListenerParts,
  UdpConnection,
  UdpConnectionParts,
} from "../../src/net/network.ts";
import { BULK_DATAGRAMS, type UdpKernel, type UdpListener, type UdpListenerParts } from "../../src/net/network.ts";
import { FakeNames } from "./nameServer.ts";
import { Slots } from "./slots.ts";

export class FakeNetwork implements Network {
  readonly repeatsAnswers = true;
  readonly nameService = new FakeNames();
  /** Everything that was opened, in order. */
  readonly udp: FakeUdp[] = [];
  readonly tcp: FakeTcp[] = [];
  readonly listeners: FakeListener[] = [];
  readonly servers: FakeServer[] = [];

  async resolve(host: string): Promise<string> {
    return host;
  }

  ownAddresses(): readonly string[] {
    return [];
  }

  async listenUdp(parts: UdpListenerParts): Promise<UdpListener> {
    return added(this.listeners, new FakeListener(parts));
  }

  async connectUdp(parts: UdpConnectionParts): Promise<UdpConnection> {
    return added(this.udp, new FakeUdp(parts));
  }

  connectTcp(parts: TcpConnectionParts): TcpConnection {
    return added(this.tcp, new FakeTcp(parts));
  }

  listenTcp<Data>(parts: TcpListenerParts<Data>): TcpListener {
    return added(this.servers, new FakeServer(parts as unknown as TcpListenerParts<unknown>));
  }
}

function added<T>(all: T[], one: T): T {
  all.push(one);
  return one;
}

/** A socket to a node. */
export class FakeUdp implements UdpConnection {
  readonly parts: UdpConnectionParts;
  readonly sent: string[] = [];
  isFull = false;
  isClosed = false;

  constructor(parts: UdpConnectionParts) {
    this.parts = parts;
  }

  send(datagram: Buffer): boolean {
    if (this.isFull) return false;
    this.sent.push(datagram.toString("latin1"));
    return true;
  }

  sendMany(datagrams: Buffer[]): number {
    return datagrams.filter((datagram) => this.send(datagram)).length;
  }

  close(): void {
    this.isClosed = true;
  }

  /** It takes datagrams again. */
  drain(): void {
    this.isFull = false;
    this.parts.onDrain();
  }

  /** The answer to an earlier datagram. */
  answer(code: string): void {
    this.parts.onError(Object.assign(new Error(code), { code }));
  }
}

/** A connection to a node's management port. It connects and answers only when the test calls its `parts`. */
export class FakeTcp implements TcpConnection {
  readonly parts: TcpConnectionParts;
  readonly questions: string[] = [];
  isDestroyed = false;

  constructor(parts: TcpConnectionParts) {
    this.parts = parts;
  }

  write(text: string): void {
    this.questions.push(text);
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

/** A listening UDP socket, and the kernel behind it. */
export class FakeListener implements UdpListener {
  readonly port: number;
  readonly parts: UdpListenerParts;
  readonly kernel: UdpKernel | Error;
  readonly canBeInterrupted = true;
  /** The calls it got, in order. */
  readonly done: string[] = [];
  /** Datagrams in the kernel's buffer. */
  held = 0;
  dropped = 0;
  /** Called at each bulk read. */
  onRead: () => void = () => {};

  constructor(parts: UdpListenerParts, kernel?: Error) {
    this.parts = parts;
    this.port = parts.port;
    this.kernel = kernel ?? {
      receiveBufferBytes: 2 * parts.receiveBuffer,
      read: (onDatagrams) => this.read(onDatagrams),
      drops: () => this.dropped,
      refuseSenders: () => void this.done.push("refuseSenders"),
      setReceiveBuffer: (bytes) => {
        this.done.push(`setReceiveBuffer ${bytes}`);
        return 2 * bytes;
      },
      setReusePort: (allowed) => void this.done.push(`setReusePort ${allowed}`),
    };
  }

  pause(): void {
    this.done.push("pause");
  }

  resume(): void {
    this.done.push("resume");
  }

  close(): void {
    this.done.push("close");
  }

  private read(onDatagrams: Parameters<UdpKernel["read"]>[0]): number {
    this.onRead();
    this.done.push("read");
    const count = Math.min(this.held, BULK_DATAGRAMS);
    this.held -= count;
    if (count > 0) onDatagrams(SLOTS.of(...Array(count).fill(DATAGRAM)));
    return count;
  }
}

const DATAGRAM = Buffer.from("a:1|c");
const SLOTS = new Slots(BULK_DATAGRAMS, DATAGRAM.length);

/** A listening TCP socket. */
export class FakeServer implements TcpListener {
  readonly parts: TcpListenerParts<unknown>;
  readonly port: number;

  constructor(parts: TcpListenerParts<unknown>) {
    this.parts = parts;
    this.port = parts.port;
  }

  /** A client connects. */
  connect(): FakeClient {
    const client = new FakeClient(this.parts.socket);
    this.parts.socket.open(client);
    return client;
  }

  stop(): void {}

  close(): void {}
}

/** A client: what the server sees of it, and what it does. */
export class FakeClient implements TcpClient<unknown> {
  data: unknown;
  /** What was written to it. */
  text = "";
  /** How many more bytes it will read. */
  reads = Number.POSITIVE_INFINITY;
  /** Each timeout that was set, in seconds. */
  readonly timeouts: number[] = [];
  isPaused = false;
  isEnded = false;
  isTerminated = false;
  private readonly socket: TcpListenerParts<unknown>["socket"];

  constructor(socket: TcpListenerParts<unknown>["socket"]) {
    this.socket = socket;
  }

  write(bytes: Buffer): number {
    const taken = Math.min(this.reads, bytes.length);
    this.reads -= taken;
    this.text += bytes.toString("latin1", 0, taken);
    return taken;
  }

  end(): void {
    this.isEnded = true;
  }

  terminate(): void {
    this.isTerminated = true;
  }

  timeout(seconds: number): void {
    this.timeouts.push(seconds);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  send(text: string): void {
    this.socket.data(this, Buffer.from(text, "latin1"));
  }

  /** Reads this much more. */
  read(bytes: number): void {
    this.reads += bytes;
    this.socket.drain(this);
  }

  /** Closes its sending half. */
  halfClose(): void {
    this.socket.end(this);
  }

  /** Its timeout fires. */
  timeOut(): void {
    this.socket.timeout(this);
  }

  /** Disconnects. */
  close(): void {
    this.socket.close(this);
  }
}
