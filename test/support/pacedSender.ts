/** A sender of metrics at a steady rate, a process of its own. */
import { onTestFinished } from "bun:test";
import { join } from "node:path";
import type { AtEnd } from "./cleanUp.ts";
import { prefer } from "./priority.ts";

/** What comes to the proxy. */
export interface Load {
  readonly datagramsPerSecond: number;
  readonly linesPerDatagram: number;
}

export interface PacedSenderOptions extends Load {
  readonly host?: string;
  readonly port: number;
  /** From so many ports of its own, by turns: 1 if not given. */
  readonly flows?: number;
  /** Goes before the command, to run it elsewhere (a namespace). */
  readonly inside?: readonly string[];
  readonly atEnd?: AtEnd;
}

export class PacedSender {
  private readonly child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  private readonly said: AsyncIterator<string>;

  private constructor(child: Bun.Subprocess<"pipe", "pipe", "inherit">) {
    this.child = child;
    this.said = linesOf(child.stdout);
  }

  /** Starts the process; it sends nothing yet. */
  static async start(options: PacedSenderOptions): Promise<PacedSender> {
    const { host = "127.0.0.1", port, datagramsPerSecond, linesPerDatagram, flows = 1, inside = [] } = options;
    const { atEnd = onTestFinished } = options;
    const script = join(import.meta.dir, "pacedSenderProcess.ts");
    const words = [host, `${port}`, `${datagramsPerSecond}`, `${linesPerDatagram}`, `${flows}`];
    const command = [...inside, process.execPath, script, ...words];
    const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    prefer(child.pid);
    const sender = new PacedSender(child);
    atEnd(() => sender.end());
    await sender.said.next();
    return sender;
  }

  go(): void {
    this.tell("go");
  }

  /** Stops; returns how many datagrams the kernel has taken since the start of the process. */
  async halt(): Promise<number> {
    this.tell("halt");
    const { value } = await this.said.next();
    return Number(value);
  }

  async end(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }

  private tell(command: string): void {
    this.child.stdin.write(`${command}\n`);
    void this.child.stdin.flush();
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() as string;
    yield* lines;
  }
}
