/** The console's TCP side: lines in, answers out. console/commands.ts decides what they are. */

import type { Network } from "../net/network.ts";
import type { CutReason } from "../relay/counters.ts";
import type { AnswerScheduler } from "../server/answerScheduler.ts";
import { type Connection, type Session, TcpServer } from "../server/tcpServer.ts";
import type { Clock, Timer } from "../system/clock.ts";
import { answer, type ConsoleContext, looksComplete, type Stream } from "./commands.ts";

export const LINE_BYTES_MAX = 4096;
/** A line without an end counts as complete when nothing follows for this long (`echo -n stats | nc`). */
const PAUSE_MS = 50;
/**
 * Turns of the event loop that the timer leaves for reading. If the loop was held up, the timer fires first, although the
 * rest of the line has been there for long.
 */
const GRACE_TURNS = 3;
const IDLE_SECONDS = 120;
/** How often a client that sends no more is tried while its tap shows nothing. */
const TRY_MS = 5000;

/** Why a connection is cut, besides the reasons of every server. */
type Reason = Extract<CutReason, "line_too_long" | "idle" | "http">;

/**
 * A request line of HTTP, or the header that every request has. A web page can have the browsers of those who look at it
 * send requests to any port, with lines of its own in the body: none of them may be taken for a command.
 */
const HTTP_LINE = /(?: HTTP\/\d(?:\.\d)?|^[\t ]*Host[\t ]*:.*)[\t\r ]*$/i;

export interface ConsoleParts {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  readonly context: ConsoleContext;
  readonly onCut: (reason: CutReason) => void;
  /** Beyond this, a new connection replaces the least recently active one. */
  readonly connectionsMax: number;
  /** Shared with the other servers. */
  readonly scheduler: AnswerScheduler;
  readonly network: Pick<Network, "listenTcp">;
  readonly clock: Clock;
}

export class Console extends TcpServer<Reason> {
  /** @throws what listen throws: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  constructor({ context, clock, ...server }: ConsoleParts) {
    super({
      ...{ ...server, clock, idleSeconds: IDLE_SECONDS },
      session: (connection) => new ConsoleSession(connection, context, clock),
    });
  }
}

class ConsoleSession implements Session {
  private readonly connection: Connection<Reason>;
  private readonly context: ConsoleContext;
  private readonly clock: Clock;
  /**
   * What may still arrive of the line end after a line was taken without it. CR and LF may arrive separately, and must
   * not count as an empty line: that would end a tap.
   */
  private lateEnd: "CR LF" | "LF" | undefined;
  /** The rest of the answer in progress, not generated yet. */
  private rest: Iterator<string> | undefined;
  /** Output that keeps coming after an answer: the next command waits for its end. */
  private stream: Stream | undefined;
  private pause: Timer | undefined;
  private tries: Timer | undefined;
  /** Incremented whenever the pause starts or ends: a timer that belongs to an earlier one is ignored. */
  private pauseId = 0;

  constructor(connection: Connection<Reason>, context: ConsoleContext, clock: Clock) {
    this.clock = clock;
    this.connection = connection;
    this.context = context;
  }

  received(text: string): void {
    this.endPause();
    this.connection.touch();
    this.connection.input += this.withoutLateEnd(text);
  }

  /** What is left is a line; once everything is answered, the connection closes. */
  ended(): void {
    const { connection } = this;
    const { input } = connection;
    this.endPause();
    connection.input += input === "" || input.endsWith("\n") ? "quit\n" : "\nquit\n";
    // A client that half-closed can be told from one that is gone only by sending it something.
    if (!this.stream?.isTap) return;
    connection.write("# no more input: the tap runs to its end\n");
    this.tries = this.clock.setInterval(() => this.tryClient(), TRY_MS);
  }

  /** Answers commands in order: one line, or one piece of an answer, at a time. */
  serve(): boolean {
    const { connection } = this;
    if (this.stream?.isTap) this.serveTap(this.stream);
    if (connection.isFull || this.stream) return false;
    if (this.rest) return this.writeNext(this.rest);
    const { input } = connection;
    const lineEnd = input.indexOf("\n");
    const length = lineEnd === -1 ? input.length : lineEnd;
    if (length > LINE_BYTES_MAX) {
      connection.cut("line_too_long");
      return false;
    }
    if (lineEnd === -1) {
      this.awaitLineEnd();
      return false;
    }
    const line = input.slice(0, lineEnd);
    if (HTTP_LINE.test(line)) {
      connection.cut("http");
      return false;
    }
    connection.input = input.slice(lineEnd + 1);
    this.run(line);
    return true;
  }

  timedOut(): void {
    this.connection.cut("idle");
  }

  closed(): void {
    this.endPause();
    this.clock.cancel(this.tries);
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

  /** A command may be complete without its line end. */
  private awaitLineEnd(): void {
    const { connection } = this;
    this.endPause();
    if (!looksComplete(connection.input)) return;
    const { pauseId } = this;
    this.pause = this.clock.setTimeout(() => this.paused(pauseId, GRACE_TURNS), PAUSE_MS);
  }

  private paused(pauseId: number, turnsLeft: number): void {
    if (pauseId !== this.pauseId) return;
    if (turnsLeft > 0) {
      this.clock.setImmediate(() => this.paused(pauseId, turnsLeft - 1));
      return;
    }
    const { connection } = this;
    this.lateEnd = connection.input.endsWith("\r") ? "LF" : "CR LF";
    connection.input += "\n";
    connection.ask();
  }

  /** To a client that is gone, and with it the need for its tap, a second write fails: the first is answered by a reset. */
  private tryClient(): void {
    if (this.stream?.isTap) this.connection.write("#\n");
    else this.clock.cancel(this.tries);
  }

  private endPause(): void {
    this.clock.cancel(this.pause);
    this.pauseId++;
  }

  private run(line: string): void {
    const { connection } = this;
    const reply = answer(line, this.context);
    if (reply === undefined) return;
    connection.write(reply.text);
    this.rest = reply.rest;
    if (reply.close) connection.end();
    else if (reply.stream) this.begin(reply.stream);
  }

  /** Writes the next piece of an answer. */
  private writeNext(rest: Iterator<string>): boolean {
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

  /** An empty line, which is what pressing Enter in `nc` sends, ends the stream; other lines wait for its end. */
  private serveTap(stream: Stream): void {
    const { connection } = this;
    const emptyLine = /^[\t\r ]*\n/.exec(connection.input);
    if (emptyLine === null) return;
    connection.input = connection.input.slice(emptyLine[0].length);
    this.stream = undefined;
    connection.write(stream.stop());
  }
}
