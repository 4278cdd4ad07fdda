/**
 * The way to a node: its socket, which sends batches and is opened anew when it fails. What the kernel did not take is
 * accounted for.
 */
import type { udp } from "bun";
import type { Batch } from "../relay/batch.ts";
import type { NodeCounters } from "../relay/counters.ts";
import { LinkTrouble } from "./linkTrouble.ts";

export interface LinkParts {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  /** The node's host answered that nobody listens on the port. */
  readonly onRefusal: () => void;
  /** Any other error but that of a datagram that is too large. `isNew`: it is worth saying. */
  readonly onError: (errno: string, isNew: boolean) => void;
  /** The errors are over. */
  readonly onRecovery: () => void;
  /** The socket was full or is a new one, and takes datagrams again. */
  readonly onReady: () => void;
}

/** What a link asks of a socket that is connected to its node. */
export type LinkSocket = Pick<udp.ConnectedSocket<"buffer">, "send" | "sendMany" | "close">;

interface LinkSocketParts {
  readonly host: string;
  readonly port: number;
  readonly onError: (error: unknown) => void;
  readonly onDrain: () => void;
}

/**
 * Linux keeps each answer of a host for the error handler, also one that was the errno of a `send` already (test: "each
 * answer to a datagram is told to the error handler"). Elsewhere each is told once.
 */
const ANSWERS_ARE_KEPT = process.platform === "linux";

export class Link {
  private readonly parts: LinkParts;
  private readonly openSocket: () => Promise<LinkSocket>;
  private readonly trouble = new LinkTrouble();
  private socket: LinkSocket;
  private isOpening = false;
  private isClosed = false;

  private constructor(parts: LinkParts, openSocket: () => Promise<LinkSocket>, socket: LinkSocket) {
    this.parts = parts;
    this.openSocket = openSocket;
    this.socket = socket;
  }

  /** @throws what connect throws: ENETUNREACH, EACCES */
  static async open(parts: LinkParts, openSocket = openConnected): Promise<Link> {
    const { host, port, onReady } = parts;
    const onError = (error: unknown) => link?.answered(errnoOf(error));
    const open = () => openSocket({ host, port, onError, onDrain: onReady });
    let link: Link | undefined;
    link = new Link(parts, open, await open());
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
    if (this.trouble.sent(performance.now())) this.parts.onRecovery();
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
    if (!ANSWERS_ARE_KEPT && errno === "ECONNREFUSED") this.parts.onRefusal();
  }

  /** Takes what the error handler is told: the answer to an earlier datagram. */
  private answered(errno: string): void {
    if (errno === "ECONNREFUSED") this.parts.onRefusal();
    else if (isOfLink(errno)) this.fail(errno);
  }

  /** Takes an error of the link. Returns whether it is opened anew, so that what waits may wait on. */
  private fail(errno: string): boolean {
    const nowMs = performance.now();
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
      this.parts.onError(errno, this.trouble.error(errno, performance.now()));
    }
    this.isOpening = false;
    if (this.isClosed) this.socket.close();
    else this.parts.onReady();
  }
}

/** Gives up what waits in a batch. */
export function dropAll(batch: Batch, counters: NodeCounters): void {
  counters.linesDropped.send_buffer_full += batch.shift(batch.datagrams);
}

/**
 * One socket for each node, because on a shared one the answer to a dead node's datagram makes the sends to living nodes
 * fail (test: "a dead node costs the living nothing").
 */
async function openConnected({ host, port, onError, onDrain }: LinkSocketParts): Promise<LinkSocket> {
  return await Bun.udpSocket({
    // Bun binds to IPv4 if it is not told otherwise, and cannot connect to an IPv6 address then.
    hostname: host.includes(":") ? "::" : "0.0.0.0",
    connect: { hostname: host, port },
    socket: {
      // What a backend might send back is none of our business.
      data: () => {},
      drain: onDrain,
      // Without a handler a refusal would end the process. It gets the error alone, not as its type says (Bun 1.4.5).
      error: (...args: unknown[]) => onError(args.at(-1)),
    },
  });
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
