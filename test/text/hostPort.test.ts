import { expect, test } from "bun:test";
import { hostPort } from "../../src/text/hostPort.ts";

test.each([
  ["127.0.0.1", 8125, "127.0.0.1:8125"],
  ["a.example.com", 1, "a.example.com:1"],
  ["::1", 8125, "[::1]:8125"],
])("hostPort(%j, %d) = %s", (host, port, text) => {
  expect(hostPort(host, port)).toBe(text);
});
