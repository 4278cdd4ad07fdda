/** The UDP socket that metrics arrive at, with the kernel's queue behind it. */

import {
  BULK_DATAGRAMS,
  type UdpKernel,
  type UdpListener,
  type UdpListenerParts,
  type Waits,
} from "../../src/net/network.ts";
import { chargedBytes } from "../../src/relay/kernelCharge.ts";
import { Slots } from "../support/slots.ts";
import type { EventLoop, Pollable } from "./eventLoop.ts";
import type { Machine } from "./machine.ts";

/** What a socket gets that asks for nothing. */
const BUFFER_DEFAULT_BYTES = 212_992;
/** Bun reads so many at a time, and hands all of them over. */
const RUNTIME_DATAGRAMS = 8;

type OnDatagrams = Parameters<UdpKernel["read"]>[0];

/** What the kernel has on its way to a socket arrives, also when that refuses senders meanwhile. */
const UNDER_WAY_MS = 0.05;

/** The kernel takes what comes until it is through. */
const CLOSE_MS = 0.02;

/** What bulk reading reads into: one memory for all, so that what lies around a datagram is what was there before. */
const SLOTS = new Slots(1);

export class MetricsSocket implements UdpListener, Pollable {
  isQueued = false;
  readonly port: number;
  readonly kernel: UdpKernel | Error;
  readonly canBeInterrupted: boolean;
  /** Datagrams that came, and what became of them. */
  arrived = 0;
  /** As the kernel charges it. */
  arrivedBytes = 0;
  drops = 0;
  handedOver = 0;
  /** Read by somebody who did not relay them. */
  thrownAway = 0;
  isClosed = false;
  /** Whether others may bind its port. */
  isShared: boolean;
  /** As the kernel charges them. */
  queuedBytes = 0;
  private readonly machine: Machine;
  private readonly loop: EventLoop;
  private readonly parts: UdpListenerParts;
  private queue: Buffer[] = [];
  /** When each of them came; and when those came that were read last. */
  private cameAtMs: number[] = [];
  private readonly readAtOnce: number[] = [];
  private head = 0;
  private bufferBytes: number;
  private isPaused = false;
  /** It has been read. */
  private isInUse = false;
  private refusesAtMs = Number.POSITIVE_INFINITY;
  private isInterrupted = false;

  /** It has its descriptors already. */
  constructor(machine: Machine, loop: EventLoop, parts: UdpListenerParts) {
    this.machine = machine;
    this.loop = loop;
    this.parts = parts;
    this.port = parts.port;
    this.isShared = parts.reusePort;
    this.canBeInterrupted = true;
    this.bufferBytes = machine.habits.hasKernel ? this.granted(parts.receiveBuffer) : BUFFER_DEFAULT_BYTES;
    this.kernel = machine.habits.hasKernel ? this.openKernel() : new Error("not on this system");
  }

  /** What is sent to it reaches it. */
  get takes(): boolean {
    return !this.isClosed && this.machine.world.nowMs < this.refusesAtMs;
  }

  get host(): string {
    return this.parts.host;
  }

  get queued(): number {
    return this.queue.length - this.head;
  }

  get receiveBufferBytes(): number {
    return this.bufferBytes;
  }

  /** False: nobody takes it. */
  arrives(datagram: Buffer): boolean {
    if (!this.takes) return false;
    this.arrived++;
    const charged = chargedBytes(datagram.length);
    this.arrivedBytes += charged;
    if (this.queuedBytes + charged > this.bufferBytes) {
      this.drops++;
      return true;
    }
    this.queuedBytes += charged;
    this.queue.push(datagram);
    this.cameAtMs.push(this.machine.world.nowMs);
    if (!this.isPaused) this.loop.wake(this);
    return true;
  }

