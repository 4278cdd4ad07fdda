/** A statsd backend for tests: it keeps what it gets. */
import { onTestFinished } from "bun:test";
import type { udp } from "bun";
import type { AtEnd } from "./cleanUp.ts";
import { until } from "./until.ts";

export interface BackendOptions {
  readonly host?: string;
  /** A free one if not given. */
  readonly port?: number;
  readonly atEnd?: AtEnd;
}

const LF = 10;

export class Backend {
  readonly host: string;
  port: number;
  readonly datagrams: Buffer[] = [];
  /** Lines in all datagrams so far. To split those for each look would cost more than to relay them. */
  lineCount = 0;
  private sender = { port: 0, address: "" };
  private socket: udp.Socket<"buffer"> | undefined;

  private constructor(host: string, port: number) {
    this.host = host;
    this.port = port;
  }

  static async open({ host = "127.0.0.1", port = 0, atEnd = onTestFinished }: BackendOptions = {}): Promise<Backend> {
    const backend = new Backend(host, port);
    await backend.listen();
    atEnd(() => backend.close());
    return backend;
  }

  /** As a node of a configuration. */
  get node(): { host: string; port: number } {
    return { host: this.host, port: this.port };
  }

  /** Listens, after `close` on the same port again. */
  async listen(): Promise<void> {
    const data = (_: unknown, bytes: Buffer, port: number, address: string) => {
      this.sender = { port, address };
      this.datagrams.push(bytes);
      this.lineCount += linesIn(bytes);
    };
    const socket = { data, error: () => {} };
    this.socket = await Bun.udpSocket({ hostname: this.host, port: this.port, socket });
    this.port = this.socket.port;
  }

  close(): void {
    this.socket?.close();
    this.socket = undefined;
  }

  /** Sends something back to where its last datagram came from. */
  reply(text: string): void {
    const { port, address } = this.sender;
    this.socket?.send(text, port, address);
  }

  /** Lines so far, as they came, each byte one character. */
  get lines(): string[] {
    return linesOf([this]);
  }

  /** Forgets what came. */
  clear(): void {
    this.datagrams.length = 0;
    this.lineCount = 0;
  }
}

export async function openBackends(count: number, options?: BackendOptions): Promise<Backend[]> {
  return await Promise.all(Array.from({ length: count }, () => Backend.open(options)));
}

/** Lines of all backends so far. */
export function linesOf(backends: readonly Backend[]): string[] {
  return backends.flatMap(({ datagrams }) => datagrams.flatMap((bytes) => bytes.toString("latin1").split("\n")));
}

/** Waits until the backends have that many lines between them. */
export async function linesArrived(backends: readonly Backend[], count: number): Promise<string[]> {
  await until(`${count} lines`, () => countOf(backends) >= count).catch((error) => {
    throw new Error(`${error.message}, but ${countOf(backends)}`);
  });
  return linesOf(backends);
}

function countOf(backends: readonly Backend[]): number {
  return backends.reduce((sum, { lineCount }) => sum + lineCount, 0);
}

/** As many as `split` makes of it. */
function linesIn(bytes: Buffer): number {
  let count = 1;
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) count++;
  return count;
}
