/** The socket that metrics arrive at, read in turns. */
import type { udp } from "bun";
import { Gather } from "../core/gather.ts";
import { BulkReader } from "./bulkReader.ts";
import { droppedDatagrams, type Libc, openLibc, setReceiveBuffer } from "./libc.ts";
import { Turns } from "./turns.ts";

/** What the kernel grants a socket that asks for nothing, where it cannot be asked (Linux's default). */
const RECEIVE_BUFFER_DEFAULT_BYTES = 212_992;

/** The longest that the last reading takes: in a flood there is no end to what has come. */
const FINISH_MS_MAX = 200;

export interface ReceiverParts {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  /** Bytes of kernel buffer to ask for. */
  readonly receiveBuffer: number;
  /** The most milliseconds to let datagrams gather. */
  readonly gather: number;
  /** A datagram, `bytes[start, end)`, which holds until this returns. */
  readonly onDatagram: (bytes: Buffer, start: number, end: number) => void;
  /** Nothing more for now: what waits can be sent. */
  readonly onTurnEnd: () => void;
}

type Wall = udp.ConnectedSocket<"buffer">;

/** What goes past Bun, straight to the kernel. */
interface KernelSide {
  readonly libc: Libc;
  readonly fd: number;
  readonly receiveBufferBytes: number;
}

export class Receiver {
  private readonly socket: udp.Socket<"buffer">;
  private readonly wall: Wall;
  private readonly loopback: string;
  private readonly turns: Turns;
  private readonly kernel: KernelSide | Error;
  /** Datagrams handed over so far. */
  private datagrams = 0;
  private dropsAtClose: number | undefined;

  private constructor(socket: udp.Socket<"buffer">, wall: Wall, parts: ReceiverParts) {
    this.socket = socket;
    this.wall = wall;
    this.loopback = loopbackOf(parts.host);
    const { onDatagram, onTurnEnd } = parts;
    const kernel = this.askKernel(parts);
    const bulk = kernel instanceof Error ? undefined : new BulkReader(kernel.libc, kernel.fd);
    this.kernel = kernel;
    const onBulkDatagram = (bytes: Buffer, start: number, end: number) => {
      this.datagrams++;
      onDatagram(bytes, start, end);
      this.turns.datagram(end - start);
    };
    this.turns = new Turns({
      gather: new Gather({
        msMax: parts.gather,
        bufferBytes: kernel instanceof Error ? RECEIVE_BUFFER_DEFAULT_BYTES : kernel.receiveBufferBytes,
      }),
      flush: onTurnEnd,
      readBulk: bulk && (() => bulk.read(onBulkDatagram)),
      interrupt: () => this.interrupt(),
      defer: setImmediate,
      nowMs: () => performance.now(),
      // Bun.sleepSync (1.4.5) knows whole milliseconds only, and Atomics.wait costs 10 us a turn more.
      sleep: kernel instanceof Error ? Bun.sleepSync : (ms) => void kernel.libc.usleep(Math.round(1000 * ms)),
    });
  }

  /** @throws what bind throws: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  static async open(parts: ReceiverParts): Promise<Receiver> {
    const { host, port, onDatagram } = parts;
    const wall = await openWall(loopbackOf(host));
    try {
      const socket = await Bun.udpSocket({
        hostname: host,
        port,
        socket: {
          data: (_, bytes) => {
            receiver.datagrams++;
            onDatagram(bytes, 0, bytes.length);
            receiver.turns.datagramFromBun(bytes.length);
          },
          // Without a handler the answer to an interruption would end the process (Bun 1.4.5).
          error: () => {},
        },
      });
      const receiver = new Receiver(socket, wall, parts);
      return receiver;
    } catch (error) {
      wall.close();
      throw error;
    }
  }

  /** Kernel buffer granted, as the kernel counts it; or why it cannot be asked. */
  get receiveBuffer(): number | Error {
    return this.kernel instanceof Error ? this.kernel : this.kernel.receiveBufferBytes;
  }

  get port(): number {
    return this.socket.port;
  }

  /** Datagrams that the kernel dropped because its buffer was full; undefined where it cannot be asked. */
  kernelDrops(): number | undefined {
    if (this.socket.closed) return this.dropsAtClose;
    if (this.kernel instanceof Error) return undefined;
    try {
      return droppedDatagrams(this.kernel.libc, this.kernel.fd);
    } catch {
      return undefined;
    }
  }

  /** Reads what the kernel holds now, and closes: what comes after this moment is for whoever listens next. */
  async finish(): Promise<void> {
    const untilMs = performance.now() + FINISH_MS_MAX;
    let before: number;
    do {
      before = this.datagrams;
      // Bun reads between the two.
      await nextTurn();
      await nextTurn();
    } while (this.datagrams > before && performance.now() < untilMs);
    this.close();
  }

  close(): void {
    if (this.socket.closed) return;
    this.turns.stop();
    this.dropsAtClose = this.kernelDrops();
    this.socket.close();
    this.wall.close();
  }

  /**
   * Makes Bun's receive loop return although there is more to read. Bun 1.4.5 reads until the socket is empty or fails,
   * and only then lets timers, TCP and signals have their turn; a later one bounds a turn (oven-sh/bun#37103). The
   * answer to a datagram that runs against the wall is an error pending on this socket, which the next read reports
   * before it reads. No datagram is lost.
   */
  private interrupt(): void {
    try {
      this.socket.send("", this.wall.port, this.loopback);
    } catch {}
  }

  private askKernel({ receiveBuffer }: ReceiverParts): KernelSide | Error {
    try {
      const libc = openLibc();
      // Not in Bun's types (1.4.5).
      const { fd } = this.socket as unknown as { fd: number };
      const receiveBufferBytes = setReceiveBuffer(libc, fd, receiveBuffer);
      return { libc, fd, receiveBufferBytes };
    } catch (error) {
      return error as Error;
    }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function loopbackOf(host: string): string {
  return host.includes(":") ? "::1" : "127.0.0.1";
}

/**
 * A port that is ours and refuses every datagram: a socket that is connected elsewhere takes none from others, and the
 * kernel answers them as if nobody listened.
 */
async function openWall(loopback: string): Promise<Wall> {
  const discard = 9;
  const socket = { data: () => {}, error: () => {} };
  return await Bun.udpSocket({ hostname: loopback, connect: { hostname: loopback, port: discard }, socket });
}
