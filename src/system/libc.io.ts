/** The few C library calls that Bun offers no way to make. Linux only. */
import { dlopen, type Pointer, ptr, read } from "bun:ffi";
import { constants } from "node:os";

const SYMBOLS = {
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  usleep: { args: ["u32"], returns: "i32" },
  recvmmsg: { args: ["i32", "ptr", "u32", "i32", "ptr"], returns: "i32" },
  sendmmsg: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  madvise: { args: ["u64", "u64", "i32"], returns: "i32" },
  dup: { args: ["i32"], returns: "i32" },
  dup2: { args: ["i32", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  epoll_ctl: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  write: { args: ["i32", "ptr", "u64"], returns: "i64" },
  getrlimit: { args: ["i32", "ptr"], returns: "i32" },
  ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  if_nametoindex: { args: ["ptr"], returns: "u32" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

export type Libc = ReturnType<typeof dlopen<typeof SYMBOLS>>["symbols"];

/** Opened on first use. To open it again would compile each call again: 0.2 ms of CPU. */
let opened: Libc | undefined;

/** @throws Error if this is not Linux, or the library cannot be opened */
export function openLibc(): Libc {
  if (process.platform !== "linux") throw new Error(`not on ${process.platform}`);
  // musl answers to this name as well.
  opened ??= dlopen("libc.so.6", SYMBOLS).symbols;
  return opened;
}

/** The same, or why it is not available. */
export function libcHere(): Libc | Error {
  try {
    return openLibc();
  } catch (error) {
    return error as Error;
  }
}

/**
 * Words whose address may be kept. A small array (Bun 1.4.5: up to 1000 bytes) moves as soon as compiled code takes it for
 * constant, and the kernel would go on writing to where it was, which is somebody else's by then (test: "a small array
 * moves").
 */
export function wordsThatStay(count: number): Uint32Array {
  return new Uint32Array(new ArrayBuffer(count * Uint32Array.BYTES_PER_ELEMENT));
}

/** The same in bytes. Large memory that is never written to takes no room. */
export function bytesThatStay(count: number): Buffer {
  return Buffer.from(new ArrayBuffer(count));
}

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;

/** The system's monotonic clock, of which performance.now() and process.hrtime() (Bun 1.4.5) tell only differences. */
export function monotonicMicroseconds(libc: Libc): bigint {
  // struct timespec: seconds, nanoseconds.
  const time = new BigInt64Array(2);
  libc.clock_gettime(CLOCK_MONOTONIC, ptr(time));
  return time[0] * 1_000_000n + time[1] / 1000n;
}

/** Writes the wall clock's time to a struct timespec. */
export function wallClockTime(libc: Libc, timeAt: ReturnType<typeof ptr>): void {
  libc.clock_gettime(CLOCK_REALTIME, timeAt);
}

const CLOCK_THREAD_CPUTIME_ID = 3;
/** struct timespec as 32-bit words: seconds are in the first, nanoseconds in the third. */
const processorTime = wordsThatStay(4);

/** How long the calling thread has had a processor. */
export function threadProcessorMs(libc: Libc): number {
  libc.clock_gettime(CLOCK_THREAD_CPUTIME_ID, ptr(processorTime));
  return processorTime[0] * 1000 + processorTime[2] / 1e6;
}

const IPPROTO_IP = 0;
const IP_PKTINFO = 8;
const IP_RECVERR = 11;
const IP_RECVTOS = 13;
const IPPROTO_IPV6 = 41;
const IPV6_RECVERR = 25;
const IPV6_RECVPKTINFO = 49;
const IPV6_RECVTCLASS = 66;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_REUSEPORT = 15;
const SO_TIMESTAMPNS = 35;
const SIOCGSTAMPNS = 0x8907;
/** Nine counters of a socket (include/uapi/linux/sock_diag.h), since Linux 4.12. */
const SO_MEMINFO = 55;
const SK_MEMINFO_WORDS = 9;
const SK_MEMINFO_DROPS = 8;

/** Asks for a receive buffer and returns what was granted, as the kernel reports it: twice what can be asked for. */
export function setReceiveBuffer(libc: Libc, fd: number, bytes: number): number {
  libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, ptr(Int32Array.of(bytes)), 4);
  return socketOption(libc, fd, SO_RCVBUF, 1)[0];
}

/** Limits the data that was written but not read; the kernel includes its own overhead, and doubles `bytes`. */
export function setSendBuffer(libc: Libc, fd: number, bytes: number): void {
  libc.setsockopt(fd, SOL_SOCKET, SO_SNDBUF, ptr(Int32Array.of(bytes)), 4);
}

/**
 * Whether other sockets may be bound to the same address and port. It can be changed on a bound socket; both sides must
 * allow it.
 */
export function setReusePort(libc: Libc, fd: number, allowed: boolean): void {
  libc.setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, ptr(Int32Array.of(allowed ? 1 : 0)), 4);
}

/**
 * Stops the kernel from reporting errors to an unconnected UDP socket. Bun asks for them (1.4.5); but a socket that has
 * sent nothing gets only errors forged by strangers, and each is reported instead of the waiting datagrams.
 */
export function ignoreErrors(libc: Libc, fd: number): void {
  const off = ptr(Int32Array.of(0));
  // One of the two options fails, unless the socket handles both families.
  libc.setsockopt(fd, IPPROTO_IP, IP_RECVERR, off, 4);
  libc.setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, off, 4);
}

/**
 * Stops the kernel from telling with each datagram which address it was sent to, and its type of service. Bun asks for them
 * (1.4.5), and nobody reads them: 3% of W1 (test: "the kernel tells nothing of a datagram that nobody reads").
 */
export function ignoreControlData(libc: Libc, fd: number): void {
  const off = ptr(Int32Array.of(0));
  for (const option of [IP_PKTINFO, IP_RECVTOS]) libc.setsockopt(fd, IPPROTO_IP, option, off, 4);
  for (const option of [IPV6_RECVPKTINFO, IPV6_RECVTCLASS]) libc.setsockopt(fd, IPPROTO_IPV6, option, off, 4);
}

/** Datagrams that the kernel dropped at the socket, modulo 2^32: the `drops` column of /proc/net/udp. */
export function droppedDatagrams(libc: Libc, fd: number): number {
  return socketOption(libc, fd, SO_MEMINFO, SK_MEMINFO_WORDS)[SK_MEMINFO_DROPS];
}

/** Whether the kernel adds the time of receipt to the control data of each datagram. False: it does not know how. */
export function setReceiveTimes(libc: Libc, fd: number, enabled: boolean): boolean {
  return libc.setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, ptr(Int32Array.of(enabled ? 1 : 0)), 4) === 0;
}

