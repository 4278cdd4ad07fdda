/**
 * ICMP that nobody had reason to send: that a datagram from a port of this host could not be delivered. Whoever can send
 * packets to a host can send it such answers (here root, on the loopback interface).
 */
import { dlopen, type FFIFunction, ptr } from "bun:ffi";
import { onTestFinished } from "bun:test";

const AF_INET = 2;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_ICMP = 1;
const IPPROTO_UDP = 17;
const ICMP_BYTES = 8;
const IP_BYTES = 20;
const UDP_BYTES = 8;
const LOOPBACK = 0x7f000001;

const SYMBOLS = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
} as const satisfies Record<string, FFIFunction>;

/** Type and code of ICMP. */
export const UNREACHABLE = {
  host: [3, 1],
  port: [3, 3],
} as const;

/** Sends answers to a datagram that a port of this host has not sent. */
export type Forge = (port: number, what: readonly [type: number, code: number]) => void;

/** For the name of a test: why there can be no such answers here. Empty: there can. */
export const NO_FORGING = reason();

function reason(): string {
  if (process.platform !== "linux") return " (skipped: Linux only)";
  const { libc, fd } = openRaw();
  if (fd === -1) return " (skipped: no raw sockets without CAP_NET_RAW)";
  libc.close(fd);
  return "";
}

function openRaw() {
  const libc = dlopen("libc.so.6", SYMBOLS).symbols;
  return { libc, fd: libc.socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP) };
}

export function openForge(): Forge {
  const { libc, fd } = openRaw();
  onTestFinished(() => void libc.close(fd));
  const to = new DataView(new ArrayBuffer(16));
  to.setUint16(0, AF_INET, true);
  to.setUint32(4, LOOPBACK);
  return (port, what) => {
    const packet = answerTo(port, what);
    const sent = libc.sendto(fd, ptr(packet), packet.length, 0, ptr(to), to.byteLength);
    if (Number(sent) !== packet.length) throw new Error("sendto");
  };
}

/** An ICMP error holds the beginning of the packet that it is about. */
function answerTo(port: number, [type, code]: readonly [number, number]): Uint8Array {
  const packet = new Uint8Array(ICMP_BYTES + IP_BYTES + UDP_BYTES);
  const icmp = new DataView(packet.buffer);
  const ip = new DataView(packet.buffer, ICMP_BYTES, IP_BYTES);
  const udp = new DataView(packet.buffer, ICMP_BYTES + IP_BYTES);
  udp.setUint16(0, port);
  udp.setUint16(2, 9);
  udp.setUint16(4, UDP_BYTES);
  ip.setUint8(0, 0x45);
  ip.setUint16(2, IP_BYTES + UDP_BYTES);
  ip.setUint8(8, 64);
  ip.setUint8(9, IPPROTO_UDP);
  ip.setUint32(12, LOOPBACK);
  ip.setUint32(16, LOOPBACK);
  ip.setUint16(10, checksum(ip));
  icmp.setUint8(0, type);
  icmp.setUint8(1, code);
  icmp.setUint16(2, checksum(icmp));
  return packet;
}

function checksum(bytes: DataView): number {
  let sum = 0;
  for (let at = 0; at < bytes.byteLength; at += 2) sum += bytes.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
