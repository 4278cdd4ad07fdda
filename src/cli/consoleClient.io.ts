/** The other side of a console: asks for lines. */
import { connect, type Socket } from "node:net";

const TIMEOUT_MS = 5000;
/** More than any answer in one line: thousands of nodes. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

interface Question {
  readonly parts: Buffer[];
  bytes: number;
  readonly resolve: (answer: string) => void;
  readonly reject: (error: Error) => void;
}

export class ConsoleClient {
  private readonly host: string;
  private readonly port: number;
  private socket: Socket | undefined;
  private question: Question | undefined;

  constructor(host: string, port: number) {
    this.host = host;
    this.port = port;
  }

  /**
   * The answer, one line, to a command; connects if there is no connection. One at a time.
   * @throws Error with the reason: no connection, no answer, too long a one, or the end of the connection
   */
  async ask(command: string): Promise<string> {
    const socket = this.socket ?? this.connect();
    const timer = setTimeout(() => this.fail("no answer"), TIMEOUT_MS);
    try {
      return await new Promise<string>((resolve, reject) => {
        this.question = { parts: [], bytes: 0, resolve, reject };
        socket.write(`${command}\n`);
      });
    } finally {
      clearTimeout(timer);
      this.question = undefined;
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
    const { question } = this;
    if (question === undefined) return;
    question.parts.push(bytes);
    question.bytes += bytes.length;
    if (bytes.includes("\n")) question.resolve(Buffer.concat(question.parts).toString("utf8").split("\n", 1)[0]);
    else if (question.bytes > ANSWER_BYTES_MAX) this.fail("the answer is too long");
  }

  private fail(reason: string): void {
    this.close();
    this.question?.reject(new Error(reason));
  }
}
