/**
 * Bun's own reading of a UDP socket, made to pause. Bun 1.4.5 reads until the socket is empty or fails, and only then
 * lets timers, TCP and signals have their turn; in a flood that is never. A later one bounds a turn (oven-sh/bun#37103;
 * test: "one turn reads until the socket is empty").
 */
import type { udp } from "bun";
import type { Libc } from "../system/libc.io.ts";
import type { BunReading } from "./turns.ts";

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/**
 * Puts an empty socket in the place of the one that Bun reads, so that Bun finds nothing: its number is the number of
 * the empty one while it is paused. The real one goes on receiving under a number of its own. It stays registered with
 * Bun's epoll set, which knows sockets and not only their numbers, so that it wakes Bun again after `resume`. No
 * datagram is lost, and nothing is sent.
 */
export class SwappedSocket implements BunReading {
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

export type Wall = udp.ConnectedSocket<"buffer">;

/** A port that is ours and refuses every datagram, because it belongs to a socket that is connected elsewhere. */
export async function openWall(loopback: string): Promise<Wall> {
  const discard = 9;
  const socket = { data: () => {}, error: () => {} };
  return await Bun.udpSocket({ hostname: loopback, connect: { hostname: loopback, port: discard }, socket });
}

/** The loopback address of the family of an address. */
export function loopbackOf(host: string): string {
  return host.includes(":") ? "::1" : "127.0.0.1";
}

/**
 * Where sockets cannot be swapped (not on Linux): makes Bun's receive loop return by an error that is pending on the
 * socket, which the next read reports before it reads. The error is the answer to a datagram that runs against the
 * wall. It needs ICMP on the loopback interface.
 */
export class WallInterrupt implements BunReading {
  private readonly socket: udp.Socket<"buffer">;
  private readonly wall: Wall;

  constructor(socket: udp.Socket<"buffer">, wall: Wall) {
    this.socket = socket;
    this.wall = wall;
  }

  pause(): void {
    try {
      this.socket.send("", this.wall.port, this.wall.address.address);
    } catch {}
  }

  resume(): void {}

  close(): void {
    this.wall.close();
  }
}
