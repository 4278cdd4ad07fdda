/**
 * Tells the service manager how the process is (sd_notify(3)): datagrams to the Unix socket that $NOTIFY_SOCKET names.
 * Bun 1.4.5 has no such sockets (test: "no datagram sockets of the Unix family"), so this calls the C library. Without
 * the variable, and where there is no C library to call, nothing happens. Nothing here waits or throws.
 */
import { ptr } from "bun:ffi";
import { type Libc, monotonicMicroseconds, openLibc } from "./libc.io.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;

/** As struct sockaddr_un has it. */
const PATH_BYTES_MAX = 107;

/** What could not be sent, because the manager's socket was full, is sent again: so often, at this distance. */
const RETRIES_MAX = 100;
const RETRY_MS = 100;
const WAITING_MAX = 8;

const STATUS_MS = 1000;

type Environment = Readonly<Record<string, string | undefined>>;

export class Notifier {
  private readonly channel: Channel | undefined;
  private readonly watchdogMs: number | undefined;
  private status: (() => string) | undefined;
  private statusSent = "";
  private isStopping = false;

  constructor(environment: Environment) {
    this.channel = openChannel(environment.NOTIFY_SOCKET);
    this.watchdogMs = watchdogMsOf(environment);
  }

  /** The process serves, for the first time. @param status one line, asked for once a second */
  begin(status: () => string): void {
    if (this.channel === undefined) return;
    this.status = status;
    this.ready();
    setInterval(() => this.sendStatus(), STATUS_MS);
    if (this.watchdogMs === undefined) return;
    // A timer of the event loop that relays: if that is stuck, the manager hears nothing more.
    this.channel.attempt("WATCHDOG=1");
    setInterval(() => this.channel?.attempt("WATCHDOG=1"), this.watchdogMs);
  }

  /** A reload begins; `ready` ends it. */
  reloading(): void {
    if (!this.isStopping) this.channel?.send(() => `RELOADING=1\nMONOTONIC_USEC=${this.channel?.nowMicroseconds()}`);
  }

  ready(): void {
    if (this.isStopping) return;
    this.channel?.send(() => "READY=1");
    this.sendStatus();
  }

  stopping(): void {
    this.isStopping = true;
    this.channel?.send(() => "STOPPING=1\nSTATUS=stopping");
  }

  private sendStatus(): void {
    const status = this.status?.() ?? "";
    if (this.isStopping || status === this.statusSent) return;
    if (this.channel?.attempt(`STATUS=${status}`)) this.statusSent = status;
  }
}

/** Half of what the manager allows; undefined: it does not watch this process. */
function watchdogMsOf({ WATCHDOG_USEC = "", WATCHDOG_PID }: Environment): number | undefined {
  const microseconds = /^[1-9]\d{0,14}$/.test(WATCHDOG_USEC) ? Number(WATCHDOG_USEC) : 0;
  const isOurs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(process.pid);
  return microseconds > 0 && isOurs ? Math.max(1, Math.floor(microseconds / 2000)) : undefined;
}

function openChannel(path: string | undefined): Channel | undefined {
  const address = addressOf(path ?? "");
  if (address === undefined) return undefined;
  try {
    const libc = openLibc();
    const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd === -1 ? undefined : new Channel(libc, fd, address);
  } catch {
    return undefined;
  }
}

/** struct sockaddr_un; a name that begins with @ is in the abstract namespace. Undefined: no such socket. */
function addressOf(path: string): Uint8Array | undefined {
  const name = Buffer.from(path);
  if (!/^[/@]./.test(path) || name.length > PATH_BYTES_MAX) return undefined;
  const isAbstract = path.startsWith("@");
  // The end of a path is a zero; an abstract name has none, and its length counts.
  const address = new Uint8Array(2 + name.length + (isAbstract ? 0 : 1));
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(name, 2);
  if (isAbstract) address[2] = 0;
  return address;
}

class Channel {
  private readonly libc: Libc;
  private readonly fd: number;
  private readonly address: Uint8Array;
  /** Messages that are still to be sent, in order. Each is made when it is sent. */
  private readonly waiting: (() => string)[] = [];
  private retries = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(libc: Libc, fd: number, address: Uint8Array) {
    this.libc = libc;
    this.fd = fd;
    this.address = address;
  }

  nowMicroseconds(): bigint {
    return monotonicMicroseconds(this.libc);
  }

  /** Sends a message, now or a little later. */
  send(message: () => string): void {
    if (this.waiting.length === WAITING_MAX) this.waiting.shift();
    this.waiting.push(message);
    if (this.timer === undefined) this.sendWaiting();
  }

  /** Sends a message that is of no use later. False: it was not sent. */
  attempt(message: string): boolean {
    return this.waiting.length === 0 && this.transmit(message);
  }

  private sendWaiting(): void {
    this.timer = undefined;
    while (this.waiting.length > 0) {
      if (this.transmit(this.waiting[0]())) {
        this.waiting.shift();
        this.retries = 0;
      } else {
        this.timer = setTimeout(() => this.sendWaiting(), this.retries++ < RETRIES_MAX ? RETRY_MS : STATUS_MS);
        return;
      }
    }
  }

  private transmit(message: string): boolean {
    const bytes = Buffer.from(message);
    const { address } = this;
    const sent = this.libc.sendto(this.fd, ptr(bytes), bytes.length, MSG_NOSIGNAL, ptr(address), address.length);
    return Number(sent) === bytes.length;
  }
}
