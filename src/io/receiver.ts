/** The socket that metrics arrive at. */
import type { udp } from "bun";

export interface ReceiverParts {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  /** A datagram; the bytes are the callee's to keep. */
  readonly onDatagram: (bytes: Buffer) => void;
}

export class Receiver {
  private readonly socket: udp.Socket<"buffer">;
  private readonly wall: udp.ConnectedSocket<"buffer">;
  private readonly loopback: string;

  private constructor(socket: udp.Socket<"buffer">, wall: udp.ConnectedSocket<"buffer">, loopback: string) {
    this.socket = socket;
    this.wall = wall;
    this.loopback = loopback;
  }

  /** @throws what bind throws: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  static async open({ host, port, onDatagram }: ReceiverParts): Promise<Receiver> {
    const loopback = host.includes(":") ? "::1" : "127.0.0.1";
    const socket = await Bun.udpSocket({
      hostname: host,
      port,
      socket: {
        data: (_, bytes) => onDatagram(bytes),
        // Without a handler the answer to an interruption would end the process (Bun 1.4.5).
        error: () => {},
      },
    });
    try {
      return new Receiver(socket, await openWall(loopback), loopback);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  get port(): number {
    return this.socket.port;
  }

  /**
   * Makes Bun's receive loop return although there is more to read. Bun 1.4.5 reads until the socket is empty or fails,
   * and only then lets timers, TCP and signals have their turn; from 1.4.6 on a turn is bounded (oven-sh/bun#37103).
   * The answer to a datagram that runs against the wall is an error pending on this socket, which the next read reports
   * before it reads. No datagram is lost.
   */
  interrupt(): void {
    try {
      this.socket.send("", this.wall.port, this.loopback);
    } catch {}
  }

  close(): void {
    this.socket.close();
    this.wall.close();
  }
}

/**
 * A port that is ours and refuses every datagram: a socket that is connected elsewhere takes none from
 * others, and the kernel answers them as if nobody listened.
 */
async function openWall(loopback: string): Promise<udp.ConnectedSocket<"buffer">> {
  const socket = { data: () => {}, error: () => {} };
  const discard = 9;
  return await Bun.udpSocket({ hostname: loopback, connect: { hostname: loopback, port: discard }, socket });
}
