/**
 * The process behind NetworkHost.joinRoughly: a wire between two network namespaces, an interface named `wire` at each end,
 * which loses, delays and reorders packets as it is told, always the same way; what netem does, which few kernels have.
 * On its standard input, a line each, answered with the same line:
 *
 *     clear                 every packet goes through at once
 *     lose N                every Nth packet is lost, in each direction
 *     delay MS              every packet comes so much later, and every third as much again: behind those that follow it
 *
 * It ends with its standard input, and its interfaces with it.
 */
import { dlopen, ptr } from "bun:ffi";
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";

const LOOK_MS = 1;
const PACKET_BYTES_MAX = 65536;
const CLONE_NEWNET = 0x40000000;
/** include/uapi/linux/if_tun.h */
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFREQ_BYTES = 40;
const IFREQ_FLAGS_AT = 16;

const libc = dlopen("libc.so.6", {
  setns: { args: ["i32", "i32"], returns: "i32" },
  ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  read: { args: ["i32", "ptr", "u64"], returns: "i64" },
}).symbols;

interface Direction {
  readonly from: number;
  readonly to: number;
  packets: number;
  /** In no order. */
  underWay: { readonly dueMs: number; readonly bytes: Buffer }[];
}

const [one, other] = process.argv.slice(2).map(openEnd);
const directions: Direction[] = [
  { from: one, to: other, packets: 0, underWay: [] },
  { from: other, to: one, packets: 0, underWay: [] },
];
const piece = Buffer.alloc(PACKET_BYTES_MAX);
let loseEach = 0;
let delayMs = 0;

setInterval(() => {
  for (const direction of directions) carry(direction);
}, LOOK_MS);
console.log("ready");
for await (const command of createInterface({ input: process.stdin })) {
  const [word, value] = command.split(" ");
  loseEach = word === "lose" ? Number(value) : 0;
  delayMs = word === "delay" ? Number(value) : 0;
  console.log(command);
}
process.exit(0);

/** An interface in the namespace of a process. This thread stays there, and needs nothing else of the network. */
function openEnd(pid: string): number {
  const namespace = openSync(`/proc/${pid}/ns/net`, constants.O_RDONLY);
  if (libc.setns(namespace, CLONE_NEWNET) !== 0) throw new Error("setns");
  closeSync(namespace);
  const fd = openSync("/dev/net/tun", constants.O_RDWR | constants.O_NONBLOCK);
  const request = Buffer.alloc(IFREQ_BYTES);
  request.write("wire");
  request.writeUInt16LE(IFF_TUN | IFF_NO_PI, IFREQ_FLAGS_AT);
  if (libc.ioctl(fd, TUNSETIFF, ptr(request)) !== 0) throw new Error("TUNSETIFF");
  return fd;
}

function carry(direction: Direction): void {
  const nowMs = performance.now();
  for (;;) {
    const length = Number(libc.read(direction.from, ptr(piece), piece.length));
    if (length <= 0) break;
    const count = ++direction.packets;
    if (loseEach > 0 && count % loseEach === 0) continue;
    const dueMs = nowMs + delayMs * (count % 3 === 0 ? 2 : 1);
    direction.underWay.push({ dueMs, bytes: Buffer.from(piece.subarray(0, length)) });
  }
  for (const { dueMs, bytes } of direction.underWay) if (dueMs <= nowMs) put(direction.to, bytes);
  direction.underWay = direction.underWay.filter(({ dueMs }) => dueMs > nowMs);
}

/** A packet that the other end does not take is lost, as on any wire. */
function put(fd: number, packet: Buffer): void {
  try {
    writeSync(fd, packet);
  } catch {}
}
