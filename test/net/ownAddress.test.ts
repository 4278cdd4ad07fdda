import { expect, test } from "bun:test";
import { isOfMachine, ownTest, reachesItself } from "../../src/net/ownAddress.ts";

const MACHINE = ["10.1.2.3", "2001:db8::1", "fe80::1%eth0"];

test.each<[address: string, listening: string]>([
  ["127.0.0.1", "127.0.0.1"],
  ["10.1.2.3", "10.1.2.3"],
  ["0.0.0.0", "127.0.0.1"],
  ["127.0.0.1", "0.0.0.0"],
  ["127.0.0.5", "0.0.0.0"],
  ["10.1.2.3", "0.0.0.0"],
  ["0.0.0.0", "0.0.0.0"],
  ["127.0.0.1", "::"],
  ["10.1.2.3", "::"],
  ["::1", "::"],
  ["::", "::"],
  ["2001:db8:0:0::1", "::"],
  ["fe80::1%eth0", "::"],
  ["2001:DB8::1", "2001:db8:0::1"],
  // The same IPv4 addresses, written as IPv6 addresses.
  ["::ffff:7f00:1", "0.0.0.0"],
  ["::ffff:127.0.0.1", "0.0.0.0"],
  ["::ffff:0:0", "0.0.0.0"],
  ["::ffff:0:0", "::"],
  ["127.0.0.1", "::ffff:0:0"],
  ["::ffff:a01:203", "::ffff:0.0.0.0"],
  ["0:0:0:0:0:0:0:0", "::1"],
])("what is sent to %s comes back to %s", (address, listening) => {
  expect(reachesItself(address, listening, MACHINE)).toBe(true);
});

test.each<[address: string, listening: string]>([
  ["127.0.0.2", "127.0.0.1"],
  ["10.1.2.3", "127.0.0.1"],
  ["127.0.0.1", "10.1.2.3"],
  ["10.1.2.4", "0.0.0.0"],
  ["128.0.0.1", "0.0.0.0"],
  ["::1", "0.0.0.0"],
  ["2001:db8::1", "0.0.0.0"],
  ["10.1.2.4", "::"],
  ["2001:db8::2", "::"],
  ["::1", "127.0.0.1"],
  ["::1", "::ffff:0:0"],
  ["::ffff:a01:204", "0.0.0.0"],
  ["127.0.0.1", "::1"],
])("what is sent to %s does not come back to %s", (address, listening) => {
  expect(reachesItself(address, listening, MACHINE)).toBe(false);
});

test("an address is the machine's if it is loopback's, the unspecified one, or one of the others", () => {
  for (const address of ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "10.1.2.3", "fe80::1%eth0"]) {
    expect([address, isOfMachine(address, MACHINE)]).toEqual([address, true]);
  }
  for (const address of ["10.1.2.4", "2001:db8::2", "192.0.2.1"]) {
    expect([address, isOfMachine(address, MACHINE)]).toEqual([address, false]);
  }
  expect(isOfMachine("10.1.2.3", [])).toBe(false);
});

test("an address is the proxy's own at its own port, where it listens at all", () => {
  const isOwn = ownTest({ address: "0.0.0.0", port: 8125 }, MACHINE);
  expect([isOwn("10.1.2.3", 8125), isOwn("10.1.2.3", 8126), isOwn("10.1.2.4", 8125)]).toEqual([true, false, false]);
  expect(ownTest({ address: undefined, port: 8125 }, MACHINE)("127.0.0.1", 8125)).toBe(false);
});
