/**
 * A TCP server for strangers: everything that a client can make grow is bounded. What is said on a connection is the
 * business of its `Session`; it is served when it is its turn (server/answering.ts).
 */
import type { Network, TcpClient, TcpListener } from "../net/network.ts";
import type { Clock } from "../system/clock.ts";
import type { Answering } from "./answering.ts";

/** More is not made of an answer until the client has read what there is. */
const UNREAD_BYTES_MAX = 64 * 1024;
/**
 * Of a client that has asked so much and is not answered yet no more is read: it waits in the kernel, and then at the
 * client. To read it and cut the client made so much garbage that 128 clients which came again were a third of a
 * gigabyte.
 */
export const ASKED_BYTES_MAX = 64 * 1024;
/** With as little as this it is read again. */
const ASKED_BYTES_FEW = ASKED_BYTES_MAX / 2;
/** If meanwhile it reads nothing for so long it is cut: it may be gone, which is not seen before what it sent is read. */
const UNREAD_SECONDS = 4;
/** What the kernel holds of questions, and so the most of one reading: by default it goes up to 6 MB, for each. */
const RECEIVE_BUFFER_BYTES = 32 * 1024;
/**
 * Asked or unread, on all connections; beyond it the one that holds most is cut. More than 128 clients hold that just do
 * not read.
 */
const HELD_BYTES_MAX = 16 * 1024 * 1024;
/** What the kernel holds of answers for a client that does not read: by default it goes up to 4 MB, for each. */
const SEND_BUFFER_BYTES = 64 * 1024;
/** What is taken and thrown away of a client that goes on after the end of what it is answered. */
const SPILLED_BYTES_MAX = 256 * 1024;

/** Within this a connection that asks at once is answered. Before that, another makes room if there is one. */
export const ANSWERED_MS = 500;

/** Why a connection is cut, of those reasons that lie here. */
type Excess = "too_many" | "unread";

/** What is said on one connection. */
export interface Session {
  /** More came, a character a byte. */
  received(text: string): void;
  /** The client will send no more. */
  ended(): void;
  /** Does one step; false: nothing is left to do, or it is the client's turn to read. */
  serve(): boolean;
  /** Since the last sign of life it has been too long. */
  timedOut(): void;
  /** The connection is over. */
  closed(): void;
}

export interface TcpServerParts<Reason extends string> {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  readonly connectionsMax: number;
  /** A connection without a sign of life for so long is told that it timed out. */
  readonly idleSeconds: number;
  readonly answering: Answering;
  readonly network: Pick<Network, "listenTcp">;
  readonly clock: Pick<Clock, "nowMs">;
  readonly onCut: (reason: Reason | Excess) => void;
  readonly session: (connection: Connection<Reason>) => Session;
}

type Client<Reason extends string> = TcpClient<Connection<Reason> | undefined>;

/** `Reason`: why a `Session` cuts its connection. */
export class TcpServer<Reason extends string> {
  private readonly parts: TcpServerParts<Reason>;
  private readonly listener: TcpListener;
  /** In order of their last sign of life. */
  private readonly connections = new Set<Connection<Reason>>();
  private readonly events: ConnectionEvents<Reason>;
  private heldBytes = 0;
  /** May change: it holds for the next that connects. */
  connectionsMax: number;

  /** @throws what listen throws: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  constructor(parts: TcpServerParts<Reason>) {
    this.parts = parts;
    this.events = this.eventsOf(parts);
    this.connectionsMax = parts.connectionsMax;
    this.listener = parts.network.listenTcp<Connection<Reason> | undefined>({
      host: parts.host,
      port: parts.port,
      receiveBuffer: RECEIVE_BUFFER_BYTES,
      sendBuffer: SEND_BUFFER_BYTES,
      socket: {
        open: (client) => this.open(client),
        data: (client, bytes) => client.data?.received(bytes),
        drain: (client) => client.data?.drained(),
        end: (client) => client.data?.ended(),
        timeout: (client) => client.data?.timedOut(),
        close: (client) => client.data?.closed(),
        error: (client) => client.terminate(),
      },
    });
  }

  get port(): number {
    return this.listener.port;
  }

  close(): void {
    this.listener.close();
  }

  private open(client: Client<Reason>): void {
    const connection = new Connection(client, this.parts.session, this.events, this.parts.clock.nowMs());
    client.data = connection;
    connection.alive();
    if (this.connections.size > this.connectionsMax) this.quietest().cut("too_many");
  }

  /** Of those that had time to ask and be answered; else those who session without end would shut out all others. */
  private quietest(): Connection<Reason> {
    const { connections } = this;
    const beforeMs = this.parts.clock.nowMs() - ANSWERED_MS;
    for (const connection of connections) if (connection.openedAtMs < beforeMs) return connection;
    const [quietest] = connections;
    return quietest;
  }

  private eventsOf({ answering, onCut, idleSeconds }: TcpServerParts<Reason>): ConnectionEvents<Reason> {
    const { connections } = this;
    return {
      ask: (connection) => answering.ask(connection),
      sent: (connection, bytes) => answering.sent(connection, bytes),
      alive: (connection, client) => {
        // Bun's timeout does not start again by itself.
        client.timeout(connection.isPaused ? Math.min(UNREAD_SECONDS, idleSeconds) : idleSeconds);
        connections.delete(connection);
        connections.add(connection);
      },
      held: (more) => this.hold(more),
      gone: (connection) => {
        connections.delete(connection);
        answering.leave(connection);
      },
      onCut,
      failed: (error) => answering.onError(error),
    };
  }

