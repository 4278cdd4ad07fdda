/** A service manager's ear: a datagram socket of the Unix family, which Bun does not have. */
import { dlopen, type FFIFunction, ptr } from "bun:ffi";
import { onTestFinished } from "bun:test";
import { until } from "./until.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MESSAGE_BYTES_MAX = 4096;
/** More than the kernel queues for a socket. */
const QUEUE_MAX = 100_000;

const SYMBOLS = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
  sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
} as const satisfies Record<string, FFIFunction>;

export class NotifySocket {
  /** What a process finds in $NOTIFY_SOCKET. */
  readonly name: string;
  /** All that has been read so far. */
  readonly messages: string[] = [];
  private readonly libc = dlopen("libc.so.6", SYMBOLS).symbols;
  private readonly fd: number;
  private readonly address: Uint8Array;

  /** @param name a path, or @ and a name */
  constructor(name: string) {
    this.name = name;
    const path = Buffer.from(name.startsWith("@") ? `\0${name.slice(1)}` : `${name}\0`);
    this.address = new Uint8Array([AF_UNIX, 0, ...path]);
    this.fd = this.open();
    if (this.libc.bind(this.fd, ptr(this.address), this.address.length) !== 0) throw new Error(`cannot bind ${name}`);
  }

  /** Reads what is there. */
  read(): readonly string[] {
    const bytes = new Uint8Array(MESSAGE_BYTES_MAX);
    for (;;) {
      const count = Number(this.libc.recv(this.fd, ptr(bytes), bytes.length, 0));
      if (count < 0) return this.messages;
      this.messages.push(Buffer.from(bytes.subarray(0, count)).toString());
    }
  }

  /** Waits for a message that begins so, after the first `skipped` ones; returns it. */
  async hears(start: string, skipped = 0): Promise<string> {
    return await until(start, () =>
      this.read()
        .slice(skipped)
        .find((message) => message.startsWith(start)),
    );
  }

  /** Sends to itself until the kernel takes no more. */
  fill(): void {
    const sender = this.open();
    const bytes = Buffer.from("FILL=1");
    for (let i = 0; i < QUEUE_MAX; i++) {
      const { address } = this;
      if (Number(this.libc.sendto(sender, ptr(bytes), bytes.length, 0, ptr(address), address.length)) < 0) return;
    }
    throw new Error("the queue has no end");
  }

  private open(): number {
    const fd = this.libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    onTestFinished(() => void this.libc.close(fd));
    return fd;
  }
}
