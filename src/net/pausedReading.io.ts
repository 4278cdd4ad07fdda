/**
 * Bun's own reading of a UDP socket, made to pause. Bun 1.4.5 reads until the socket is empty or fails, and only then
 * lets timers, TCP and signals have their turn; in a flood that is never. A later one bounds a turn (oven-sh/bun#37103;
 * test: "one turn reads until the socket is empty").
 */
import type { udp } from "bun";
import type { Libc } from "../system/libc.io.ts";

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/** How long the answer to an interruption may take before ICMP counts as filtered. */
const ANSWER_MS_MAX = 200;

/** A socket whose reading by Bun can be paused: the two ways below. */
export interface PausedReading {
  pause(): void;
  resume(): void;
  close(): void;
}

/**
 * Puts an empty socket in the place of the one that Bun reads, so that Bun finds nothing: its number is the number of
 * the empty one while it is paused. The real one goes on receiving under a number of its own. It stays registered with
 * Bun's epoll set, which knows sockets and not only their numbers, so that it wakes Bun again after `resume`. No
 * datagram is lost, and nothing is sent.
 */
export class SwappedSocket implements PausedReading {
  /** The real socket's number, whether Bun is paused or not. */
  readonly fd: number;
  private readonly libc: Libc;
  private readonly bunFd: number;
  private readonly emptyFd: number;

  /** @throws Error if there is no descriptor left */
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

  /** To be called after `resume` and Bun's own close: else Bun's epoll set would keep what Bun no longer has. */
  close(): void {
    if (this.fd !== -1) this.libc.close(this.fd);
    if (this.emptyFd !== -1) this.libc.close(this.emptyFd);
  }
}

/**
 * Where sockets cannot be swapped (not on Linux): makes Bun's receive loop return by an error that is pending on the
 * socket, which the next read reports before it reads. The error is the answer to a datagram to a port that is closed.
 * It needs ICMP on the loopback interface.
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

  /** To be called with each refusal that the socket is told of. */
  answered(): void {
    this.answers++;
  }

  /** Whether answers come at all. */
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

/** A port that is ours and refuses every datagram, because it belongs to a socket that is connected elsewhere. */
export async function openClosedPort(loopback: string): Promise<ClosedPort> {
  const discard = 9;
  const socket = { data: () => {}, error: () => {} };
  return await Bun.udpSocket({ hostname: loopback, connect: { hostname: loopback, port: discard }, socket });
}

/** The loopback address of the family of an address. */
export function loopbackOf(host: string): string {
  return host.includes(":") ? "::1" : "127.0.0.1";
}
