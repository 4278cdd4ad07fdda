/** TCP ports that operators connect to, and their connections, as Bun has them. */
import type { TcpClient, TcpListener, TcpListenerParts } from "../../src/net/network.ts";
import type { EventLoop, Pollable } from "./eventLoop.ts";
import type { Machine } from "./machine.ts";

export class OperatorPort<Data> implements TcpListener, Pollable {
  isQueued = false;
  readonly port: number;
  isClosed = false;
  private readonly machine: Machine;
  private readonly loop: EventLoop;
  private readonly parts: TcpListenerParts<Data>;
  private readonly backlog: OperatorConnection<Data>[] = [];
  private readonly connections = new Set<OperatorConnection<Data>>();

  /** It has its descriptor already. */
  constructor(machine: Machine, loop: EventLoop, parts: TcpListenerParts<Data>) {
    this.machine = machine;
    this.loop = loop;
    this.parts = parts;
    this.port = parts.port;
  }

  /** Undefined: refused. */
  connect(onBytes: (bytes: Buffer) => void, onEnd: () => void): OperatorConnection<Data> | undefined {
    if (this.isClosed) return undefined;
    const connection = new OperatorConnection(this.machine, this.loop, this.parts, onBytes, onEnd, () =>
      this.connections.delete(connection),
    );
    this.backlog.push(connection);
    this.loop.wake(this);
    return connection;
  }

  dispatch(): void {
    while (this.backlog.length > 0 && !this.isClosed) {
      // Without a descriptor they wait.
      if (!this.machine.open()) {
        this.machine.world.after(5, () => this.isClosed || this.loop.wake(this));
        return;
      }
      const connection = this.backlog.shift() as OperatorConnection<Data>;
      this.connections.add(connection);
      connection.accepted();
    }
  }

  stop(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.machine.close();
    for (const connection of this.backlog) connection.refused();
    this.backlog.length = 0;
  }

  close(): void {
    this.stop();
    for (const connection of [...this.connections]) connection.terminate();
  }
}

export class OperatorConnection<Data> implements TcpClient<Data>, Pollable {
  isQueued = false;
  data: Data = undefined as Data;
  private readonly machine: Machine;
  private readonly loop: EventLoop;
  private readonly parts: TcpListenerParts<Data>;
  private readonly onBytes: (bytes: Buffer) => void;
  private readonly onEnd: () => void;
  private readonly onGone: () => void;
  /** What the client sent and the proxy has not read. */
  private incoming: Buffer[] = [];
  private incomingBytes = 0;
  private hasEnded = false;
  private isEndTold = false;
  /** What the proxy wrote and the client has not read. */
  private outgoing: Buffer[] = [];
  private outgoingBytes = 0;
  private isFull = false;
  private isPaused = false;
  private isAccepted = false;
  private isEnding = false;
  private isClosed = false;
  private isReset = false;
  private timeoutAtMs = Number.POSITIVE_INFINITY;

  constructor(
    machine: Machine,
    loop: EventLoop,
    parts: TcpListenerParts<Data>,
    onBytes: (bytes: Buffer) => void,
    onEnd: () => void,
    onGone: () => void,
  ) {
    this.machine = machine;
    this.loop = loop;
    this.parts = parts;
    this.onBytes = onBytes;
    this.onEnd = onEnd;
    this.onGone = onGone;
  }

  // The client's side.

  /** Returns how much the kernel takes. */
  say(bytes: Buffer): number {
    if (this.isClosed) return bytes.length;
    const taken = bytes.subarray(0, Math.max(0, this.parts.receiveBuffer - this.incomingBytes));
    if (taken.length > 0) this.incoming.push(taken);
    this.incomingBytes += taken.length;
    this.wake();
    return taken.length;
  }

  sayEnd(): void {
    this.hasEnded = true;
    this.wake();
  }

  reset(): void {
    this.isReset = true;
    this.wake();
  }

  /** The client reads so much. */
  read(bytesMax: number): void {
    let left = bytesMax;
    while (left > 0 && this.outgoing.length > 0) {
      const [first] = this.outgoing;
      const part = first.subarray(0, left);
      left -= part.length;
      this.outgoingBytes -= part.length;
      if (part.length === first.length) this.outgoing.shift();
      else this.outgoing[0] = first.subarray(part.length);
      this.onBytes(part);
    }
    if (this.isFull && this.outgoingBytes < this.parts.sendBuffer / 2) this.wake();
    if ((this.isEnding || this.isClosed) && this.outgoingBytes === 0) this.onEnd();
  }

  get unreadBytes(): number {
    return this.outgoingBytes;
  }

  // The proxy's side.

  accepted(): void {
    this.isAccepted = true;
    this.parts.socket.open(this);
    this.wake();
  }

  refused(): void {
    this.isClosed = true;
    this.outgoing = [];
    this.outgoingBytes = 0;
    this.onEnd();
  }

  dispatch(): void {
    const { socket } = this.parts;
    if (this.isClosed || !this.isAccepted) return;
    if (this.isReset) {
      socket.error(this);
      this.over();
      return;
    }
    if (this.isFull && this.outgoingBytes < this.parts.sendBuffer / 2) {
      this.isFull = false;
      socket.drain(this);
    }
    while (!this.isClosed && !this.isPaused && this.incoming.length > 0) {
      const bytes = this.incoming.shift() as Buffer;
      this.incomingBytes -= bytes.length;
      socket.data(this, bytes);
    }
    if (this.hasEnded && !this.isEndTold && !this.isClosed && !this.isPaused) {
      this.isEndTold = true;
      socket.end(this);
    }
    if (this.isEnding && this.isEndTold) this.over();
    if (!this.isClosed && this.machine.world.nowMs >= this.timeoutAtMs) {
      this.timeoutAtMs = Number.POSITIVE_INFINITY;
      socket.timeout(this);
    }
  }

  write(bytes: Buffer): number {
    if (this.isClosed || this.isEnding) return -1;
    this.machine.world.nowMs += this.machine.habits.answerMs;
    const taken = Buffer.from(bytes.subarray(0, Math.max(0, this.parts.sendBuffer - this.outgoingBytes)));
    if (taken.length < bytes.length) this.isFull = true;
    if (taken.length > 0) this.outgoing.push(taken);
    this.outgoingBytes += taken.length;
    return taken.length;
  }

  end(): void {
    if (this.isClosed || this.isEnding) return;
    // Half of it is over: what the client sends is read until it ends its own.
    this.isEnding = true;
    if (this.outgoingBytes === 0) this.onEnd();
    this.wake();
  }

  terminate(): void {
    if (this.isClosed) return;
    this.outgoing = [];
    this.outgoingBytes = 0;
    this.over();
  }

  timeout(seconds: number): void {
    const atMs = this.machine.world.nowMs + 1000 * seconds;
    this.timeoutAtMs = atMs;
    this.machine.world.after(1000 * seconds, () => {
      if (this.timeoutAtMs === atMs) this.wake();
    });
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.wake();
  }

  private wake(): void {
    if (!this.isClosed) this.loop.wake(this);
  }

  private over(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.isAccepted) this.machine.close();
    this.onGone();
    if (this.outgoingBytes === 0) this.onEnd();
    this.parts.socket.close(this);
  }
}
