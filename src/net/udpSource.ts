/** A UDP socket that receives metrics, read in turns. */
import type { Datagrams } from "../core/datagrams.ts";
import type { Clock } from "../system/clock.ts";
import { Gather } from "./gather.ts";
import { BULK_DATAGRAMS, type Network, type UdpKernel, type UdpListener, type Waits } from "./network.ts";
import type { Source, SourceEvents, SourceSettings } from "./source.ts";
import type { Reader, Turns } from "./turns.ts";

/** Linux's default receive buffer, assumed where the kernel cannot tell. */
const RECEIVE_BUFFER_DEFAULT_BYTES = 212_992;

/** The runtime reads one datagram a turn, or few. To ask how long the first one waited takes a fiftieth of a turn. */
const TURNS_PER_WAIT = 4;
/** Of those that have piled up behind it, which are late, the first few and then one in so many. */
const PILED_PER_WAIT = 8;
/** Time limit for draining. */
const DRAIN_MS_MAX = 5000;
/** How long draining may block the event loop at a time. */
const DRAIN_SLICE_MS = 10;
/**
 * A datagram for which the kernel has already chosen this socket may reach it after senders are refused. The rest of its
 * way takes microseconds.
 */
const UNDER_WAY_MS = 10;
/** Time limit for counting what was not read: enough for the largest buffer that can be asked for. */
const COUNT_MS_MAX = 1000;

export interface UdpSourceParts extends SourceSettings, SourceEvents {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  readonly turns: Turns;
  readonly network: Pick<Network, "listenUdp">;
  readonly clock: Clock;
}

export class UdpSource implements Source {
  datagramsUnread = 0;
  private readonly parts: UdpSourceParts;
  private readonly listener: UdpListener;
  private readonly reader: Reader;
  private settings: SourceSettings;
  /** Datagrams delivered so far. */
  private datagrams = 0;
  /** Turns that began with a datagram from the runtime. */
  private turns = 0;
  /** Datagrams from the runtime in this turn, after the first; and the last of them whose wait was asked for. */
  private inTurn = 0;
  private askedInTurn = 0;
  private isClosed = false;
  private dropsAtClose: number | undefined;

  private constructor(parts: UdpSourceParts, listener: UdpListener) {
    const { kernel } = listener;
    this.parts = parts;
    this.listener = listener;
    this.settings = parts;
    this.reader = parts.turns.add(
      {
        readBulk: kernel instanceof Error ? undefined : () => this.readBulk(kernel) === BULK_DATAGRAMS,
        pause: () => listener.pause(),
        resume: () => listener.resume(),
      },
      this.gatherOf(parts),
    );
  }

  /** @throws what bind throws: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  static async open(parts: UdpSourceParts): Promise<UdpSource> {
    const { host, port, reusePort, receiveBuffer, onError } = parts;
    let source: UdpSource | undefined;
    const listener = await parts.network.listenUdp({
      ...{ host, port, reusePort, receiveBuffer, onError },
      // Nothing is awaited between opening the socket and creating its source, so nothing arrives in between.
      onDatagram: (bytes, start, end) => source?.takeFromRuntime(bytes, start, end),
    });
    source = new UdpSource(parts, listener);
    listener.pause();
    return source;
  }

  begin(): void {
    this.listener.resume();
  }

  get port(): number {
    return this.listener.port;
  }

  get receiveBuffer(): number | Error {
    const { kernel } = this.listener;
    return kernel instanceof Error ? kernel : kernel.receiveBufferBytes;
  }

  get tellsWaits(): boolean {
    return this.waits !== undefined;
  }

  get canBeInterrupted(): boolean {
    return this.listener.canBeInterrupted;
  }

  sender(datagram: number): string | undefined {
    return this.listener.sender?.(datagram);
  }

  kernelDrops(): number | undefined {
    if (this.isClosed) return this.dropsAtClose;
    const { kernel } = this.listener;
    return kernel instanceof Error ? undefined : kernel.drops();
  }

  use({ receiveBuffer, gather, reusePort }: SourceSettings): void {
    const { kernel } = this.listener;
    const before = this.settings;
    this.settings = { receiveBuffer, gather, reusePort };
    if (reusePort !== before.reusePort && !(kernel instanceof Error)) kernel.setReusePort(reusePort);
    if (receiveBuffer === before.receiveBuffer && gather === before.gather) return;
    if (receiveBuffer !== before.receiveBuffer && !(kernel instanceof Error)) kernel.setReceiveBuffer(receiveBuffer);
    this.reader.gather = this.gatherOf(this.settings);
  }

  /**
   * Refuses new datagrams, reads everything that the kernel holds, and closes. New ones go to the other sockets of the
   * port, if it is shared, and then to whoever binds it next. What is left after `msMax` is counted (`datagramsUnread`).
   */
  async finish(msMax = DRAIN_MS_MAX): Promise<void> {
    const { kernel } = this.listener;
    const untilMs = this.parts.clock.nowMs() + msMax;
    if (kernel instanceof Error) await this.readByRuntime(untilMs);
    else await this.readRest(kernel, untilMs);
    this.close();
  }

