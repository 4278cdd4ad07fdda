/** The three calls of the C library that Bun has no way to make. Linux only; elsewhere there is none of this. */
import { dlopen, ptr } from "bun:ffi";
import { existsSync } from "node:fs";

const SYMBOLS = {
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  recvmmsg: { args: ["i32", "ptr", "u32", "i32", "ptr"], returns: "i32" },
} as const;

export type Libc = ReturnType<typeof dlopen<typeof SYMBOLS>>["symbols"];

/** @throws Error if this is not Linux, or the library cannot be opened */
export function openLibc(): Libc {
  if (process.platform !== "linux") throw new Error(`not on ${process.platform}`);
  const musl = `/lib/libc.musl-${process.arch === "x64" ? "x86_64" : "aarch64"}.so.1`;
  return dlopen(existsSync(musl) ? musl : "libc.so.6", SYMBOLS).symbols;
}

const SOL_SOCKET = 1;
const SO_RCVBUF = 8;

/** Asks for a receive buffer and returns what was granted, as the kernel reports it: twice the bytes it lets one ask. */
export function setReceiveBuffer(libc: Libc, fd: number, bytes: number): number {
  const value = Int32Array.of(bytes);
  libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, ptr(value), 4);
  const length = Uint32Array.of(4);
  if (libc.getsockopt(fd, SOL_SOCKET, SO_RCVBUF, ptr(value), ptr(length)) !== 0) throw new Error("getsockopt failed");
  return value[0];
}
