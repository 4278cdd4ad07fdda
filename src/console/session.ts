/** The console's TCP side: lines in, answers out. What they are is console/commands.ts's business. */

import type { Network } from "../net/network.ts";
import type { CutReason } from "../relay/counters.ts";
import type { Answering } from "../server/answering.ts";
import { type Connection, type Session, TcpServer } from "../server/tcpServer.ts";
import type { Clock, Timer } from "../system/clock.ts";
import { answer, type ConsoleContext, looksComplete, type Stream } from "./commands.ts";

export const LINE_BYTES_MAX = 4096;
/** A line without its end is taken for whole when nothing more came for this long (`echo -n stats | nc`). */
const PAUSE_MS = 50;
const IDLE_SECONDS = 120;

/** Why a connection is cut, besides what every server cuts for. */
type Reason = Extract<CutReason, "line_too_long" | "idle">;

export interface ConsoleParts {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  readonly context: ConsoleContext;
  readonly onCut: (reason: CutReason) => void;
  /** The connection that was quiet for longest makes room for one more. */
  readonly connectionsMax: number;
  /** Shared with others who answer. */
  readonly answering: Answering;
  readonly network: Pick<Network, "listenTcp">;
  readonly clock: Clock;
}

export class Console {
  private readonly server: TcpServer<Reason>;

  /** @throws what listen throws: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  constructor(parts: ConsoleParts) {
    const { context, clock, ...server } = parts;
    this.server = new TcpServer<Reason>({
      ...{ ...server, clock, idleSeconds: IDLE_SECONDS },
      session: (connection) => new ConsoleSession(connection, context, clock),
    });
  }

  get port(): number {
    return this.server.port;
  }

  /** How many connections there may be from now on. */
  allow(connectionsMax: number): void {
    this.server.connectionsMax = connectionsMax;
  }

  close(): void {
    this.server.close();
  }
}

class ConsoleSession implements Session {
  private readonly connection: Connection<Reason>;
  private readonly context: ConsoleContext;
  private readonly clock: Clock;
  /**
   * What may come yet of the end of a line that was taken for whole without it. CR and LF may come one by one, and must
   * not be taken for an empty line: that would end a tap.
   */
  private lateEnd: "CR LF" | "LF" | undefined;
  /** What is not made yet of the answer under way. */
  private rest: Iterator<string> | undefined;
  /** What goes on coming after an answer: the next command waits for its end. */
  private stream: Stream | undefined;
  private pause: Timer | undefined;

  constructor(connection: Connection<Reason>, context: ConsoleContext, clock: Clock) {
    this.clock = clock;
    this.connection = connection;
    this.context = context;
  }

  received(text: string): void {
    this.clock.cancel(this.pause);
    this.connection.alive();
    this.connection.asked += this.withoutLateEnd(text);
  }

  /** What is left is a line, and after the answers the connection ends. */
  ended(): void {
    const { connection } = this;
    const { asked } = connection;
    this.clock.cancel(this.pause);
    connection.asked += asked === "" || asked.endsWith("\n") ? "quit\n" : "\nquit\n";
    // Nothing tells a client that listens on from one that is gone, but what becomes of something sent to it.
    if (this.stream) connection.write("# no more input: it goes on to its end\n");
  }

  /** Answers what was asked, in order: a line or a piece of an answer at a time. */
  serve(): boolean {
    const { connection } = this;
    if (this.stream) this.serveStreaming(this.stream);
    if (connection.isFull || this.stream) return false;
    if (this.rest) return this.goOn(this.rest);
    const { asked } = connection;
    const lineEnd = asked.indexOf("\n");
    const length = lineEnd === -1 ? asked.length : lineEnd;
    if (length > LINE_BYTES_MAX) {
      connection.cut("line_too_long");
      return false;
    }
    if (lineEnd === -1) {
      this.awaitRest();
      return false;
    }
    connection.asked = asked.slice(lineEnd + 1);
    this.say(asked.slice(0, lineEnd));
    return true;
  }

  timedOut(): void {
    this.connection.cut("idle");
  }

  closed(): void {
    this.clock.cancel(this.pause);
    this.stream?.stop();
    this.stream = undefined;
    this.rest = undefined;
  }

  private withoutLateEnd(text: string): string {
    let rest = text;
    if (this.lateEnd === "CR LF" && rest.startsWith("\r")) {
      rest = rest.slice(1);
      this.lateEnd = "LF";
    }
    if (rest === "") return "";
    const more = this.lateEnd !== undefined && rest.startsWith("\n") ? rest.slice(1) : rest;
    this.lateEnd = undefined;
    return more;
  }

  /** A command may be whole without its line end. */
  private awaitRest(): void {
    const { connection } = this;
    this.clock.cancel(this.pause);
    if (!looksComplete(connection.asked)) return;
    this.pause = this.clock.setTimeout(() => {
      this.lateEnd = connection.asked.endsWith("\r") ? "LF" : "CR LF";
      connection.asked += "\n";
      connection.ask();
    }, PAUSE_MS);
  }

  private say(line: string): void {
    const { connection } = this;
    const reply = answer(line, this.context);
    if (reply === undefined) return;
    connection.write(reply.text);
    this.rest = reply.rest;
    if (reply.close) connection.end();
    else if (reply.stream) this.begin(reply.stream);
  }

  /** The next piece of an answer. */
  private goOn(rest: Iterator<string>): boolean {
    const { value, done } = rest.next();
    if (done) this.rest = undefined;
    else this.connection.write(value);
    return true;
  }

  private begin(stream: Stream): void {
    const { connection } = this;
    this.stream = stream;
    stream.begin(
      (text) => {
        connection.write(text);
        return connection.isRead;
      },
      (last) => {
        this.stream = undefined;
        connection.write(last);
        connection.ask();
      },
    );
  }

  /** An empty line, which is what a key pressed in `nc` sends, ends the stream; other lines wait for its end. */
  private serveStreaming(stream: Stream): void {
    const { connection } = this;
    const emptyLine = /^[\t\r ]*\n/.exec(connection.asked);
    if (emptyLine === null) return;
    connection.asked = connection.asked.slice(emptyLine[0].length);
    this.stream = undefined;
    connection.write(stream.stop());
  }
}