  /** The runtime reads until there is nothing left, or until it is paused. */
  dispatch(): void {
    const { machine } = this;
    this.isInterrupted = false;
    while (!this.isClosed && !this.isPaused && !this.isInterrupted && this.queued > 0) {
      const read: Buffer[] = [];
      this.readAtOnce.length = 0;
      while (read.length < RUNTIME_DATAGRAMS && this.queued > 0) read.push(this.take());
      for (const datagram of read) {
        machine.world.advance(machine.readMs);
        // The runtime makes a buffer for each, which is nobody else's.
        this.handOver(datagram, () => this.parts.onDatagram(Buffer.from(datagram), 0, datagram.length));
      }
    }
    if (!this.isClosed && !this.isPaused && this.queued > 0) this.loop.wake(this);
  }

  pause(): void {
    if (this.kernel instanceof Error) this.isInterrupted = true;
    else this.isPaused = true;
  }

  resume(): void {
    this.isInUse = true;
    this.isPaused = false;
    if (this.queued > 0 && !this.isClosed) this.loop.wake(this);
  }

  close(): void {
    if (this.isClosed) return;
    // To close it takes time, too, in which something may come. One that was opened in vain is closed in the same breath.
    if (this.isInUse) this.machine.world.advance(CLOSE_MS);
    this.isClosed = true;
    this.machine.close();
    this.machine.ledger.closed(this);
  }

  private openKernel(): UdpKernel {
    const socket = this;
    return {
      get receiveBufferBytes() {
        return socket.bufferBytes;
      },
      read: (onDatagrams) => this.readBulk(onDatagrams),
      waits: this.machine.habits.tellsWaits > 0 ? this.waits() : undefined,
      drops: () => this.drops,
      refuseSenders: () => {
        this.refusesAtMs = this.machine.world.nowMs + UNDER_WAY_MS;
      },
      setReusePort: (allowed) => {
        this.isShared = allowed;
      },
      setReceiveBuffer: (bytes) => {
        this.bufferBytes = this.granted(bytes);
        return this.bufferBytes;
      },
    };
  }

  private waits(): Waits {
    const { readAtOnce } = this;
    const { random } = this.machine.world;
    return {
      ofBulkRead: () => this.waited(readAtOnce[random.below(readAtOnce.length)], readAtOnce.length),
      ofRuntime: () => this.waited(readAtOnce[readAtOnce.length - 1], 0),
    };
  }

  private waited(cameAtMs: number, readInBulk: number): number {
    const { world, habits, delays } = this.machine;
    if (!world.random.chance(habits.tellsWaits)) return Number.NaN;
    delays.told(cameAtMs, readInBulk);
    return world.nowMs - cameAtMs;
  }

  private readBulk(onDatagrams: OnDatagrams): number {
    const { machine } = this;
    if (this.isClosed) {
      machine.world.violated("somebody reads a socket that is closed");
      return 0;
    }
    const read: Buffer[] = [];
    this.readAtOnce.length = 0;
    while (read.length < BULK_DATAGRAMS && this.queued > 0) read.push(this.take());
    for (const datagram of read) {
      machine.world.advance(machine.readMs);
      // One by one, so that the ledger can tell what becomes of each.
      this.handOver(datagram, () => onDatagrams(SLOTS.of(datagram)));
    }
    return read.length;
  }

  private handOver(datagram: Buffer, take: () => void): void {
    const { ledger } = this.machine;
    ledger.arrives(datagram);
    take();
    if (ledger.arrived()) this.handedOver++;
    else this.thrownAway++;
  }

  private take(): Buffer {
    this.readAtOnce.push(this.cameAtMs[this.head]);
    const datagram = this.queue[this.head++];
    this.queuedBytes -= chargedBytes(datagram.length);
    if (this.head === this.queue.length) {
      this.queue = [];
      this.cameAtMs = [];
      this.head = 0;
    }
    return datagram;
  }

  /** As the kernel counts it: twice what it lets one ask. */
  private granted(bytes: number): number {
    return 2 * Math.min(bytes, this.machine.habits.receiveBufferMax);
  }
}
