/** A node's socket: sends its batch, and accounts for what the kernel did not take. */
import type { udp } from "bun";
import type { Batch } from "../core/batch.ts";
import type { NodeCounters } from "../core/counters.ts";

export type NodeSocket = udp.ConnectedSocket<"buffer">;

export interface NodeSocketParts {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  /** The node's host answered that nobody listens on the port. */
  readonly onRefusal: () => void;
  /** The socket was full and takes datagrams again. */
  readonly onDrain: () => void;
}

/**
 * A socket that is connected to one node. One for each, because on a shared one the answer to a dead node's datagram
 * makes the sends to living nodes fail (test: "a dead node costs the living nothing").
 * @throws what connect throws: ENETUNREACH, EACCES
 */
export async function openNodeSocket(parts: NodeSocketParts): Promise<NodeSocket> {
  const { host, port, onRefusal, onDrain } = parts;
  return await Bun.udpSocket({
    // Bun binds to IPv4 if it is not told otherwise, and cannot connect to an IPv6 address then.
    hostname: host.includes(":") ? "::" : "0.0.0.0",
    connect: { hostname: host, port },
    socket: {
      // What a backend might send back is none of our business.
      data: () => {},
      drain: onDrain,
      // Without a handler a refusal would end the process (Bun 1.4.5).
      error: onRefusal,
    },
  });
}

export class Sender {
  private readonly socket: Pick<NodeSocket, "send" | "sendMany">;
  private readonly batch: Batch;
  private readonly counters: NodeCounters;

  constructor(socket: Pick<NodeSocket, "send" | "sendMany">, batch: Batch, counters: NodeCounters) {
    this.socket = socket;
    this.batch = batch;
    this.counters = counters;
  }

  /** Sends what waits. What the socket does not take now stays in the batch. */
  flush(): void {
    let datagrams = this.batch.views();
    while (datagrams.length > 0) {
      const sent = this.sendMany(datagrams);
      this.relayed(datagrams, sent);
      if (sent === datagrams.length) return;
      // sendMany says how many it sent, but not why no more; send says it of one.
      const rest = datagrams.slice(sent);
      const outcome = this.sendOne(rest[0]);
      if (outcome === "full") return;
      if (outcome === "sent") this.relayed(rest, 1);
      else this.counters.linesDropped.send_error += this.batch.shift(1);
      datagrams = rest.slice(1);
    }
  }

  /** Gives up what waits. */
  drop(): void {
    this.counters.linesDropped.send_buffer_full += this.batch.shift(this.batch.datagrams);
  }

  private relayed(datagrams: readonly Buffer[], count: number): void {
    for (let i = 0; i < count; i++) this.counters.bytesSent += datagrams[i].length;
    this.counters.datagramsSent += count;
    this.counters.linesRelayed += this.batch.shift(count);
  }

  private sendMany(datagrams: readonly Buffer[]): number {
    try {
      return this.socket.sendMany(datagrams as Buffer[]);
    } catch {
      return 0;
    }
  }

  private sendOne(datagram: Buffer): "sent" | "full" | "refused" {
    // The first try may only report, and so clear, the answer to an earlier datagram (ECONNREFUSED).
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        return this.socket.send(datagram) ? "sent" : "full";
      } catch {}
    }
    return "refused";
  }
}
