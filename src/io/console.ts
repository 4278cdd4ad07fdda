/** The console's TCP side: lines in, answers out, every connection bounded in what it can ask of the process. */
import type { Socket, TCPSocketListener } from "bun";
import { answer, type Desk, looksComplete, type Stream } from "../core/console.ts";
import type { CutReason } from "../core/counters.ts";

/** The connection that was quiet for longest makes room for one more. */
export const CONNECTIONS_MAX = 128;
export const LINE_BYTES_MAX = 4096;
/** What a client may ask without reading the answers. */
export const UNANSWERED_BYTES_MAX = 1024 * 1024;
/** Lines of one client that are answered before others have their turn. */
const LINES_PER_TURN = 16;
/** A line without its end is taken for whole when nothing more came for this long (`echo -n stats | nc`). */
const PAUSE_MS = 50;
const IDLE_SECONDS = 120;

class Connection {
  /** What was asked and is not answered yet. */
  asked = "";
  /** The line before was taken for whole without its end, which may come yet. */
  unended = false;
  /** The rest of an answer that the client has not read yet. */
  unread: Buffer = Buffer.alloc(0);
  /** What goes on coming after an answer: the next command waits for its end. */
  stream: Stream | undefined;
  /** The connection ends after the answer under way. */
  ending = false;
  pause: ReturnType<typeof setTimeout> | undefined;
  more: ReturnType<typeof setImmediate> | undefined;
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
        drain: (client) => this.drained(client),
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
    this.alive(client);
    if (this.clients.size <= CONNECTIONS_MAX) return;
    const [quietest] = this.clients;
    this.cut(quietest, "too_many");
  }

  /** Puts the client behind all others in the order of quietness, and its timeout off: Bun's does not start again. */
  private alive(client: Client): void {
    client.timeout(IDLE_SECONDS);
    this.clients.delete(client);
    this.clients.add(client);
  }

  private received(client: Client, bytes: Buffer): void {
    const connection = client.data;
    this.alive(client);
    const text = bytes.toString("latin1");
    connection.asked += connection.unended ? text.replace(/^\r?\n/, "") : text;
    connection.unended = false;
    if (connection.asked.length > UNANSWERED_BYTES_MAX) this.cut(client, "unread");
    else this.serve(client);
  }

  /** The client will send no more: what is left is a line, and after the answers the connection ends. */
  private ended(client: Client): void {
    const connection = client.data;
    const { asked } = connection;
    connection.asked += asked === "" || asked.endsWith("\n") ? "quit\n" : "\nquit\n";
    // Nothing tells a client that listens on from one that is gone, but what becomes of something sent to it.
    if (connection.stream) this.writeOn(client, "# no more input: it goes on to its end\n");
    this.serve(client);
  }

  /**
   * Answers what was asked, in order: no more than the client reads, and a few lines at a time, so that what else the
   * process has to do is not kept waiting.
   */
  private serve(client: Client): void {
    const connection = client.data;
    clearTimeout(connection.pause);
    clearImmediate(connection.more);
    for (let served = 0; served < LINES_PER_TURN; served++) {
      if (connection.stream) this.serveStreaming(client, connection.stream);
      if (connection.unread.length > 0 || connection.ending || connection.stream) return;
      const lineEnd = connection.asked.indexOf("\n");
      const length = lineEnd === -1 ? connection.asked.length : lineEnd;
      if (length > LINE_BYTES_MAX) this.cut(client, "line_too_long");
      else if (lineEnd === -1) this.awaitRest(client);
      else {
        const line = connection.asked.slice(0, lineEnd);
        connection.asked = connection.asked.slice(lineEnd + 1);
        this.say(client, line);
        continue;
      }
      return;
    }
    connection.more = setImmediate(() => this.serve(client));
  }

  /** A command may be whole without its line end. */
  private awaitRest(client: Client): void {
    if (!looksComplete(client.data.asked)) return;
    client.data.pause = setTimeout(() => {
      client.data.asked += "\n";
      client.data.unended = true;
      this.serve(client);
    }, PAUSE_MS);
  }

  private say(client: Client, line: string): void {
    const reply = answer(line, this.desk);
    if (reply === undefined) return;
    if (reply.close) client.data.ending = true;
    this.write(client, Buffer.from(reply.text));
    if (reply.stream) this.stream(client, reply.stream);
  }

  private stream(client: Client, stream: Stream): void {
    client.data.stream = stream;
    stream.begin(
      (text) => this.writeOn(client, text),
      (last) => {
        this.endStream(client, last);
        this.serve(client);
      },
    );
  }

  /** An empty line, which is what a key pressed in `nc` sends, ends the stream; other lines wait for its end. */
  private serveStreaming(client: Client, stream: Stream): void {
    const connection = client.data;
    const emptyLine = /^[\t\r ]*\n/.exec(connection.asked);
    if (emptyLine === null) return;
    connection.asked = connection.asked.slice(emptyLine[0].length);
    this.endStream(client, stream.stop());
  }

  private endStream(client: Client, last: string): void {
    client.data.stream = undefined;
    this.writeOn(client, last);
  }

  /** Writes behind what the client has not read yet. False: there is something that it has not. */
  private writeOn(client: Client, text: string): boolean {
    this.write(client, Buffer.concat([client.data.unread, Buffer.from(text)]));
    return client.data.unread.length === 0;
  }

  private drained(client: Client): void {
    this.alive(client);
    this.write(client, client.data.unread);
    this.serve(client);
  }

  private write(client: Client, bytes: Buffer): void {
    const written = bytes.length > 0 ? client.write(bytes) : 0;
    client.data.unread = bytes.subarray(Math.max(0, written));
    if (client.data.ending && client.data.unread.length === 0) client.end();
  }

  private cut(client: Client, reason: CutReason): void {
    this.onCut(reason);
    this.forget(client);
    client.terminate();
  }

  private forget(client: Client): void {
    clearTimeout(client.data?.pause);
    clearImmediate(client.data?.more);
    client.data?.stream?.stop();
    this.clients.delete(client);
  }
}
