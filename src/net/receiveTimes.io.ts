/** When the kernel received datagrams of a UDP socket (Linux). */
import { ptr } from "bun:ffi";
import { type Libc, lastReceiveTime, setReceiveTimes, wallClockTime, wordsThatStay } from "../system/libc.io.ts";
import { CONTROL_WORDS, CONTROLS } from "./bulkReader.io.ts";
import { ReceiveAge } from "./receiveAge.ts";

const SOL_SOCKET = 1;
const SCM_TIMESTAMPNS = 35;

// struct cmsghdr on 64-bit Linux, in 32-bit words: len(2) level type; then struct timespec: seconds(2) nanoseconds(2).
const LEVEL = 2;
const TYPE = 3;
const SECONDS = 4;

/**
 * The kernel tells it in one of two ways: as control data of a datagram, or on being asked for the datagram that was
 * read last. Both cannot be had at once. The first costs little beside a bulk read; the second, a system call, is for what the runtime reads.
 */
export class ReceiveTimes {
  /** Where control data goes. Bun asks for more of it, which comes behind and is cut off. */
  readonly control = wordsThatStay(CONTROLS * CONTROL_WORDS);
  private readonly libc: Libc;
  private readonly fd: number;
  private readonly time = wordsThatStay(4);
  private readonly timeAt: ReturnType<typeof ptr>;
  private readonly age = new ReceiveAge();

  /** @throws Error if the kernel does not tell */
  constructor(libc: Libc, fd: number) {
    this.libc = libc;
    this.fd = fd;
    this.timeAt = ptr(this.time);
    // From the first call on, the kernel notes the time of what arrives.
    if (!setReceiveTimes(libc, fd, true)) throw new Error("the kernel does not tell when it received a datagram");
    this.tellByControl(false);
  }

  /** Whether it comes as control data from now on. */
  tellByControl(enabled: boolean): void {
    setReceiveTimes(this.libc, this.fd, enabled);
  }

  /** How long the datagram has waited whose control data this is, in milliseconds; NaN: not known. */
  ofControlMs(chosen: number): number {
    const { control } = this;
    const at = chosen * CONTROL_WORDS;
    const isTime = control[at + LEVEL] === SOL_SOCKET && control[at + TYPE] === SCM_TIMESTAMPNS;
    return isTime ? this.since(control, at + SECONDS) : Number.NaN;
  }

  /** How long the datagram has waited that the runtime read last. */
  ofLastMs(): number {
    const { libc, fd, time, timeAt } = this;
    return lastReceiveTime(libc, fd, timeAt) ? this.since(time, 0) : Number.NaN;
  }

  private since(words: Uint32Array, at: number): number {
    const receivedMs = milliseconds(words, at);
    wallClockTime(this.libc, this.timeAt);
    return this.age.ageMs(receivedMs, milliseconds(this.time, 0), performance.now());
  }
}

/** Of a struct timespec. A double holds a quarter of a microsecond, so long after 1970. */
function milliseconds(words: Uint32Array, at: number): number {
  return (words[at] + words[at + 1] * 2 ** 32) * 1000 + words[at + 2] / 1e6;
}
