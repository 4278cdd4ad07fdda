import { expect, onTestFinished, test } from "bun:test";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { errnoName, interfaceIndex, lastErrno, openLibc, openTcpSocket } from "../../src/system/libc.io.ts";

const LINUX = process.platform === "linux";
const AF_INET = 2;
const { EBADF, EPIPE } = constants.errno;

test.skipIf(!LINUX)("a TCP socket neither blocks nor is inherited (Linux only)", () => {
  const fd = openTcpSocket(openLibc(), AF_INET);
  onTestFinished(() => void openLibc().close(fd));
  const [, flags] = /flags:\s*([0-7]+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1")) as string[];
  // O_CLOEXEC and O_NONBLOCK.
  expect(Number.parseInt(flags, 8) & 0o2004000).toBe(0o2004000);
});

test.skipIf(!LINUX)("why a call failed (Linux only)", () => {
  openLibc().close(-1);
  expect(lastErrno(openLibc())).toBe(EBADF);
});

test("errors have names", () => {
  expect([EBADF, EPIPE, 12_345].map(errnoName)).toEqual(["EBADF", "EPIPE", "errno 12345"]);
});

test.skipIf(!LINUX)("interfaces have numbers (Linux only)", () => {
  const index = Number(readFileSync("/sys/class/net/lo/ifindex", "latin1"));
  expect([interfaceIndex(openLibc(), "lo"), interfaceIndex(openLibc(), "none")]).toEqual([index, 0]);
});
