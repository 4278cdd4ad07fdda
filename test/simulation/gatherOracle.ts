/** Sleeps of a busy proxy: never longer than is configured, and never so long that the kernel's buffer overflows. */
import type { MetricsSocket } from "./metricsSocket.ts";
import type { World } from "./world.ts";

/**
 * The rate is looked at over so many pieces of this length, or of a sleep that is longer; if it was not about the same in
 * all, it proves nothing.
 */
const PIECES = 3;
const PIECE_MS = 20;
const EVEN = 1.5;

export class GatherOracle {
  private readonly world: World;
  /** What had come by when, as the kernel charges it. */
  private history: { readonly atMs: number; readonly bytes: number }[] = [];
  private socket: MetricsSocket | undefined;

  constructor(world: World) {
    this.world = world;
  }

  /** To be called around a sleep. @param msMax what is configured */
  sleep(ms: number, msMax: number, sockets: readonly MetricsSocket[], sleep: () => void): void {
    const { world, history } = this;
    if (!(ms >= 0 && ms <= msMax)) world.violated(`a sleep of ${ms} ms, and ${msMax} are allowed`);
    const open = sockets.filter(({ isClosed }) => !isClosed);
    const [socket] = open;
    if (open.length !== 1 || socket !== this.socket) {
      this.socket = socket;
      this.history = [];
      sleep();
      return;
    }
    const { drops, arrivedBytes, queuedBytes } = socket;
    const { nowMs, stalledMs } = world;
    history.push({ atMs: nowMs, bytes: arrivedBytes });
    if (history.length > 400) history.splice(0, 200);
    sleep();
    if (socket.drops === drops || world.stalledMs > stalledMs || queuedBytes > socket.receiveBufferBytes / 4) return;
    const perMs = this.steadyRate();
    if (perMs === undefined || socket.arrivedBytes - arrivedBytes > EVEN * perMs * ms) return;
    world.violated(
      `the kernel dropped ${socket.drops - drops} datagrams in a sleep of ${ms} ms, at the rate of before`,
    );
  }

  /** Bytes a millisecond; undefined: now more, now less. */
  private steadyRate(): number | undefined {
    const { history } = this;
    const rates: number[] = [];
    for (let piece = 0, end = history.length - 1; piece < PIECES; piece++) {
      const { atMs, bytes } = history[end];
      const begin = history.findLastIndex((earlier) => earlier.atMs <= atMs - PIECE_MS);
      if (begin === -1) return undefined;
      rates.push((bytes - history[begin].bytes) / (atMs - history[begin].atMs));
      end = begin;
    }
    const most = Math.max(...rates);
    return most <= EVEN * Math.min(...rates) ? most : undefined;
  }
}
