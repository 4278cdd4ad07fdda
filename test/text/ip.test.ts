import { expect, test } from "bun:test";
import * as net from "node:net";
import fc from "fast-check";
import { isIP, isIPv4, isIPv6 } from "../../src/text/ip.ts";

const judgedAlike = (text: string) =>
  expect([text, isIP(text), isIPv4(text), isIPv6(text)]).toEqual([
    text,
    net.isIP(text) as 0 | 4 | 6,
    net.isIPv4(text),
    net.isIPv6(text),
  ]);

test.each([
  ...[
    "127.0.0.1",
    "255.255.255.255",
    "256.0.0.1",
    "01.2.3.4",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.4.",
    "1.2.3.4\n",
    "",
    "host",
  ],
  ...["::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::2:3:4:5:6:7:8", ":::", "::1\n"],
  ...["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5::1.2.3.4", "1:2:3:4:5:6::1.2.3.4", "::1.2.3.256", "::1.2.3", "1.2.3.4::"],
  ...["fe80::1%eth0", "fe80::1%a.b", "fe80::1%", "fe80::1%a%b", "fe80::1%a_b", "127.0.0.1%lo", "[::1]", "::1]/[", "1"],
])("%j is judged as node:net judges it", judgedAlike);

test("so is whatever looks like an address", () => {
  const group = fc.oneof(
    fc.constantFrom("", "0", "1", "ff", "FFFF", "00001", "g", "255", "256", "01"),
    fc.nat(0x1ffff).map((value) => value.toString(16)),
  );
  const spelt = fc
    .array(fc.tuple(group, fc.constantFrom(":", ":", ":", "::", ".", "%")), { maxLength: 10 })
    .map((parts) => parts.flat().slice(0, -1).join(""));
  fc.assert(fc.property(fc.oneof(spelt, fc.ipV4(), fc.ipV6(), fc.string()), judgedAlike), { numRuns: 3000 });
});
