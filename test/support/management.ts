/** Management ports of backends, good and bad. */
import { onTestFinished } from "bun:test";
import type { Socket, TCPSocketListener } from "bun";
import type { AtEnd } from "./cleanUp.ts";

type Client = Socket<undefined>;

/** What a management port does when it is asked something. */
export type Manners = (client: Client) => void;

export const MANNERS = {
  up: (client) => void client.write("health: up\n"),
  down: (client) => void client.write("health: down\n"),
  silent: () => {},
  garbage: (client) => void client.write("HTTP/1.1 400 Bad Request\r\n\r\n\0\xff"),
  /** Never stops talking, and never says it. */
  endless: (client) => void client.write("no ".repeat(10_000)),
  closing: (client) => void client.end(),
  resetting: (client) => client.terminate(),
  /** A byte in each segment. */
  bytewise: (client) => sayBytewise(client, "health: up\n"),
  /** A connection for each answer. */
  closer: (client) => void client.end("health: up\n"),
  /** Says more than it was asked. */
  chatty: (client) => void client.write("health: up\nEND\n"),
  /** Its line never ends. */
  unended: (client) => void client.write("up"),
  behindBanner: (client) => void client.write("Welcome to statsd\nhealth: up\n"),
} as const satisfies Record<string, Manners>;

export interface ManagementOptions {
  readonly manners?: Manners;
  readonly atEnd?: AtEnd;
}

export class ManagementPort {
  port = 0;
  /** What it does from now on. */
  manners: Manners;
  /** What it was asked so far. */
  readonly questions: string[] = [];
  /** Connections that were made to it so far. */
  connections = 0;
  /** Those that are open now. */
  readonly clients = new Set<Client>();
  private listener: TCPSocketListener<undefined> | undefined;

  constructor({ manners = MANNERS.up, atEnd = onTestFinished }: ManagementOptions = {}) {
    this.manners = manners;
    this.listen();
    atEnd(() => this.close());
  }

  /** Listens, after `close` on the same port again. */
  listen(): void {
    const data = (client: Client, bytes: Buffer) => {
      this.questions.push(bytes.toString("latin1"));
      this.manners(client);
    };
    const open = (client: Client) => {
      this.connections++;
      this.clients.add(client);
    };
    const close = (client: Client) => void this.clients.delete(client);
    const socket = { open, close, data, error: () => {} };
    this.listener = Bun.listen({ hostname: "127.0.0.1", port: this.port, socket });
    this.port = this.listener.port;
  }

  /** Refuses from now on. */
  close(): void {
    this.listener?.stop(true);
    this.listener = undefined;
  }
}

function sayBytewise(client: Client, text: string): void {
  if (text === "") return;
  client.write(text.slice(0, 1));
  client.flush();
  setImmediate(() => sayBytewise(client, text.slice(1)));
}
