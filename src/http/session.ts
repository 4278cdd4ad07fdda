/**
 * HTTP: requests in, answers out. What they are is http/answers.ts's business. Bun.serve is not for this: it bounds neither
 * connections, nor the bytes of their headers, nor what one asks without reading, nor the time that answers take (1.4.5).
 */
import { STATUS_CODES } from "node:http";
import type { Network } from "../net/network.ts";
import type { HttpCode, HttpCutReason } from "../relay/counters.ts";
import type { Answering } from "../server/answering.ts";
import { type Connection, type Session, TcpServer } from "../server/tcpServer.ts";
import type { Clock } from "../system/clock.ts";
import { badRequest, type HttpContext, type Reply, respond, serverError } from "./answers.ts";
import { type HttpRequest, parseRequest } from "./request.ts";

/** A connection on which nothing happens for this long is closed; a request must be complete within this time. */
const IDLE_SECONDS = 30;
/** A longer body is written by itself, not copied behind its headers. */
const JOINED_BYTES_MAX = 16 * 1024;

/** Why a connection is cut, besides what every server cuts for. A client that does not read is one of those. */
type Reason = HttpCutReason;

export interface HttpParts {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  readonly context: HttpContext;
  readonly onAnswer: (code: HttpCode) => void;
  readonly onCut: (reason: HttpCutReason) => void;
  /** The connection that was quiet for longest makes room for one more. */
  readonly connectionsMax: number;
  /** Shared with others who answer. */
  readonly answering: Answering;
  readonly network: Pick<Network, "listenTcp">;
  readonly clock: Clock;
  readonly idleSeconds?: number;
}

export class Http {
  private readonly server: TcpServer<Reason>;

  /** @throws what listen throws: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  constructor(parts: HttpParts) {
    const { context, onAnswer, idleSeconds = IDLE_SECONDS, ...server } = parts;
    this.server = new TcpServer<Reason>({
      ...{ ...server, idleSeconds },
      session: (connection) => new HttpSession(connection, context, onAnswer, parts.clock),
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

interface AnswerRest {
  readonly pieces: Iterator<string>;
  /** Each piece says how long it is. */
  readonly chunked: boolean;
  /** The connection ends behind it. */
  readonly isLast: boolean;
}

class HttpSession implements Session {
  private readonly connection: Connection<Reason>;
  private readonly context: HttpContext;
  private readonly onAnswer: (code: HttpCode) => void;
  private readonly clock: Clock;
  /** What is not made yet of the answer under way. */
  private rest: AnswerRest | undefined;
  private noMore = false;

  constructor(connection: Connection<Reason>, context: HttpContext, onAnswer: (code: HttpCode) => void, clock: Clock) {
    this.clock = clock;
    this.connection = connection;
    this.context = context;
    this.onAnswer = onAnswer;
  }

  received(text: string): void {
    const { connection } = this;
    // The time for a request begins with its first byte; those that follow do not put it off.
    if (connection.asked === "") connection.alive();
    connection.asked += text;
  }

  ended(): void {
    this.noMore = true;
  }

  /** Answers what was asked, in order: a request or a piece of an answer at a time. */
  serve(): boolean {
    const { connection } = this;
    if (connection.isFull) return false;
    if (this.rest) return this.goOn(this.rest);
    const request = parseRequest(connection.asked);
    if (request === undefined) {
      if (this.noMore) connection.end();
      return false;
    }
    if (typeof request === "number") {
      this.answer(badRequest(request), undefined);
      return false;
    }
    connection.asked = connection.asked.slice(request.bytes);
    connection.alive();
    this.answer(this.replyTo(request), request);
    return true;
  }

  timedOut(): void {
    const { connection } = this;
    if (!connection.isRead) connection.cut("unread");
    else connection.cut(connection.asked === "" ? "idle" : "slow");
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

  /** @param request undefined: there was none that can be read, and there will be none */
  private answer({ status, headers, body }: Reply, request: HttpRequest | undefined): void {
    const { connection } = this;
    this.onAnswer(status);
    // Of an answer in pieces the length is not known before the last is made. HTTP/1.0 knows its end by that of the
    // connection.
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

  /** The next piece of an answer. */
  private goOn({ pieces, chunked, isLast }: AnswerRest): boolean {
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
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n`;
}

/** An empty one would be the end. */
function chunkText(text: string): string {
  return text === "" ? "" : `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}
