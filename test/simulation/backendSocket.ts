/** A UDP socket of the proxy's that is connected to a backend: Bun's, over a kernel. */

import type { UdpConnection, UdpConnectionParts } from "../../src/net/network.ts";
import type { Batch } from "../../src/relay/batch.ts";
import type { EventLoop, Pollable } from "./eventLoop.ts";
import type { Host } from "./hosts.ts";
import type { Machine } from "./machine.ts";

/** Answers that the kernel keeps for a socket. */
const ANSWERS_MAX = 64;
/** How often a link is opened anew at most. */
const REOPEN_MS = 1000;
/** What is sent within one flush of a batch takes no longer. */
const ONE_FLUSH_MS = 20;

export class BackendSocket implements UdpConnection, Pollable {
  isQueued = false;
  isClosed = false;
  readonly host: Host;
  /** The last time that the kernel did not take a datagram. */
  refusedAtMs = Number.NEGATIVE_INFINITY;
  /** In some worlds there is no such call. */
  readonly sendBatch?: (batch: Batch) => number;
  private readonly machine: Machine;
  private readonly loop: EventLoop;
  private readonly parts: UdpConnectionParts;
  /** The machine's address that it sends from. */
  private readonly addressOfMachine: number;
  /** What the next `send` fails with. */
  private pending: string | undefined;
  /** What the error handler is told of. */
  private readonly answers: string[] = [];
  private wantsDrain = false;
  /** When sending failed first for want of the address that it sends from, and when first after a second. */
  private staleSinceMs = Number.NaN;
  private staleAgainMs = Number.POSITIVE_INFINITY;

  /** It has its descriptor already. */
  constructor(machine: Machine, loop: EventLoop, host: Host, parts: UdpConnectionParts) {
    this.machine = machine;
    this.loop = loop;
    this.host = host;
    this.parts = parts;
    this.addressOfMachine = machine.address;
    if (machine.habits.sendsBatches) this.sendBatch = (batch) => this.sendInBulk(batch);
    host.sockets.add(this);
    machine.links.add(this);
  }

  send(datagram: Buffer): boolean {
    this.assertOpen();
    const errno = this.take(datagram);
    if (errno === undefined) return true;
    if (errno === "full") return false;
    throw this.thrown(errno);
  }

  sendMany(datagrams: Buffer[]): number {
    this.assertOpen();
    if (datagrams.length > 128) this.machine.world.violated(`${datagrams.length} datagrams in one sendMany`);
    for (let i = 0; i < datagrams.length; i++) {
      const errno = this.take(datagrams[i]);
      if (errno === undefined) continue;
      if (i === 0 && errno !== "full" && this.machine.habits.throwsFromSendMany) throw this.thrown(errno);
      return i;
    }
    return datagrams.length;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.host.sockets.delete(this);
    this.machine.links.delete(this);
    this.machine.close();
  }

  /** The answer to an earlier datagram arrives. */
  answered(errno: string): void {
    if (this.isClosed) return;
    this.pending = errno;
    if (this.machine.habits.repeatsAnswers && this.answers.length < ANSWERS_MAX) this.answers.push(errno);
    this.loop.wake(this);
  }

  /** The way takes datagrams again. */
  hasRoom(): void {
    if (this.wantsDrain) this.loop.wake(this);
  }

  dispatch(): void {
    if (this.isClosed) return;
    const told = this.machine.habits.repeatsAnswers ? this.answers.splice(0) : this.pending ? [this.pending] : [];
    this.pending = undefined;
    for (const errno of told) if (!this.isClosed) this.tell(errno);
    if (this.wantsDrain && this.host.room > 0 && !this.isClosed) {
      this.wantsDrain = false;
      this.parts.onDrain();
    }
  }

  /** Past the runtime, which does not learn that the socket was full. */
  private sendInBulk(batch: Batch): number {
    this.assertOpen();
    const { wantsDrain } = this;
    const datagrams = batch.views();
    const stoppedAt = datagrams.findIndex((datagram) => this.take(datagram) !== undefined);
    this.wantsDrain = wantsDrain;
    return stoppedAt === -1 ? datagrams.length : stoppedAt;
  }

  /** Who does not repeat an answer tells it so. */
  private thrown(errno: string): Error {
    if (errno === "ECONNREFUSED" && !this.machine.habits.repeatsAnswers) this.machine.ledger.refusals++;
    return errorOf(errno);
  }

  private tell(errno: string): void {
    if (errno === "ECONNREFUSED") {
      this.host.refusalTold();
      this.machine.ledger.refusals++;
    }
    this.parts.onError(errorOf(errno));
  }

  /** Undefined: sent; "full"; or the errno. */
  private take(datagram: Buffer): string | undefined {
    const { machine, host } = this;
    const errno = this.errnoFor(datagram);
    if (errno === undefined) {
      host.room--;
      machine.world.nowMs += machine.habits.sendMs;
      machine.ledger.sent(host.parts.slot, datagram);
      host.received(this);
      return undefined;
    }
    this.refusedAtMs = machine.world.nowMs;
    host.troubledMs = machine.world.awakeMs;
    if (errno === "full") this.wantsDrain = true;
    else machine.ledger.refused(host.parts.slot, errno);
    return errno;
  }

  private errnoFor(datagram: Buffer): string | undefined {
    const { machine, host, pending } = this;
    if (pending !== undefined) {
      this.pending = undefined;
      if (pending === "ECONNREFUSED" && !machine.habits.repeatsAnswers) host.refusalTold();
      return pending;
    }
    if (!machine.hasRoute) return "ENETUNREACH";
    if (this.addressOfMachine !== machine.address) {
      this.stale();
      return "EINVAL";
    }
    if (host.sendErrno !== undefined) return host.sendErrno;
    if (datagram.length > host.datagramBytesMax) return "EMSGSIZE";
    return host.room > 0 ? undefined : "full";
  }

  /**
   * A link that fails so opens another socket, unless it did so less than a second ago. While it does, it does not send;
   * so if it sends on by the same socket, it did not.
   */
  private stale(): void {
    const { world, openFailedAtMs } = this.machine;
    const { nowMs } = world;
    if (!(this.staleSinceMs > openFailedAtMs)) {
      this.staleSinceMs = nowMs;
      this.staleAgainMs = Number.POSITIVE_INFINITY;
    }
    if (nowMs > this.staleSinceMs + REOPEN_MS) this.staleAgainMs = Math.min(this.staleAgainMs, nowMs);
    if (nowMs > this.staleAgainMs + ONE_FLUSH_MS) world.violated("a link sends on from an address that is gone");
  }

  private assertOpen(): void {
    if (this.isClosed) this.machine.world.violated("something is sent by a socket that is closed");
  }
}

export function errorOf(code: string): Error {
  return Object.assign(new Error(code), { code });
}
