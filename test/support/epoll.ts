/** What this process's epoll sets watch a socket for (Linux only). */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export const EPOLLIN = 1;
export const EPOLLOUT = 4;

/** The events of each entry for the socket that has this descriptor now, of those two. */
export function watchedEvents(fd: number): number[] {
  const [, inode] = /\[(\d+)\]/.exec(readlinkSync(`/proc/self/fd/${fd}`)) ?? [];
  const mark = ` ino:${Number(inode).toString(16)} `;
  return readdirSync("/proc/self/fd")
    .filter((each) => linkOf(each).includes("eventpoll"))
    .flatMap((each) => readFileSync(`/proc/self/fdinfo/${each}`, "latin1").split("\n"))
    .filter((line) => line.startsWith("tfd:") && line.includes(mark))
    .map((line) => Number.parseInt(/events: +(\w+)/.exec(line)?.[1] ?? "", 16) & (EPOLLIN | EPOLLOUT));
}

/** The descriptor of a UDP socket of this process, by its port. */
export function descriptorOfPort(port: number): number {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  const line = readFileSync("/proc/self/net/udp", "latin1").match(new RegExp(`^.* [0-9A-F]+:${hexPort} .*$`, "m"))?.[0];
  const inode = line?.trim().split(/\s+/)[9];
  const found = readdirSync("/proc/self/fd").find((fd) => linkOf(fd) === `socket:[${inode}]`);
  if (found === undefined) throw new Error(`no UDP socket at port ${port}`);
  return Number(found);
}

/** Empty: the descriptor is gone since the folder was read. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
}
