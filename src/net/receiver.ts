/** The socket that metrics arrive at, read in turns. */
import type { udp } from "bun";
import {
  connectToItself,
  droppedDatagrams,
  ignoreErrors,
  type Libc,
  openLibc,
  setReceiveBuffer,
} from "../system/libc.io.ts";
import { BULK_DATAGRAMS, BulkReader } from "./bulkReader.io.ts";
import { loopbackOf, openWall, SwappedSocket, type Wall, WallInterrupt } from "./bunReading.io.ts";
import { Gather } from "./gather.ts";
import { type BunReading, Turns } from "./turns.ts";

/** What the kernel grants a socket that asks for nothing, where it cannot be asked (Linux's default). */
const RECEIVE_BUFFER_DEFAULT_BYTES = 212_992;

/** The longest that the last reading takes. */
const FINISH_MS_MAX = 5000;
/** How long the last reading keeps the event loop waiting at a time. */
const FINISH_SLICE_MS = 10;
/** How long it takes at most to count what was not read: with the largest buffer that can be asked for. */
const COUNT_MS_MAX = 1000;
/** How long the answer to an interruption may take before it counts as filtered. */
const INTERRUPT_MS_MAX = 200;

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
  /** The socket failed, or one of the two above threw. Reading goes on. */
  readonly onError: (error: Error) => void;
  /** The C library, or why there is none; the one that is here if not given. */
  readonly libc?: Libc | Error;
}

/** What goes past Bun, straight to the kernel. */
interface KernelSide {
  readonly libc: Libc;
  readonly reading: SwappedSocket;
  readonly receiveBufferBytes: number;
  readonly bulk: BulkReader;
}

export class Receiver {
  /** Datagrams that the kernel still held when the time for the last reading was up. */
  datagramsUnread = 0;
  /** False: a flood keeps the event loop from everything else, because the ICMP that would interrupt it is filtered. */
  canBeInterrupted = true;
  private readonly parts: ReceiverParts;
  private readonly socket: udp.Socket<"buffer">;
  private readonly kernel: KernelSide | Error;
  private readonly reading: BunReading & { close(): void };
  private readonly turns: Turns;
  /** Datagrams handed over so far. */
  private datagrams = 0;
  /** Answers to interruptions so far. */
  private interruptions = 0;
  private dropsAtClose: number | undefined;

  private constructor(parts: ReceiverParts, socket: udp.Socket<"buffer">, libc: Libc | Error, wall: Wall | undefined) {
    this.parts = parts;
    this.socket = socket;
    const kernel = libc instanceof Error ? libc : kernelSide(libc, socket, parts.receiveBuffer);
    this.kernel = kernel;
    this.reading = kernel instanceof Error ? new WallInterrupt(socket, wall as Wall) : kernel.reading;
    const turns = {
      flush: () => this.endTurn(),
      bun: this.reading,
      defer: setImmediate,
      nowMs: () => performance.now(),
    };
    if (kernel instanceof Error) {
      const gather = new Gather({ msMax: parts.gather, bufferBytes: RECEIVE_BUFFER_DEFAULT_BYTES });
      this.turns = new Turns({ ...turns, gather, readBulk: undefined, sleep: Bun.sleepSync });
      return;
    }
    const onBulkDatagram = (bytes: Buffer, start: number, end: number) => {
      this.take(bytes, start, end);
      this.turns.datagram(end - start);
    };
    this.turns = new Turns({
      ...turns,
      gather: new Gather({ msMax: parts.gather, bufferBytes: kernel.receiveBufferBytes }),
      readBulk: () => kernel.bulk.read(onBulkDatagram) === BULK_DATAGRAMS,
      // Bun.sleepSync (1.4.5) knows whole milliseconds only, and Atomics.wait costs 10 us a turn more.
      sleep: (ms) => void kernel.libc.usleep(Math.round(1000 * ms)),
    });
  }