  close(): void {
    if (this.isClosed) return;
    this.reader.stop();
    this.dropsAtClose = this.kernelDrops();
    this.isClosed = true;
    this.listener.close();
  }

  private gatherOf({ gather }: SourceSettings): Gather {
    const { receiveBuffer } = this;
    const bufferBytes = receiveBuffer instanceof Error ? RECEIVE_BUFFER_DEFAULT_BYTES : receiveBuffer;
    return new Gather({ msMax: gather, bufferBytes });
  }

  private get waits(): Waits | undefined {
    const { kernel } = this.listener;
    return kernel instanceof Error ? undefined : kernel.waits;
  }

  private takeFromRuntime(bytes: Buffer, start: number, end: number): void {
    if (this.reader.isBetweenTurns) {
      this.inTurn = 0;
      this.askedInTurn = 0;
      if (this.turns++ % TURNS_PER_WAIT === 0) this.waited(this.waits?.ofRuntime(), TURNS_PER_WAIT);
    } else if (++this.inTurn % PILED_PER_WAIT === 0 || isPowerOfTwo(this.inTurn)) {
      this.waited(this.waits?.ofRuntime(), this.inTurn - this.askedInTurn);
      this.askedInTurn = this.inTurn;
    }
    this.datagrams++;
    try {
      this.parts.onLines(bytes, start, end);
    } catch (error) {
      this.parts.onError(error as Error);
    }
    this.reader.datagramFromRuntime(end - start);
  }

  private readBulk(kernel: UdpKernel): number {
    const count = kernel.read(this.takeBulk);
    if (count > 0) this.waited(kernel.waits?.ofBulkRead(), count);
    return count;
  }

  private waited(ms: number | undefined, datagrams: number): void {
    if (ms !== undefined) this.parts.onWaited?.(ms, datagrams);
  }

  private readonly takeBulk = (datagrams: Datagrams): void => {
    this.take(datagrams);
    this.reader.datagramsInBulk(datagrams.count, datagrams.bytes);
  };

  private readonly take = (datagrams: Datagrams): void => {
    this.datagrams += datagrams.count;
    try {
      this.parts.onDatagrams(datagrams);
    } catch (error) {
      this.parts.onError(error as Error);
    }
  };

  private endTurn(): void {
    try {
      this.parts.onTurnEnd();
    } catch (error) {
      this.parts.onError(error as Error);
    }
  }

  /** New datagrams are refused, so the kernel runs out of them even in a flood. */
  private async readRest(kernel: UdpKernel, untilMs: number): Promise<void> {
    const { clock } = this.parts;
    this.reader.stop();
    this.listener.pause();
    kernel.refuseSenders();
    let sliceEndMs = clock.nowMs() + DRAIN_SLICE_MS;
    let wasEmpty = false;
    while (clock.nowMs() < untilMs) {
      const isEmpty = kernel.read(this.take) === 0;
      if (isEmpty && wasEmpty) break;
      if (!isEmpty && clock.nowMs() < sliceEndMs) continue;
      this.endTurn();
      await (isEmpty ? this.pause(UNDER_WAY_MS) : this.nextTurn());
      wasEmpty ||= isEmpty;
      sliceEndMs = clock.nowMs() + DRAIN_SLICE_MS;
    }
    // Starts now: the time for reading may be long over, if the process was stopped meanwhile.
    const countUntilMs = clock.nowMs() + COUNT_MS_MAX;
    for (let count = BULK_DATAGRAMS; count > 0 && clock.nowMs() < countUntilMs; ) {
      count = kernel.read(() => {});
      this.datagramsUnread += count;
    }
    this.endTurn();
  }

  private async readByRuntime(untilMs: number): Promise<void> {
    let before: number;
    do {
      before = this.datagrams;
      // The runtime reads between the two.
      await this.nextTurn();
      await this.nextTurn();
    } while (this.datagrams > before && this.parts.clock.nowMs() < untilMs);
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.parts.clock.setTimeout(resolve, ms));
  }

  private nextTurn(): Promise<void> {
    return new Promise((resolve) => this.parts.clock.setImmediate(resolve));
  }
}

function isPowerOfTwo(count: number): boolean {
  return (count & (count - 1)) === 0;
}
