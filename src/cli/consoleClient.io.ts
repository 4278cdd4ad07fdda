/** A client of the console, for answers of one line. */
import { connect, type Socket } from "node:net";

/** What is said of an answer that makes no sense. */
export const NO_CONSOLE = "not the console of a statsd-proxy, or of one that is too old";

const TIMEOUT_MS = 5000;
/** More than any one-line answer: thousands of nodes. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

interface Request {
  readonly parts: Buffer[];
  bytes: number;
  readonly resolve: (answer: string) => void;
  readonly reject: (error: Error) => void;
}

export class ConsoleClient {
  private readonly host: string;
  private readonly port: number;
  private socket: Socket | undefined;
  private request: Request | undefined;

  constructor(host: string, port: number) {
    this.host = host;
    this.port = port;
  }

  /**
   * Sends a command and returns its answer, one line. Connects if necessary. One command at a time.
   * @throws Error with the reason: no connection, no answer, too long an answer, or a closed connection
   */
  async ask(command: string): Promise<string> {
    const socket = this.socket ?? this.connect();
    const timer = setTimeout(() => this.fail("no answer"), TIMEOUT_MS);
    try {
      return await new Promise<string>((resolve, reject) => {
        this.request = { parts: [], bytes: 0, resolve, reject };
        socket.write(`${command}\n`);
      });
    } finally {
      clearTimeout(timer);
      this.request = undefined;
    }
  }

  close(): void {
    this.socket?.destroy();
    this.socket = undefined;
  }

  private connect(): Socket {
    const socket = connect({ host: this.host, port: this.port });
    this.socket = socket;
    const fail = (reason: string) => {
      if (this.socket === socket) this.fail(reason);
    };
    socket.on("data", (bytes: Buffer) => this.received(bytes));
    socket.on("error", ({ code, message }: NodeJS.ErrnoException) =>
      fail(code ? `cannot be reached (${code})` : message),
    );
    socket.on("close", () => fail("the connection was closed"));
    return socket;
  }

  private received(bytes: Buffer): void {
    const { request } = this;
    if (request === undefined) return;
    request.parts.push(bytes);
    request.bytes += bytes.length;
    if (bytes.includes("\n")) request.resolve(Buffer.concat(request.parts).toString("utf8").split("\n", 1)[0]);
    else if (request.bytes > ANSWER_BYTES_MAX) this.fail("the answer is too long");
  }

  private fail(reason: string): void {
    this.close();
    this.request?.reject(new Error(reason));
  }
}
