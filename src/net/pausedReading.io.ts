/**
 * Pauses Bun's own reading of a UDP socket. Bun 1.4.5 reads until the socket is empty or fails, and only then runs
 * timers, TCP and signals; in a flood, that is never. A later version bounds this (oven-sh/bun#37103; test: "one turn
 * reads until the socket is empty").
 */
import type { udp } from "bun";
import type { Libc } from "../system/libc.io.ts";

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/** How long the answer to an interrupt may take before ICMP counts as filtered. */
const ANSWER_MS_MAX = 200;

/** A way to pause Bun's reading of a socket. There are two, below. */
export interface PausedReading {
  pause(): void;
  resume(): void;
  close(): void;
}

/**
 * Puts an empty socket in place of the one that Bun reads, so that Bun finds nothing: while paused, Bun's descriptor is
 * a duplicate of the empty one. The real socket keeps receiving under a descriptor of its own. It stays registered with
 * Bun's epoll set, which tracks sockets as well as descriptors, so it wakes Bun again after `resume`. No datagram is
 * lost, and nothing is sent.
 */
export class SwappedSocket implements PausedReading {
  /** The real socket's descriptor, whether Bun is paused or not. */
  readonly fd: number;
  private readonly libc: Libc;
  private readonly bunFd: number;
  private readonly emptyFd: number;

  /** @throws Error if no descriptor is left */
  constructor(libc: Libc, bunFd: number) {
    this.libc = libc;
    this.bunFd = bunFd;
    this.fd = libc.dup(bunFd);
    this.emptyFd = libc.socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (this.fd !== -1 && this.emptyFd !== -1) return;
    this.close();
    throw new Error("no file descriptor left for the socket that metrics arrive at");
  }

  pause(): void {
    this.libc.dup2(this.emptyFd, this.bunFd);
  }

  resume(): void {
    this.libc.dup2(this.fd, this.bunFd);
  }

  /**
   * Call this after `resume` and Bun's own close; otherwise Bun's epoll set would keep a socket that Bun has closed.
   */
  close(): void {
    if (this.fd !== -1) this.libc.close(this.fd);
    if (this.emptyFd !== -1) this.libc.close(this.emptyFd);
  }
}

/**
 * For systems where sockets cannot be swapped (anything but Linux): makes Bun's receive loop return by means of a
 * pending socket error, which the next read reports before it reads. The error is the ICMP answer to a datagram sent to
 * a closed port, so ICMP must work on the loopback interface.
 */
export class IcmpInterrupt implements PausedReading {
  private readonly socket: udp.Socket<"buffer">;
  private readonly closedPort: ClosedPort;
  /** Answers so far. */
  private answers = 0;

  constructor(socket: udp.Socket<"buffer">, closedPort: ClosedPort) {
    this.socket = socket;
    this.closedPort = closedPort;
  }

  pause(): void {
    try {
      this.socket.send("", this.closedPort.port, this.closedPort.address.address);
    } catch {}
  }

  resume(): void {}

  /** Call this for each refusal that the socket reports. */
  answered(): void {
    this.answers++;
  }

  /** Whether answers arrive at all. */
  async works(): Promise<boolean> {
    const untilMs = performance.now() + ANSWER_MS_MAX;
    this.pause();
    while (this.answers === 0 && performance.now() < untilMs) await new Promise((resolve) => setImmediate(resolve));
    return this.answers > 0;
  }

  close(): void {
    this.closedPort.close();
  }
}

export type ClosedPort = udp.ConnectedSocket<"buffer">;

/** A port of our own that refuses every datagram, because its socket is connected elsewhere. */
export async function openClosedPort(loopback: string): Promise<ClosedPort> {
  const discard = 9;
  const socket = { data: () => {}, error: () => {} };
  return await Bun.udpSocket({ hostname: loopback, connect: { hostname: loopback, port: discard }, socket });
}

/** The loopback address of the same family. */
export function loopbackOf(host: string): string {
  return host.includes(":") ? "::1" : "127.0.0.1";
}