  /** @throws what bind throws: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  static async open(parts: ReceiverParts): Promise<Receiver> {
    const { host: hostname, port, libc = libcHere() } = parts;
    const wall = libc instanceof Error ? await openWall(loopbackOf(hostname)) : undefined;
    let socket: udp.Socket<"buffer"> | undefined;
    try {
      socket = await Bun.udpSocket({
        hostname,
        port,
        socket: {
          data: (_, bytes) => {
            receiver.take(bytes, 0, bytes.length);
            receiver.turns.datagramFromBun(bytes.length);
          },
          // Without a handler an error would end the process (Bun 1.4.5).
          error: (error) => receiver.failed(error as unknown as NodeJS.ErrnoException),
        },
      });
      // Nothing is awaited in between, so nothing arrives before there is a receiver.
      const receiver = new Receiver(parts, socket, libc, wall);
      if (wall) await receiver.tryInterruption();
      return receiver;
    } catch (error) {
      socket?.close();
      wall?.close();
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
      return droppedDatagrams(this.kernel.libc, this.kernel.reading.fd);
    } catch {
      return undefined;
    }
  }

  /**
   * Reads all that the kernel holds, and closes. What senders send from now on is for whoever listens next. What is left
   * after `msMax` is counted (`datagramsUnread`).
   */
  async finish(msMax = FINISH_MS_MAX): Promise<void> {
    const untilMs = performance.now() + msMax;
    if (this.kernel instanceof Error) await this.readWithBun(untilMs);
    else await this.readRest(this.kernel, untilMs);
    this.close();
  }

  close(): void {
    if (this.socket.closed) return;
    this.turns.stop();
    this.dropsAtClose = this.kernelDrops();
    this.reading.resume();
    this.socket.close();
    this.reading.close();
  }

  private take(bytes: Buffer, start: number, end: number): void {
    this.datagrams++;
    try {
      this.parts.onDatagram(bytes, start, end);
    } catch (error) {
      this.parts.onError(error as Error);
    }
  }

  private endTurn(): void {
    try {
      this.parts.onTurnEnd();
    } catch (error) {
      this.parts.onError(error as Error);
    }
  }

  private failed(error: NodeJS.ErrnoException): void {
    if (error.code === "ECONNREFUSED") this.interruptions++;
    else this.parts.onError(error);
  }

  /** With senders turned away there is an end to what the kernel holds, even in a flood. */
  private async readRest({ libc, reading, bulk }: KernelSide, untilMs: number): Promise<void> {
    this.turns.stop();
    reading.pause();
    connectToItself(libc, reading.fd);
    const take = (bytes: Buffer, start: number, end: number) => this.take(bytes, start, end);
    let sliceEndMs = performance.now() + FINISH_SLICE_MS;
    for (let count = BULK_DATAGRAMS; count > 0 && performance.now() < untilMs; ) {
      count = bulk.read(take);
      if (performance.now() < sliceEndMs) continue;
      this.endTurn();
      await nextTurn();
      sliceEndMs = performance.now() + FINISH_SLICE_MS;
    }
    // From now on: the time for reading may be long over, if the process was stopped meanwhile.
    const countUntilMs = performance.now() + COUNT_MS_MAX;
    for (let count = BULK_DATAGRAMS; count > 0 && performance.now() < countUntilMs; ) {
      count = bulk.read(() => {});
      this.datagramsUnread += count;
    }
    this.endTurn();
  }

  private async readWithBun(untilMs: number): Promise<void> {
    let before: number;
    do {
      before = this.datagrams;
      // Bun reads between the two.
      await nextTurn();
      await nextTurn();
    } while (this.datagrams > before && performance.now() < untilMs);
  }

  private async tryInterruption(): Promise<void> {
    const untilMs = performance.now() + INTERRUPT_MS_MAX;
    this.reading.pause();
    while (this.interruptions === 0 && performance.now() < untilMs) await nextTurn();
    this.canBeInterrupted = this.interruptions > 0;
  }
}

function libcHere(): Libc | Error {
  try {
    return openLibc();
  } catch (error) {
    return error as Error;
  }
}

/** @throws Error if the kernel does not take part */
function kernelSide(libc: Libc, socket: udp.Socket<"buffer">, receiveBuffer: number): KernelSide {
  // Not in Bun's types (1.4.5).
  const { fd } = socket as unknown as { fd: number };
  ignoreErrors(libc, fd);
  const receiveBufferBytes = setReceiveBuffer(libc, fd, receiveBuffer);
  const reading = new SwappedSocket(libc, fd);
  return { libc, reading, receiveBufferBytes, bulk: new BulkReader(libc, reading.fd) };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
