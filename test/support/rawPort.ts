/** TCP ports in states that neither Bun nor Node can bring about: bound but not listening, listening with no room. */

import { dlopen } from "bun:ffi";
import { onTestFinished } from "bun:test";
import { connect } from "node:net";
import type { AtEnd } from "./cleanUp.ts";

export const RAW_PORTS_WORK = process.platform === "linux";

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const ADDRESS_BYTES = 16;
const LOOPBACK = 0x7f000001;

/** A port that refuses, and that nobody else can get: bound, but nobody listens. */
export function boundPort(atEnd: AtEnd = onTestFinished): number {
  return bind(atEnd).port;
}

/**
 * A port that answers no request for a connection: its queue has room for one, that one is taken, and nobody ever accepts it.
 * (The backlog that Bun 1.4.5 is asked for does not reach the kernel.)
 */
export function fullPort(atEnd: AtEnd = onTestFinished): number {
  const { fd, port, libc } = bind(atEnd);
  if (libc.listen(fd, 0) !== 0) throw new Error("listen");
  const only = connect({ host: "127.0.0.1", port });
  only.on("error", () => {});
  atEnd(() => void only.destroy());
  return port;
}

function bind(atEnd: AtEnd) {
  const libc = openLibc();
  const fd = libc.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  atEnd(() => void libc.close(fd));
  // struct sockaddr_in: family in the machine's order, then port and address in the network's.
  const address = new Uint8Array(ADDRESS_BYTES);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint32(4, LOOPBACK);
  if (libc.bind(fd, address, ADDRESS_BYTES) !== 0) throw new Error("bind");
  if (libc.getsockname(fd, address, new Int32Array([ADDRESS_BYTES])) !== 0) throw new Error("getsockname");
  return { fd, port: view.getUint16(2), libc };
}

function openLibc() {
  const names = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];
  for (const name of names) {
    try {
      return dlopen(name, {
        socket: { args: ["i32", "i32", "i32"], returns: "i32" },
        bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
        listen: { args: ["i32", "i32"], returns: "i32" },
        getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
        close: { args: ["i32"], returns: "i32" },
      }).symbols;
    } catch {}
  }
  throw new Error(`none of ${names.join(", ")} is there`);
}
