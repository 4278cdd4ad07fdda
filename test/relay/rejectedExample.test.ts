import { expect, test } from "bun:test";
import { EXAMPLE_BYTES_MAX, RejectedExample } from "../../src/relay/rejectedExample.ts";
import { RelayBench } from "../support/relayBench.ts";

test("the first rejected line since the last one was taken is the example, with who sent it", () => {
  const bench = new RelayBench({});
  const { rejected } = bench.relay;
  expect(rejected.take()).toBeUndefined();
  bench.receive("a:1|c\nfirst\x00\nsecond");
  expect(rejected.awaitsSender).toBe(true);
  rejected.sentBy("10.0.0.1:5000");
  bench.receive("third");
  expect(rejected.awaitsSender).toBe(false);
  expect(rejected.take()).toEqual({ example: "first\\x00", from: "10.0.0.1:5000" });
  expect(rejected.take()).toBeUndefined();
  bench.receive("a:1|c");
  expect([rejected.awaitsSender, rejected.take()]).toEqual([false, undefined]);
  bench.receive("fourth\nfifth");
  expect(rejected.take()).toEqual({ example: "fourth", from: undefined });
});

test("while the sender is not known, the next rejected line takes its place, until one is", () => {
  const bench = new RelayBench({});
  const { rejected } = bench.relay;
  for (const [line, from] of [
    ["first", undefined],
    ["second", "10.0.0.2:1"],
    ["third", "10.0.0.3:1"],
  ] as const) {
    bench.receive(line);
    if (rejected.awaitsSender) rejected.sentBy(from);
  }
  expect(rejected.take()).toEqual({ example: "second", from: "10.0.0.2:1" });
});

test("of a long line only the beginning is kept, and of a shorter one after it nothing of that", () => {
  const rejected = new RejectedExample();
  const line = (length: number) => rejected.keep(Buffer.from(`<${"x".repeat(length)}>`), 1, 1 + length, 0);
  line(EXAMPLE_BYTES_MAX);
  expect(rejected.take()?.example).toBe("x".repeat(EXAMPLE_BYTES_MAX));
  line(65_000);
  expect(rejected.take()?.example).toBe(`${"x".repeat(100)}... (65000 bytes)`);
  line(3);
  expect(rejected.take()?.example).toBe("xxx");
});
