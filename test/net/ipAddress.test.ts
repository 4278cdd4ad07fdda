import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { backendAddresses, keyOf, unmapped } from "../../src/net/ipAddress.ts";

test("addresses are in numerical order, IPv4 first, each once", () => {
  const ordered = ["2.0.0.1", "10.0.0.2", "10.0.0.10", "192.168.0.1", "::1", "2001:db8::2", "2001:db8::10", "fd00::"];
  fc.assert(
    fc.property(fc.shuffledSubarray(ordered, { minLength: ordered.length }), (shuffled) => {
      expect(backendAddresses([...shuffled, ...shuffled])).toEqual(ordered);
    }),
  );
});

test.each(["0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "::", "ff02::1", "fe80::1", "no address", ""])(
  "%j is no backend's",
  (address) => {
    expect(backendAddresses([address, "127.0.0.1"])).toEqual(["127.0.0.1"]);
  },
);

test("an IPv4-mapped address is an IPv4 address", () => {
  expect(unmapped("::FFFF:10.0.0.1")).toBe("10.0.0.1");
  expect(unmapped("::ffff:a00:1")).toBe("::ffff:a00:1");
  expect(backendAddresses(["::ffff:10.0.0.1", "10.0.0.1"])).toEqual(["10.0.0.1"]);
});

describe("however an address is written, its key is the same", () => {
  test.each([
    ["::1", "0:0:0:0:0:0:0:1"],
    ["::1", "::0001"],
    ["2001:db8::ff", "2001:0DB8:0:0::00FF"],
    ["2001:db8::1:2", "2001:db8::0.1.0.2"],
    ["1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7::"],
  ])("%s and %s", (one, other) => {
    expect(keyOf(one)).toBe(keyOf(other));
  });

  test("and another for another address", () => {
    expect(new Set(["::1", "0.0.0.1", "::1:0", "fe80::1%eth0", "fe80::1%eth1"].map(keyOf)).size).toBe(5);
  });
});