/**
 * Writes when the kernel received the datagram that was read last to a struct timespec, unless that is in its control
 * data. False: it does not know.
 */
export function lastReceiveTime(libc: Libc, fd: number, timeAt: ReturnType<typeof ptr>): boolean {
  return libc.ioctl(fd, SIOCGSTAMPNS, timeAt) === 0;
}

const optionValue = wordsThatStay(SK_MEMINFO_WORDS);
const optionLength = wordsThatStay(1);

/** Valid until it is asked for another. @throws Error if the kernel does not know the option */
function socketOption(libc: Libc, fd: number, option: number, words: number): Uint32Array {
  const bytes = words * Uint32Array.BYTES_PER_ELEMENT;
  optionLength[0] = bytes;
  if (libc.getsockopt(fd, SOL_SOCKET, option, ptr(optionValue), ptr(optionLength)) !== 0 || optionLength[0] < bytes) {
    throw new Error(`the kernel does not know socket option ${option}`);
  }
  return optionValue;
}

/** Room for an address of either family. */
const ADDRESS_BYTES_MAX = 128;

/**
 * Connects a bound UDP socket to its own address, so that from now on the kernel refuses what others send. What it
 * already holds can still be read. False: the call failed.
 */
export function connectToItself(libc: Libc, fd: number): boolean {
  const address = new Uint8Array(ADDRESS_BYTES_MAX);
  const length = Uint32Array.of(ADDRESS_BYTES_MAX);
  if (libc.getsockname(fd, ptr(address), ptr(length)) !== 0) return false;
  return libc.connect(fd, ptr(address), length[0]) === 0;
}

const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/** A TCP socket that never blocks; -1: there is none, and `lastErrno` tells why. @param family as in a struct sockaddr */
export function openTcpSocket(libc: Libc, family: number): number {
  return libc.socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/** Why the last call failed. Ask at once: the runtime makes calls of its own. */
export function lastErrno(libc: Libc): number {
  return read.i32(libc.__errno_location() as Pointer);
}

/** `ECONNREFUSED`, for instance. */
export function errnoName(errno: number): string {
  return Object.entries(constants.errno).find(([, known]) => known === errno)?.[0] ?? `errno ${errno}`;
}

/** The number of a network interface; 0: there is none of that name. */
export function interfaceIndex(libc: Libc, name: string): number {
  return libc.if_nametoindex(ptr(Buffer.from(`${name}\0`)));
}
