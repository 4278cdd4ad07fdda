/**
 * A TCP server for strangers: everything that a client can make grow is bounded. A `Session` implements the protocol;
 * it is served when it is its turn (server/answerScheduler.ts).
 */
import type { Network, TcpClient, TcpListener } from "../net/network.ts";
import type { Clock, Timer } from "../system/clock.ts";
import type { AnswerScheduler } from "./answerScheduler.ts";

/** No more of an answer is generated until the client has read what is there. */
const UNREAD_BYTES_MAX = 64 * 1024;
/**
 * When a client has this much unanswered input, reading stops: the rest waits in the kernel, and then at the client.
 * Reading it and cutting the client instead made so much garbage that 128 clients that kept reconnecting cost a third
 * of a gigabyte.
 */
export const INPUT_BYTES_MAX = 64 * 1024;
/** Reading resumes below this. */
const INPUT_BYTES_RESUME = INPUT_BYTES_MAX / 2;
/** A paused client that reads nothing for this long is cut: it may be gone, which only shows once its input is read. */
const UNREAD_SECONDS = 4;
/** Kernel buffer for input, and so the limit of one read: by default it grows up to 6 MB per connection. */
const RECEIVE_BUFFER_BYTES = 32 * 1024;
/**
 * Input and output held for all connections; beyond it, the connection that holds most is cut. Only more than 128
 * clients that do not read can reach it.
 */
const HELD_BYTES_MAX = 16 * 1024 * 1024;
/** Kernel buffer for answers that the client does not read: by default it grows up to 4 MB per connection. */
const SEND_BUFFER_BYTES = 64 * 1024;
/** How much is read and discarded from a client that keeps sending after its last answer. */
const DISCARDED_BYTES_MAX = 256 * 1024;

/** A connection that asks at once is answered within this time. Until then, other connections are closed first. */
export const ANSWERED_MS = 500;

/** The reasons for cutting a connection that are decided here. */
type Excess = "too_many" | "unread";

/** The protocol of one connection. */
export interface Session {
  /** More input, one character per byte. */
  received(text: string): void;
  /** The client will send no more. */
  ended(): void;
  /** Does one step; false: nothing left to do, or waiting for the client to read. */
  serve(): boolean;
  /** The connection has been idle for too long. */
  timedOut(): void;
  /** The connection is closed. */
  closed(): void;
}

export interface TcpServerParts<Reason extends string> {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  readonly connectionsMax: number;
  /** A connection that is idle for this long times out. */
  readonly idleSeconds: number;
  readonly scheduler: AnswerScheduler;
  readonly network: Pick<Network, "listenTcp">;
  readonly clock: Pick<Clock, "nowMs" | "setTimeout" | "cancel">;
  readonly onCut: (reason: Reason | Excess) => void;
  readonly session: (connection: Connection<Reason>) => Session;
}

type Client<Reason extends string> = TcpClient<Connection<Reason> | undefined>;

/** `Reason`: the session's own reasons for cutting a connection. */
/** How long a server that is replaced goes on answering. */
const RETIRE_MS = 1000;

export class TcpServer<Reason extends string> {
  private readonly parts: TcpServerParts<Reason>;
  /** The port that was bound. */
  readonly port: number;
  private listener: TcpListener;
  /** Least recently active first. */
  private readonly connections = new Set<Connection<Reason>>();
  private readonly events: ConnectionEvents<Reason>;
  private heldBytes = 0;
  private retirement: Timer | undefined;
  private connectionsMax: number;

  /** @throws what listen throws: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  constructor(parts: TcpServerParts<Reason>) {
    this.parts = parts;
    this.events = this.eventsOf(parts);
    this.connectionsMax = parts.connectionsMax;
    this.listener = this.listen();
    this.port = this.listener.port;
  }

  /** Releases the port. The connections that there are go on. */
  suspend(): void {
    this.listener.stop();
  }

  /** Listens again, after `suspend`. @throws what listen throws */
  resume(): void {
    this.listener = this.listen();
  }

  /** Accepts no more connections, and ends those that there are when they have had time to be answered. */
  retire(onClosed: () => void): void {
    this.listener.stop();
    this.retirement = this.parts.clock.setTimeout(() => {
      this.close();
      onClosed();
    }, RETIRE_MS);
  }

  /** Sets how many connections there may be. Those beyond it are closed, the least recently active first. */
  allow(connectionsMax: number): void {
    this.connectionsMax = connectionsMax;
    this.trim();
  }

  close(): void {
    this.parts.clock.cancel(this.retirement);
    this.listener.close();
    for (const connection of [...this.connections]) connection.terminate();
  }

