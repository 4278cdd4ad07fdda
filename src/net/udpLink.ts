/**
 * The way to a node: its socket, which sends batches and is opened anew when it fails. What the kernel did not take is
 * accounted for.
 */
import type { Batch } from "../relay/batch.ts";
import type { NodeCounters } from "../relay/counters.ts";
import type { Clock } from "../system/clock.ts";
import type { Link, LinkEvents } from "./link.ts";
import { LinkTrouble } from "./linkTrouble.ts";
import type { Network, UdpConnection } from "./network.ts";

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
  private readonly trouble = new LinkTrouble();
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
    const onError = (error: unknown) => link?.answered(errnoOf(error));
    const open = () => network.connectUdp({ host, port, onError, onDrain: onReady });
    link = new UdpLink(parts, open, await open());
    return link;
  }

  /** Sends what waits. What the socket does not take now stays in the batch. */
  flush(batch: Batch, counters: NodeCounters): void {
    if (this.isOpening) return;
    const sentBefore = counters.datagramsSent;
    let datagrams = batch.views();
    while (datagrams.length > 0) {
      const sent = this.sendMany(datagrams);
      relayed(batch, counters, datagrams, sent);
      if (sent === datagrams.length) break;
      // sendMany says how many it sent, but not why no more; send says it of one.
      const rest = datagrams.slice(sent);
      const outcome = this.sendOne(rest[0]);
      if (outcome === "full") return;
      if (outcome === "sent") {
        relayed(batch, counters, rest, 1);
      } else {
        if (isOfLink(outcome) && this.fail(outcome)) return;
        counters.linesDropped.send_error += batch.shift(1);
      }
      datagrams = rest.slice(1);
    }
    if (counters.datagramsSent === sentBefore || !this.trouble.isOn) return;
    if (this.trouble.sent(this.parts.clock.nowMs())) this.parts.onRecovery();
  }

  close(): void {
    this.isClosed = true;
    this.socket.close();
  }

  private sendMany(datagrams: readonly Buffer[]): number {
    try {
      return this.socket.sendMany(datagrams as Buffer[]);
    } catch (error) {
      this.refuse(errnoOf(error));
      return 0;
    }
  }

  /** "sent", "full", or the errno that the kernel refused the datagram with. */
  private sendOne(datagram: Buffer): string {
    let errno = "";
    // The first try may only report, and so clear, the answer to an earlier datagram (ECONNREFUSED).
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        return this.socket.send(datagram) ? "sent" : "full";
      } catch (error) {
        errno = errnoOf(error);
        this.refuse(errno);
      }
    }
    return errno;
  }

  /** Takes the errno of a `send`: where the error handler will not be told of a refusal, it is known only from here. */
  private refuse(errno: string): void {
    if (!this.parts.network.repeatsAnswers && errno === "ECONNREFUSED") this.parts.onRefusal();
  }

  /** Takes what the error handler is told: the answer to an earlier datagram. */
  private answered(errno: string): void {
    if (errno === "ECONNREFUSED") this.parts.onRefusal();
    else if (isOfLink(errno)) this.fail(errno);
  }

  /** Takes an error of the link. Returns whether it is opened anew, so that what waits may wait on. */
  private fail(errno: string): boolean {
    const nowMs = this.parts.clock.nowMs();
    this.parts.onError(errno, this.trouble.error(errno, nowMs));
    if (this.isOpening || this.isClosed) return this.isOpening;
    // The kernel chose one of the machine's addresses when the socket was connected. Once that is gone it sends nothing
    // more from it, whatever address comes instead.
    if (!this.trouble.reopens(nowMs)) return false;
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
      // Without a route there is no new socket. The old one may send again when there is.
      const errno = errnoOf(error);
      this.parts.onError(errno, this.trouble.error(errno, this.parts.clock.nowMs()));
    }
    this.isOpening = false;
    if (this.isClosed) this.socket.close();
    else this.parts.onReady();
  }
}

function relayed(batch: Batch, counters: NodeCounters, datagrams: readonly Buffer[], count: number): void {
  for (let i = 0; i < count; i++) counters.bytesSent += datagrams[i].length;
  counters.datagramsSent += count;
  counters.linesRelayed += batch.shift(count);
}

/** Whether an errno says something of the link: not of one datagram, and not of the program at the other end. */
function isOfLink(errno: string): boolean {
  return errno !== "ECONNREFUSED" && errno !== "EMSGSIZE";
}

/** An error that is none of the kernel's goes by its name. */
function errnoOf(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException;
  return code ?? name;
}