  private hold(more: number): void {
    this.heldBytes += more;
    if (more <= 0 || this.heldBytes <= HELD_BYTES_MAX) return;
    let most: Connection<Reason> | undefined;
    for (const connection of this.connections) if (connection.held > (most?.held ?? 0)) most = connection;
    most?.cut("unread");
  }
}

/** What a connection tells its server. */
interface ConnectionEvents<Reason extends string> {
  readonly ask: (connection: Connection<Reason>) => void;
  readonly sent: (connection: Connection<Reason>, bytes: number) => void;
  readonly alive: (connection: Connection<Reason>, client: Client<Reason>) => void;
  readonly held: (more: number) => void;
  readonly gone: (connection: Connection<Reason>) => void;
  readonly onCut: (reason: Reason | Excess) => void;
  readonly failed: (error: Error) => void;
}

const NOTHING = Buffer.alloc(0);

export class Connection<Reason extends string> {
  /** What was asked and is not answered yet, a character a byte. */
  asked = "";
  /** Bytes that it holds in memory, as its server was told last. */
  held = 0;
  readonly account = { debtMs: 0, atMs: 0 };
  readonly openedAtMs: number;
  private readonly client: Client<Reason>;
  private readonly events: ConnectionEvents<Reason>;
  private readonly session: Session;
  private unread: Buffer = NOTHING;
  /** It has asked so much that no more is read of it. */
  isPaused = false;
  private spilled = 0;
  private isEnding = false;
  private isOver = false;

  constructor(
    client: Client<Reason>,
    session: (connection: Connection<Reason>) => Session,
    events: ConnectionEvents<Reason>,
    openedAtMs: number,
  ) {
    this.openedAtMs = openedAtMs;
    this.client = client;
    this.events = events;
    this.session = session(this);
  }

  /** It is to be served: there is something to do. */
  ask(): void {
    if (!this.isOver) this.events.ask(this);
  }

  /** A sign of life: it is the last of all to be cut for being quiet. */
  alive(): void {
    if (!this.isOver) this.events.alive(this, this.client);
  }

  /** The client has read so little of what it asked for that it gets no more for now. */
  get isFull(): boolean {
    return this.unread.length >= UNREAD_BYTES_MAX;
  }

  /** The client has read everything. */
  get isRead(): boolean {
    return this.unread.length === 0;
  }

  /** Writes behind what the client has not read yet. */
  write(text: string | Buffer): void {
    if (this.isOver || text.length === 0) return;
    const bytes = typeof text === "string" ? Buffer.from(text) : text;
    this.push(this.unread.length > 0 ? Buffer.concat([this.unread, bytes]) : bytes);
  }

  /** The connection ends when the client has read everything. */
  end(): void {
    if (this.isOver || this.isEnding) return;
    this.isEnding = true;
    this.asked = "";
    this.push(this.unread);
  }

  cut(reason: Reason | Excess): void {
    if (this.isOver) return;
    this.events.onCut(reason);
    this.client.terminate();
    this.closed();
  }

  /** An answer ended in an error of the program's own. */
  failed(error: Error): void {
    this.events.failed(error);
  }

  serve(): boolean {
    if (this.isOver || this.isEnding) return false;
    try {
      const goesOn = this.session.serve();
      this.count();
      return goesOn;
    } catch (error) {
      // It ends the connection, and nothing else: whoever gave the turn tells of it.
      this.over();
      throw error;
    }
  }

  received(bytes: Buffer): void {
    if (this.isOver) return;
    if (this.isEnding) {
      this.spilled += bytes.length;
      if (this.spilled > SPILLED_BYTES_MAX) this.over();
      return;
    }
    this.events.sent(this, bytes.length);
    this.session.received(bytes.toString("latin1"));
    this.count();
    this.ask();
  }

  ended(): void {
    if (this.isOver) return;
    if (!this.isEnding) this.session.ended();
    this.count();
    this.ask();
  }

  drained(): void {
    if (this.isOver) return;
    this.alive();
    this.push(this.unread);
    this.ask();
  }

  timedOut(): void {
    if (this.isOver) return;
    if (this.isEnding) this.over();
    else if (!this.isPaused) this.session.timedOut();
    else if (this.isRead) this.alive();
    else this.cut("unread");
  }

  /** To be called when the socket is closed, by whomever. */
  closed(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.asked = "";
    this.unread = NOTHING;
    this.session.closed();
    this.events.gone(this);
    this.count();
  }

  private push(bytes: Buffer): void {
    const written = bytes.length > 0 ? this.client.write(bytes) : 0;
    // A socket that is closed meanwhile takes -1.
    this.unread = bytes.subarray(Math.max(0, written));
    this.count();
    if (!this.isEnding || this.unread.length > 0 || this.isOver) return;
    this.alive();
    this.client.end();
  }

  private over(): void {
    this.client.terminate();
    this.closed();
  }

  private count(): void {
    const more = this.asked.length + this.unread.length - this.held;
    this.held += more;
    if (more !== 0) this.events.held(more);
    if (!this.isOver && more !== 0) this.pauseOrResume();
  }

  private pauseOrResume(): void {
    if (this.isPaused) {
      if (this.asked.length > ASKED_BYTES_FEW) return;
      this.isPaused = false;
      this.client.resume();
      this.alive();
    } else if (this.asked.length > ASKED_BYTES_MAX) {
      this.isPaused = true;
      this.client.pause();
      this.alive();
    }
  }
}
