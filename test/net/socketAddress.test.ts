import { expect, test } from "bun:test";
import fc from "fast-check";
import { keyOf } from "../../src/net/ipAddress.ts";
import { socketAddressOf, socketAddressText } from "../../src/net/socketAddress.ts";

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

test("of an address in text it is what it was as text", () => {
  const port = fc.integer({ min: 0, max: 65_535 });
  fc.assert(
    fc.property(fc.ipV4(), port, (host, port) => {
      expect(socketAddressText(socketAddressOf(host, port), 0)).toBe(`${host}:${port}`);
    }),
  );
  fc.assert(
    fc.property(fc.ipV6(), port, (host, port) => {
      const text = socketAddressText(socketAddressOf(host, port), 0) as string;
      const [address] = text.startsWith("[") ? [text.slice(1, text.indexOf("]"))] : text.split(":");
      expect([keyOf(address), text.endsWith(`:${port}`)]).toEqual([keyOf(host), true]);
    }),
  );
});
