/**
 * Bun asks epoll whether a new UDP socket can be written to, and stops when it can: after its first read (1.4.5). By
 * then a swapped socket may have another descriptor (net/pausedReading.io.ts), so that epoll would be told about the
 * wrong one, and wake Bun without end: an idle proxy would take a whole core. Test: "the first change of what epoll
 * watches comes after the first read".
 */

import { ptr } from "bun:ffi";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Libc } from "../system/libc.io.ts";

const EPOLL_CTL_MOD = 3;
const EPOLLIN = 1;
/** The data of a struct epoll_event follows its 32 bits of events without a gap on x86-64 only. */
const DATA_AT = process.arch === "x64" ? 4 : 8;

/** From now on epoll watches a socket of Bun's for reading only. Nothing happens where /proc does not show who watches it. */
export function watchForReadingOnly(libc: Libc, fd: number): void {
  for (const epollFd of epollFds()) {
    const data = dataOf(epollFd, fd);
    if (data === undefined) continue;
    const event = new DataView(new ArrayBuffer(DATA_AT + 8));
    event.setUint32(0, EPOLLIN, true);
    event.setBigUint64(DATA_AT, data, true);
    libc.epoll_ctl(epollFd, EPOLL_CTL_MOD, fd, ptr(event));
  }
}

function epollFds(): number[] {
  return readable(() => readdirSync("/proc/self/fd"), [])
    .filter((fd) => readable(() => readlinkSync(`/proc/self/fd/${fd}`), "").includes("[eventpoll]"))
    .map(Number);
}

/** What an epoll set returns with the events of a descriptor; undefined: it does not watch it. */
function dataOf(epollFd: number, fd: number): bigint | undefined {
  const text = readable(() => readFileSync(`/proc/self/fdinfo/${epollFd}`, "latin1"), "");
  const [, data] = new RegExp(`^tfd: +${fd} events: .* data: +([0-9a-f]+)`, "m").exec(text) ?? [];
  return data === undefined ? undefined : BigInt(`0x${data}`);
}

function readable<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
