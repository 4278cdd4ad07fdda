/**
 * HTTP's TCP side: requests in, answers out. http/answers.ts decides what they are. Bun.serve will not do (1.4.5): it
 * bounds neither connections, nor header bytes, nor requests whose answers are not read, nor the time that answers
 * take.
 */
import type { Network } from "../net/network.ts";
import type { HttpCode, HttpCutReason } from "../relay/counters.ts";
import type { AnswerScheduler } from "../server/answerScheduler.ts";
import { type Connection, type Session, TcpServer } from "../server/tcpServer.ts";
import type { Clock } from "../system/clock.ts";
import { badRequest, type HttpContext, type Reply, respond, serverError } from "./answers.ts";
import { type HttpRequest, parseRequest } from "./request.ts";

/** A connection that is idle for this long is closed; a request must be complete within this time. */
const IDLE_SECONDS = 30;
/** A longer body is written separately, instead of being copied behind its headers. */
const JOINED_BYTES_MAX = 16 * 1024;

/** Of RFC 9110. node:http has them all, and takes a sixth of the CPU of a start (Bun 1.4.5). */
const REASON_PHRASES: Readonly<Record<HttpCode, string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** Why a connection is cut, besides the reasons of every server, which cover clients that do not read. */
type Reason = HttpCutReason;

export interface HttpParts {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  readonly context: HttpContext;
  readonly onAnswer: (code: HttpCode) => void;
  readonly onCut: (reason: HttpCutReason) => void;
  /** Beyond this, a new connection replaces the least recently active one. */
  readonly connectionsMax: number;
  /** Shared with the other servers. */
  readonly scheduler: AnswerScheduler;
  readonly network: Pick<Network, "listenTcp">;
  readonly clock: Clock;
  readonly idleSeconds?: number;
}

export class Http extends TcpServer<Reason> {
  /** @throws what listen throws: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  constructor({ context, onAnswer, clock, idleSeconds = IDLE_SECONDS, ...server }: HttpParts) {
    super({
      ...{ ...server, clock, idleSeconds },
      session: (connection) => new HttpSession(connection, context, onAnswer, clock),
    });
  }
}

interface AnswerRest {
  readonly pieces: Iterator<string>;
  /** Each piece is preceded by its length. */
  readonly chunked: boolean;
  /** The connection closes after it. */
  readonly isLast: boolean;
}

class HttpSession implements Session {
  private readonly connection: Connection<Reason>;
  private readonly context: HttpContext;
  private readonly onAnswer: (code: HttpCode) => void;
  private readonly clock: Clock;
  /** The rest of the answer in progress, not generated yet. */
  private rest: AnswerRest | undefined;
  private isHalfClosed = false;

  constructor(connection: Connection<Reason>, context: HttpContext, onAnswer: (code: HttpCode) => void, clock: Clock) {
    this.clock = clock;
    this.connection = connection;
    this.context = context;
    this.onAnswer = onAnswer;
  }

  received(text: string): void {
    const { connection } = this;
    // A request's time starts with its first byte; later bytes do not extend it.
    if (connection.input === "") connection.touch();
    connection.input += text;
  }

  ended(): void {
    this.isHalfClosed = true;
  }

  /** Answers requests in order: one request, or one piece of an answer, at a time. */
  serve(): boolean {
    const { connection } = this;
    if (connection.isFull) return false;
    if (this.rest) return this.writeNext(this.rest);
    const request = parseRequest(connection.input);
    if (request === undefined) {
      if (this.isHalfClosed) connection.end();
      return false;
    }
    if (typeof request === "number") {
      this.answer(badRequest(request), undefined);
      return false;
    }
    connection.input = connection.input.slice(request.bytes);
    connection.touch();
    this.answer(this.replyTo(request), request);
    return true;
  }

  timedOut(): void {
    const { connection } = this;
    if (!connection.isRead) connection.cut("unread");
    else connection.cut(connection.input === "" ? "idle" : "slow");
  }

  closed(): void {
    this.rest = undefined;
  }

  private replyTo({ method, url }: HttpRequest): Reply {
    try {
      return respond(method, url.pathname, url.searchParams, this.context);
    } catch (error) {
      this.connection.failed(error as Error);
      return serverError();
    }
  }

  /** @param request undefined: the input is not a request, and none will follow */
  private answer({ status, headers, body }: Reply, request: HttpRequest | undefined): void {
    const { connection } = this;
    this.onAnswer(status);
    // The length of an answer in pieces is not known in advance. HTTP/1.0 takes the end of the connection as the end of
    // the answer.
    const length = body.rest ? undefined : Buffer.byteLength(body.text);
    const chunked = length === undefined && request !== undefined && !request.isOld;
    const isLast = !request?.keepAlive || (length === undefined && !chunked);
    const head = headText(status, {
      date: new Date(this.clock.epochMs()).toUTCString(),
      ...headers,
      ...(length === undefined ? {} : { "content-length": `${length}` }),
      ...(chunked ? { "transfer-encoding": "chunked" } : {}),
      ...(isLast ? { connection: "close" } : request?.isOld ? { connection: "keep-alive" } : {}),
    });
    if (request?.method === "HEAD") {
      connection.write(head);
    } else if (length !== undefined && length > JOINED_BYTES_MAX) {
      connection.write(head);
      connection.write(body.text);
    } else {
      connection.write(head + (chunked ? chunkText(body.text) : body.text));
      if (body.rest) {
        this.rest = { pieces: body.rest, chunked, isLast };
        return;
      }
    }
    if (isLast) connection.end();
  }

  /** Writes the next piece of an answer. */
  private writeNext({ pieces, chunked, isLast }: AnswerRest): boolean {
    const { connection } = this;
    const { value, done } = pieces.next();
    if (!done) {
      connection.write(chunked ? chunkText(value) : value);
      return true;
    }
    this.rest = undefined;
    if (chunked) connection.write("0\r\n\r\n");
    if (isLast) connection.end();
    return true;
  }
}

function headText(status: HttpCode, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${REASON_PHRASES[status]}\r\n${lines.join("")}\r\n`;
}

/** An empty chunk would mean the end. */
function chunkText(text: string): string {
  return text === "" ? "" : `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}
