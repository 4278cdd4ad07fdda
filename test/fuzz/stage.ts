/** A network of one port and a clock that only goes when it is told to: what the servers for strangers are played on. */
import type { Network, TcpClient, TcpListenerParts } from "../../src/net/network.ts";
import type { Clock, Timer } from "../../src/system/clock.ts";

/** How long anything takes: enough that a turn which never ends is one of so many steps. */
const STEP_MS = 0.01;
/** More turns at one moment than anything needs. */
const TURNS_MAX = 100_000;

interface Due extends Timer {
  readonly atMs: number;
  readonly everyMs: number | undefined;
  readonly run: () => void;
}

export class StageClock implements Clock {
  private ms = 0;
  private readonly timers = new Set<Due>();
  private immediates: (() => void)[] = [];

  nowMs(): number {
    this.ms += STEP_MS;
    return this.ms;
  }

  epochMs(): number {
    return 1_700_000_000_000;
  }

  setTimeout(run: () => void, ms: number): Timer {
    return this.add({ atMs: this.ms + ms, everyMs: undefined, run });
  }

  setInterval(run: () => void, ms: number): Timer {
    return this.add({ atMs: this.ms + ms, everyMs: ms, run });
  }

  setImmediate(run: () => void): void {
    this.immediates.push(run);
  }

  cancel(timer: Timer | undefined): void {
    if (timer !== undefined) this.timers.delete(timer as Due);
  }

  sleep(ms: number): void {
    this.ms += ms;
  }

  /** Lets all happen that is due within so many milliseconds. @throws if it does not come to rest */
  pass(ms: number): void {
    const endMs = this.ms + ms;
    for (let turns = 0; ; turns++) {
      if (turns > TURNS_MAX) throw new Error("the event loop never rests");
      const immediates = this.immediates;
      this.immediates = [];
      for (const run of immediates) run();
      if (this.immediates.length > 0) continue;
      const next = this.next();
      if (next === undefined || next.atMs > endMs) break;
      this.ms = Math.max(this.ms, next.atMs);
      this.timers.delete(next);
      // A handle stays what it was.
      if (next.everyMs !== undefined) this.timers.add(Object.assign(next, { atMs: next.atMs + next.everyMs }));
      next.run();
    }
    this.ms = Math.max(this.ms, endMs);
  }

  private add(due: Due): Due {
    this.timers.add(due);
    return due;
  }

  private next(): Due | undefined {
    let next: Due | undefined;
    for (const due of this.timers) if (next === undefined || due.atMs < next.atMs) next = due;
    return next;
  }
}

type Socket = TcpListenerParts<unknown>["socket"];

/** Takes one listener. */
export class StageNetwork implements Pick<Network, "listenTcp"> {
  private socket: Socket | undefined;

  listenTcp<Data>({ socket }: TcpListenerParts<Data>) {
    this.socket = socket as unknown as Socket;
    return { port: 1, stop: () => {}, close: () => {} };
  }

  connect(): Stranger {
    return new Stranger(this.socket as Socket);
  }
}

/** Somebody's connection. */
export class Stranger implements TcpClient<unknown> {
  data: unknown;
  /** What was written to it, as text. */
  ending: "open" | "ended" | "terminated" = "open";
  /** What it has taken, in bytes; it takes no more than `appetite` until it drains. */
  appetite = Number.POSITIVE_INFINITY;
  private readonly socket: Socket;
  private readonly taken: Buffer[] = [];
  private readonly arrived: Buffer[] = [];
  private isPaused = false;
  private hasEnded = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.open(this);
  }

  /** What it has got so far. */
  get text(): string {
    return Buffer.concat(this.taken).toString("utf8");
  }

  /** Bytes that the server holds for it, in memory. */
  get held(): number {
    return (this.data as { held: number }).held;
  }

  send(text: string): void {
    this.arrived.push(Buffer.from(text, "latin1"));
    this.deliver();
  }

  /** It sends no more. */
  finish(): void {
    this.hasEnded = true;
    this.deliver();
  }

  /** It reads what it is sent: so many bytes more. */
  drain(bytes: number): void {
    this.appetite = bytes;
    if (this.ending !== "terminated") this.socket.drain(this);
  }

  write(bytes: Buffer): number {
    if (this.ending !== "open") return -1;
    const count = Math.min(bytes.length, this.appetite);
    this.appetite -= count;
    this.taken.push(Buffer.from(bytes.subarray(0, count)));
    return count;
  }

  end(): void {
    if (this.ending === "open") this.ending = "ended";
  }

  terminate(): void {
    this.ending = "terminated";
  }

  timeout(): void {}

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.deliver();
  }

  private deliver(): void {
    while (!this.isPaused && this.arrived.length > 0 && this.ending !== "terminated")
      this.socket.data(this, this.arrived.shift() as Buffer);
    if (this.isPaused || !this.hasEnded || this.ending === "terminated") return;
    this.hasEnded = false;
    this.socket.end(this);
  }
}
