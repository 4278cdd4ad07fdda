import { expect, test } from "bun:test";
import { socketAddressText } from "../../src/net/socketAddress.ts";

const PORT = [0x1f, 0xbd];
const FLOW = [0, 0, 0, 0];
const zeros = (count: number) => new Array<number>(count).fill(0);

test.each([
  ["127.0.0.1:8125", [2, 0, ...PORT, 127, 0, 0, 1]],
  ["[::1]:8125", [10, 0, ...PORT, ...FLOW, ...zeros(15), 1]],
  ["[2001:db8::a:0:0:1]:8125", [10, 0, ...PORT, ...FLOW, 0x20, 1, 0xd, 0xb8, ...zeros(5), 10, ...zeros(5), 1]],
  ["10.0.0.7:8125", [10, 0, ...PORT, ...FLOW, ...zeros(10), 0xff, 0xff, 10, 0, 0, 7]],
  [undefined, [1, 0, 0, 0]],
])("%s", (text, bytes) => {
  expect(socketAddressText(Buffer.from([9, ...bytes, ...zeros(20)]), 1)).toBe(text);
});