  private listen(): TcpListener {
    const { network, host, port } = this.parts;
    return network.listenTcp<Connection<Reason> | undefined>({
      host,
      port,
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

  private open(client: Client<Reason>): void {
    const connection = new Connection(client, this.parts.session, this.events, this.parts.clock.nowMs());
    client.data = connection;
    connection.touch();
    this.trim();
  }

  private trim(): void {
    while (this.connections.size > this.connectionsMax) this.leastRecentlyActive().cut("too_many");
  }

  /**
   * Prefers connections that have had time to ask and be answered; otherwise clients that ask all the time would shut
   * out all others.
   */
  private leastRecentlyActive(): Connection<Reason> {
    const { connections } = this;
    const beforeMs = this.parts.clock.nowMs() - ANSWERED_MS;
    for (const connection of connections) if (connection.openedAtMs < beforeMs) return connection;
    const [leastRecentlyActive] = connections;
    return leastRecentlyActive;
  }

  private eventsOf({ scheduler, onCut, idleSeconds }: TcpServerParts<Reason>): ConnectionEvents<Reason> {
    const { connections } = this;
    return {
      ask: (connection) => scheduler.ask(connection),
      sent: (connection, bytes) => scheduler.sent(connection, bytes),
      touch: (connection, client) => {
        // Bun's timeout does not restart by itself.
        client.timeout(connection.isPaused ? Math.min(UNREAD_SECONDS, idleSeconds) : idleSeconds);
        connections.delete(connection);
        connections.add(connection);
      },
      held: (more) => this.hold(more),
      closed: (connection) => {
        connections.delete(connection);
        scheduler.leave(connection);
      },
      onCut,
      failed: (error) => scheduler.onError(error),
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

/** What a connection reports to its server. */
interface ConnectionEvents<Reason extends string> {
  readonly ask: (connection: Connection<Reason>) => void;
  readonly sent: (connection: Connection<Reason>, bytes: number) => void;
  readonly touch: (connection: Connection<Reason>, client: Client<Reason>) => void;
  readonly held: (more: number) => void;
  readonly closed: (connection: Connection<Reason>) => void;
  readonly onCut: (reason: Reason | Excess) => void;
  readonly failed: (error: Error) => void;
}

const NOTHING = Buffer.alloc(0);

export class Connection<Reason extends string> {
  /** Unanswered input, one character per byte. */
  input = "";
  /** Bytes that it holds in memory, as last reported to the server. */
  held = 0;
  readonly account = { debtMs: 0, atMs: 0 };
  readonly openedAtMs: number;
  private readonly client: Client<Reason>;
  private readonly events: ConnectionEvents<Reason>;
  private readonly session: Session;
  private unread: Buffer = NOTHING;
  /** It has so much unanswered input that reading is paused. */
  isPaused = false;
  private discarded = 0;
  private isClosing = false;
  private isClosed = false;

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

  /** Requests a turn: there is something to do. */
  ask(): void {
    if (!this.isClosed) this.events.ask(this);
  }

  /** Marks the connection as active: it becomes the last to be cut for being idle. */
  touch(): void {
    if (!this.isClosed) this.events.touch(this, this.client);
  }

  /** The client has so much unread output that it gets no more for now. */
  get isFull(): boolean {
    return this.unread.length >= UNREAD_BYTES_MAX;
  }

  /** The client has read everything. */
  get isRead(): boolean {
    return this.unread.length === 0;
  }

  /** Appends to the client's output. */
  write(text: string | Buffer): void {
    if (this.isClosed || text.length === 0) return;
    const bytes = typeof text === "string" ? Buffer.from(text) : text;
    this.push(this.unread.length > 0 ? Buffer.concat([this.unread, bytes]) : bytes);
  }

  /** Closes the connection once the client has read everything. */
  end(): void {
    if (this.isClosed || this.isClosing) return;
    this.isClosing = true;
    this.input = "";
    this.push(this.unread);
  }

  cut(reason: Reason | Excess): void {
    if (this.isClosed) return;
    this.events.onCut(reason);
    this.client.terminate();
    this.closed();
  }

  /** A bug interrupted an answer. */
  failed(error: Error): void {
    this.events.failed(error);
  }

  serve(): boolean {
    if (this.isClosed || this.isClosing) return false;
    try {
      const hasMore = this.session.serve();
      this.updateHeld();
      return hasMore;
    } catch (error) {
      // This ends only the connection: whoever gave the turn reports the error.
      this.terminate();
      throw error;
    }
  }

  received(bytes: Buffer): void {
    if (this.isClosed) return;
    if (this.isClosing) {
      this.discarded += bytes.length;
      if (this.discarded > DISCARDED_BYTES_MAX) this.terminate();
      return;
    }
    this.events.sent(this, bytes.length);
    this.session.received(bytes.toString("latin1"));
    this.updateHeld();
    this.ask();
  }

  ended(): void {
    if (this.isClosed) return;
    if (!this.isClosing) this.session.ended();
    this.updateHeld();
    this.ask();
  }

  drained(): void {
    if (this.isClosed) return;
    this.touch();
    this.push(this.unread);
    this.ask();
  }

  timedOut(): void {
    if (this.isClosed) return;
    if (this.isClosing) this.terminate();
    else if (!this.isPaused) this.session.timedOut();
    else if (this.isRead) this.touch();
    else this.cut("unread");
  }

  /** Call this when the socket is closed, no matter by whom. */
  closed(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.input = "";
    this.unread = NOTHING;
    this.session.closed();
    this.events.closed(this);
    this.updateHeld();
  }

  private push(bytes: Buffer): void {
    const written = bytes.length > 0 ? this.client.write(bytes) : 0;
    // Writing to a socket that has just closed returns -1.
    this.unread = bytes.subarray(Math.max(0, written));
    this.updateHeld();
    if (!this.isClosing || this.unread.length > 0 || this.isClosed) return;
    this.touch();
    this.client.end();
  }

  /** Closes the connection at once. */
  terminate(): void {
    this.client.terminate();
    this.closed();
  }

  private updateHeld(): void {
    const more = this.input.length + this.unread.length - this.held;
    this.held += more;
    if (more !== 0) this.events.held(more);
    if (!this.isClosed && more !== 0) this.pauseOrResume();
  }

  private pauseOrResume(): void {
    if (this.isPaused) {
      if (this.input.length > INPUT_BYTES_RESUME) return;
      this.isPaused = false;
      this.client.resume();
      this.touch();
    } else if (this.input.length > INPUT_BYTES_MAX) {
      this.isPaused = true;
      this.client.pause();
      this.touch();
    }
  }
}
