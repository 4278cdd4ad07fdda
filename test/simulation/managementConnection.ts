/** A connection of the proxy to a backend's management port. */
import type { TcpConnection, TcpConnectionParts } from "../../src/net/network.ts";
import type { EventLoop, Pollable } from "./eventLoop.ts";
import type { Host } from "./hosts.ts";
import type { Machine } from "./machine.ts";

type Told =
  | { readonly kind: "connect" }
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | { readonly kind: "end"; readonly error: string | undefined };

export class ManagementConnection implements TcpConnection, Pollable {
  isQueued = false;
  /** Nothing more comes of it, from either side. */
  isOver = false;
  /** The host knows nothing of it any more. */
  isForgotten = false;
  /** Nothing that is sent arrives: the address that it was made from is gone. */
  isLost = false;
  /** Questions that the backend has not answered. */
  unanswered = 0;
  /** Answers of the backend that the proxy has got. */
  answers = 0;
  private readonly machine: Machine;
  private readonly loop: EventLoop;
  private readonly host: Host | undefined;
  private readonly parts: TcpConnectionParts;
  private readonly told: Told[] = [];
  private isDestroyed = false;
  private readonly hasDescriptor: boolean;

  constructor(machine: Machine, loop: EventLoop, host: Host | undefined, parts: TcpConnectionParts) {
    this.machine = machine;
    this.loop = loop;
    this.host = host;
    this.parts = parts;
    this.hasDescriptor = machine.open();
    if (!this.hasDescriptor) this.ended("EMFILE");
    // node:net (Bun 1.4.5) calls the want of a route a refusal.
    else if (host === undefined || !machine.hasRoute) this.ended(this.isByNode ? "ECONNREFUSED" : "ENETUNREACH");
    else host.connect(this);
    machine.management.add(this);
    if (host) host.askedAtMs = machine.world.awakeMs;
  }

  write(text: string): void {
    if (this.isDestroyed) this.machine.world.violated("a check writes to a connection that it has given up");
    if (text !== "health\r\n") this.machine.world.violated(`a check asks ${JSON.stringify(text)}`);
    if (this.host) this.host.askedAtMs = this.machine.world.awakeMs;
    if (!this.isOver && !this.isLost) this.host?.asked(this);
  }

  /** Where it leads. */
  get address(): string | undefined {
    return this.host?.parts.address;
  }

  destroy(): void {
    if (this.isDestroyed) return;
    this.isDestroyed = true;
    this.isOver = true;
    this.told.length = 0;
    this.host?.connections.delete(this);
    this.machine.management.delete(this);
    if (this.hasDescriptor) this.machine.close();
    // node:net tells the end also of what was given up.
    if (this.isByNode) this.tell({ kind: "end", error: undefined });
  }

  /** Not by system calls: what is told differs. */
  private get isByNode(): boolean {
    return !this.machine.habits.hasKernel;
  }

  connected(): void {
    this.tell({ kind: "connect" });
  }

  /** The backend sends something. */
  say(text: string, ms: number): void {
    const { world } = this.machine;
    world.after(ms + (this.host?.parts.latencyMs ?? 0), () => {
      if (this.isOver || this.isLost || !this.canSpeak) return;
      this.tell({ kind: "bytes", bytes: Buffer.from(text) });
    });
  }

  /** The other side ends it. */
  ended(error: string | undefined): void {
    if (this.isOver || this.isLost) return;
    this.isOver = true;
    this.host?.connections.delete(this);
    this.tell({ kind: "end", error });
    // By node:net an error is followed by the end; the end is told twice by both.
    if (this.isByNode || error === undefined) this.tell({ kind: "end", error: undefined });
  }

  dispatch(): void {
    while (this.told.length > 0) {
      const told = this.told.shift() as Told;
      if (told.kind === "connect") this.parts.onConnect();
      else if (told.kind === "bytes") this.hand(told.bytes);
      else this.tellEnd(told.error);
    }
  }

  private hand(bytes: Buffer): void {
    if (bytes.includes("up")) this.answers++;
    this.parts.onBytes(bytes);
  }

  private tellEnd(error: string | undefined): void {
    if (this.host && this.answers > 1 && !this.isDestroyed) this.host.endsTold++;
    this.parts.onEnd(error);
  }

  private get canSpeak(): boolean {
    const { manner } = this.host ?? {};
    return manner !== "gone" && manner !== "dead" && manner !== "hangs";
  }

  private tell(told: Told): void {
    this.told.push(told);
    this.loop.wake(this);
  }
}
