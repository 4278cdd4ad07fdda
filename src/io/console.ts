/** The console's TCP side: lines in, answers out, every connection bounded in what it can ask of the process. */
import type { Socket, TCPSocketListener } from "bun";
import { answer, type Desk, looksComplete } from "../core/console.ts";
import type { CutReason } from "../core/counters.ts";

/** The connection that was quiet for longest makes room for one more. */
export const CONNECTIONS_MAX = 128;
export const LINE_BYTES_MAX = 4096;
/** Answers that a client has not read yet. */
export const UNREAD_BYTES_MAX = 1024 * 1024;
/** A line without its end is taken for whole when nothing more came for this long (`echo -n stats | nc`). */
const PAUSE_MS = 50;
const IDLE_SECONDS = 120;

class Connection {
  line = "";
  unread: Buffer = Buffer.alloc(0);
  ending = false;
  pause: ReturnType<typeof setTimeout> | undefined;
}

type Client = Socket<Connection>;

export interface ConsoleParts {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  readonly desk: Desk;
  readonly onCut: (reason: CutReason) => void;
}

export class Console {
  private readonly listener: TCPSocketListener<Connection>;
  private readonly desk: Desk;
  private readonly onCut: (reason: CutReason) => void;
  /** In order of their last sign of life. */
  private readonly clients = new Set<Client>();

  /** @throws what listen throws: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  constructor({ host, port, desk, onCut }: ConsoleParts) {
    this.desk = desk;
    this.onCut = onCut;
    this.listener = Bun.listen<Connection>({
      hostname: host,
      port,
      // So that a client that has sent all it wants to say (`nc -N`) still gets its answer.
      allowHalfOpen: true,
      socket: {
        open: (client) => this.open(client),
        data: (client, bytes) => this.received(client, bytes),
        drain: (client) => void this.write(client, ""),
        end: (client) => this.ended(client),
        timeout: (client) => this.cut(client, "idle"),
        close: (client) => this.forget(client),
        error: (client) => client.terminate(),
      },
    });
  }

  get port(): number {
    return this.listener.port;
  }

  close(): void {
    this.listener.stop(true);
  }

  private open(client: Client): void {
    client.data = new Connection();
    client.timeout(IDLE_SECONDS);
    this.clients.add(client);
    if (this.clients.size <= CONNECTIONS_MAX) return;
    const [quietest] = this.clients;
    this.cut(quietest, "too_many");
  }

  private received(client: Client, bytes: Buffer): void {
    const connection = client.data;
    this.clients.delete(client);
    this.clients.add(client);
    clearTimeout(connection.pause);
    const lines = (connection.line + bytes.toString("latin1")).split("\n");
    connection.line = lines.pop() as string;
    for (const line of lines) {
      if (line.length > LINE_BYTES_MAX) this.cut(client, "line_too_long");
      else if (this.say(client, line)) continue;
      return;
    }
    if (connection.line.length > LINE_BYTES_MAX) this.cut(client, "line_too_long");
    else if (looksComplete(connection.line)) connection.pause = setTimeout(() => this.sayRest(client), PAUSE_MS);
  }

  /** The client will send no more: what is left is a line, and after the answers the connection ends. */
  private ended(client: Client): void {
    if (!this.sayRest(client)) return;
    client.data.ending = true;
    this.write(client, "");
  }

  private sayRest(client: Client): boolean {
    clearTimeout(client.data.pause);
    const line = client.data.line;
    client.data.line = "";
    return this.say(client, line);
  }

  /** Answers one line. False: the connection takes no more. */
  private say(client: Client, line: string): boolean {
    if (client.data.ending) return false;
    const reply = answer(line, this.desk);
    if (reply?.close) client.data.ending = true;
    return reply === undefined || this.write(client, reply.text);
  }

  private write(client: Client, text: string): boolean {
    const connection = client.data;
    const bytes = Buffer.concat([connection.unread, Buffer.from(text)]);
    const written = bytes.length > 0 ? client.write(bytes) : 0;
    if (written < 0) return false;
    connection.unread = bytes.subarray(written);
    if (connection.unread.length > UNREAD_BYTES_MAX) {
      this.cut(client, "unread");
      return false;
    }
    if (connection.ending && connection.unread.length === 0) client.end();
    return !connection.ending;
  }

  private cut(client: Client, reason: CutReason): void {
    this.onCut(reason);
    this.forget(client);
    client.terminate();
  }

  private forget(client: Client): void {
    clearTimeout(client.data?.pause);
    this.clients.delete(client);
  }
}
