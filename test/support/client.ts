/** What those who use a proxy do: send metrics, and ask the console. */
import { onTestFinished } from "bun:test";
import { connect, type Socket } from "node:net";
import { silentSocket } from "./ports.ts";
import type { RunningProxy } from "./process.ts";
import { until } from "./until.ts";

const HOST = "127.0.0.1";

/**
 * What may be under way at once, in bytes of a kernel's receive buffer as Linux counts them: about a kilobyte for each
 * datagram and twice its length, of 212,992 by default.
 */
const BURST_BYTES_MAX = 100_000;

/** Sends datagrams one by one, no faster than the proxy takes them in. */
export async function send(
  proxy: RunningProxy,
  datagrams: readonly (string | Uint8Array)[],
  host = HOST,
): Promise<void> {
  const hostname = host.includes(":") ? "::" : "0.0.0.0";
  const socket = await silentSocket({ hostname, connect: { hostname: host, port: proxy.port } });
  let received = (await stats(proxy)).packets_received;
  let burst = 0;
  let burstBytes = 0;
  const takenIn = async () => {
    received += burst;
    burst = burstBytes = 0;
    await until(`${received} datagrams taken in`, async () => (await stats(proxy)).packets_received >= received);
  };
  for (const datagram of datagrams) {
    const bytes = Buffer.from(datagram as string);
    if (burst > 0 && burstBytes + 2 * bytes.length > BURST_BYTES_MAX) await takenIn();
    if (!socket.send(bytes)) throw new Error("the sending socket is full");
    burst++;
    burstBytes += 1024 + 2 * bytes.length;
  }
  await takenIn();
  socket.close();
}

/** Every figure of `stats` by its name. */
export async function stats(proxy: { consolePort: number }): Promise<Record<string, number>> {
  return figuresOf(await ask(proxy, "stats"));
}

/** The figures in an answer to `stats`. */
export function figuresOf(answer: string): Record<string, number> {
  const figures = answer
    .trimEnd()
    .split("\n")
    .map((line) => {
      // A node's label may hold what separates name and value.
      const separator = line.lastIndexOf(": ");
      return [line.slice(0, separator), Number(line.slice(separator + 2))];
    });
  return Object.fromEntries(figures);
}

/** What the console answers to a command, or to several on a line each. */
export async function ask({ consolePort }: { consolePort: number }, commands: string): Promise<string> {
  const client = await Client.open(consolePort);
  client.send(`${commands}\nquit\n`);
  return await client.wholeAnswer();
}

/** Whether nobody listens on a TCP port. */
export async function refusesConnections(port: number): Promise<boolean> {
  const socket = connect({ host: HOST, port });
  const refused = await new Promise<boolean>((resolve) => {
    socket.on("connect", () => resolve(false));
    socket.on("error", () => resolve(true));
  });
  socket.destroy();
  return refused;
}

const begun = new Set<Client>();

/** Ends all connections to consoles that a test began. */
export function endClients(): void {
  for (const { socket } of begun) socket.destroy();
  begun.clear();
}

/** A connection to a console. It ends with the test, if not before. */
export class Client {
  /** What came so far. */
  answer = "";
  closed = false;
  readonly socket: Socket;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes) => {
      this.answer += bytes.toString("latin1");
    });
    socket.on("close", () => {
      this.closed = true;
    });
    // What a reset connection has to say, `closed` says too.
    socket.on("error", () => {});
  }

  /** A connection that may not be there yet, and may never be. */
  static begin(port: number): Client {
    const client = new Client(connect({ host: HOST, port }));
    begun.add(client);
    onTestFinished(endClients);
    return client;
  }

  static async open(port: number): Promise<Client> {
    const client = Client.begin(port);
    await new Promise<void>((resolve, reject) => {
      client.socket.once("connect", resolve);
      client.socket.once("error", reject);
    });
    return client;
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Waits until what came is `text`. */
  async answered(text: string): Promise<void> {
    await until(`the answer ${JSON.stringify(text)}`, () => this.answer === text).catch((error) => {
      throw new Error(`${error.message}, but ${JSON.stringify(this.answer)}`);
    });
  }

  /** What came by the time that the other side ended the connection. */
  async wholeAnswer(): Promise<string> {
    await until("the end of the connection", () => this.closed);
    return this.answer;
  }
}
