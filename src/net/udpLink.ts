/**
 * The way to a node: a socket that sends batches, and is reopened when it fails. Whatever the kernel refuses is
 * counted.
 */
import type { Batch } from "../relay/batch.ts";
import type { NodeCounters } from "../relay/counters.ts";
import type { Clock } from "../system/clock.ts";
import type { Link, LinkEvents } from "./link.ts";
import { LinkFaults } from "./linkFaults.ts";
import type { Network, UdpConnection } from "./network.ts";

const EMPTY_LINE = Buffer.from("\n");

export interface UdpLinkParts extends LinkEvents {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  readonly network: Pick<Network, "connectUdp" | "repeatsAnswers">;
  readonly clock: Pick<Clock, "nowMs">;
}

export class UdpLink implements Link {
  private readonly parts: UdpLinkParts;
  private readonly openSocket: () => Promise<UdpConnection>;
  private readonly faults = new LinkFaults();
  private socket: UdpConnection;
  private isOpening = false;
  private isClosed = false;

  private constructor(parts: UdpLinkParts, openSocket: () => Promise<UdpConnection>, socket: UdpConnection) {
    this.parts = parts;
    this.openSocket = openSocket;
    this.socket = socket;
  }

  /** @throws what connect throws: ENETUNREACH, EACCES */
  static async open(parts: UdpLinkParts): Promise<UdpLink> {
    const { host, port, network, onReady } = parts;
    let link: UdpLink | undefined;
    const onError = (error: unknown) => link?.socketFailed(errnoOf(error));
    const open = () => network.connectUdp({ host, port, onError, onDrain: onReady });
    link = new UdpLink(parts, open, await open());
    return link;
  }

  /** Sends what is pending. What the socket does not take now stays in the batch. */
  flush(batch: Batch, counters: NodeCounters): void {
    if (this.isOpening) return;
    const sentBefore = counters.datagramsSent;
    while (batch.datagrams > 0) {
      countSent(batch, counters, this.sendAll(batch));
      if (batch.datagrams === 0) break;
      // What stopped it, only `send` tells.
      const outcome = this.sendOne(batch.first());
      if (outcome === "full") return;
      if (outcome === "sent") {
        countSent(batch, counters, 1);
      } else {
        if (isLinkError(outcome) && this.linkFailed(outcome)) return;
        counters.linesDropped.send_error += batch.shift(1);
      }
    }
    if (counters.datagramsSent === sentBefore || !this.faults.isFailing) return;
    if (this.faults.recordSend(this.parts.clock.nowMs())) this.parts.onRecovery();
  }

  sendEmptyLine(): string | undefined {
    if (this.isOpening) return "the socket is being reopened";
    const outcome = this.sendOne(EMPTY_LINE);
    // A refusal is what one wants to know, and is reported as any other.
    if (outcome === "sent" || outcome === "ECONNREFUSED") return undefined;
    if (outcome === "full") return "the socket is full";
    this.linkFailed(outcome);
    return outcome;
  }

  close(): void {
    this.isClosed = true;
    this.socket.close();
  }

  /** Returns how many datagrams were sent. */
  private sendAll(batch: Batch): number {
    try {
      return this.socket.sendBatch ? this.socket.sendBatch(batch) : this.socket.sendMany(batch.views());
    } catch (error) {
      this.sendFailed(errnoOf(error));
      return 0;
    }
  }

  /** Returns "sent", "full", or the errno with which the kernel refused the datagram. */
  private sendOne(datagram: Buffer): string {
    let errno = "";
    // The first attempt may only report, and so clear, the ICMP answer to an earlier datagram (ECONNREFUSED).
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        return this.socket.send(datagram) ? "sent" : "full";
      } catch (error) {
        errno = errnoOf(error);
        this.sendFailed(errno);
      }
    }
    return errno;
  }

  /**
   * Notes the errno of a failed `send`. Where the error handler does not repeat refusals, this is the only place to
   * learn of them.
   */
  private sendFailed(errno: string): void {
    if (!this.parts.network.repeatsAnswers && errno === "ECONNREFUSED") this.parts.onRefusal();
  }

  /** Handles what the error handler reports: the ICMP answer to an earlier datagram. */
  private socketFailed(errno: string): void {
    if (errno === "ECONNREFUSED") this.parts.onRefusal();
    else if (isLinkError(errno)) this.linkFailed(errno);
  }

  /** Records a link error. Returns whether the socket is being reopened, so that the batch can wait. */
  private linkFailed(errno: string): boolean {
    const nowMs = this.parts.clock.nowMs();
    this.parts.onError(errno, this.faults.record(errno, nowMs));
    if (this.isOpening || this.isClosed) return this.isOpening;
    // The kernel chose a local address when the socket was connected. Once that address is gone, the socket can never
    // send again, whatever new address the machine gets.
    if (!this.faults.startReopen(nowMs)) return false;
    void this.reopen();
    return true;
  }

  private async reopen(): Promise<void> {
    this.isOpening = true;
    try {
      const socket = await this.openSocket();
      this.socket.close();
      this.socket = socket;
    } catch (error) {
      // Without a route there is no new socket. The old one may send again once there is a route.
      const errno = errnoOf(error);
      this.parts.onError(errno, this.faults.record(errno, this.parts.clock.nowMs()));
    }
    this.isOpening = false;
    if (this.isClosed) this.socket.close();
    else this.parts.onReady();
  }
}

function countSent(batch: Batch, counters: NodeCounters, count: number): void {
  counters.bytesSent += batch.bytesOf(count);
  counters.datagramsSent += count;
  counters.linesRelayed += batch.shift(count);
}

/** Whether an errno concerns the link, rather than one datagram or the program at the other end. */
function isLinkError(errno: string): boolean {
  return errno !== "ECONNREFUSED" && errno !== "EMSGSIZE";
}

/** Errors that do not come from the kernel are identified by their name. */
function errnoOf(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException;
  return code ?? name;
}
