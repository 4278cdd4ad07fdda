import { expect, test } from "bun:test";
import { reachesItself } from "../../src/net/ownAddress.ts";

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
  ["127.0.0.1", "::1"],
])("what is sent to %s does not come back to %s", (address, listening) => {
  expect(reachesItself(address, listening, MACHINE)).toBe(false);
});
