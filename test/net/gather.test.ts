import { describe, expect, test } from "bun:test";
import { Gather, usualGatherMs } from "../../src/net/gather.ts";
import { chargedBytes } from "../../src/relay/kernelCharge.ts";

const SMALL_BUFFER = 212_992;
const LARGE_BUFFER = 8 * 1024 * 1024;
const SMALL = 40;

/** What the last of many equal turns answers: datagrams of `bytes` at a steady rate, a turn every `elapsedMs`. */
function steady(parts: { perSecond: number; elapsedMs: number; bufferBytes: number; bytes?: number; msMax?: number }) {
  const { perSecond, elapsedMs, bufferBytes, bytes = SMALL, msMax = 10 } = parts;
  const gather = new Gather({ msMax, bufferBytes });
  const datagrams = (perSecond * elapsedMs) / 1000;
  let sleepMs = 0;
  for (let i = 0; i < 200; i++) sleepMs = gather.sleepMs({ datagrams, bytes: datagrams * bytes, elapsedMs });
  return sleepMs;
}

describe("how long to gather", () => {
  test("not at all at a trickle", () => {
    expect(steady({ perSecond: 1, elapsedMs: 1000, bufferBytes: LARGE_BUFFER })).toBe(0);
    expect(steady({ perSecond: 200, elapsedMs: 5, bufferBytes: LARGE_BUFFER })).toBe(0);
  });

  test("not for two datagrams in a row", () => {
    const gather = new Gather({ msMax: 10, bufferBytes: LARGE_BUFFER });
    expect(gather.sleepMs({ datagrams: 1, bytes: SMALL, elapsedMs: 5000 })).toBe(0);
    expect(gather.sleepMs({ datagrams: 1, bytes: SMALL, elapsedMs: 0.1 })).toBe(0);
  });

  test("as long as permitted while busy", () => {
    expect(steady({ perSecond: 600, elapsedMs: 10, bufferBytes: LARGE_BUFFER, bytes: 1432 })).toBe(10);
    expect(steady({ perSecond: 10_000, elapsedMs: 10, bufferBytes: LARGE_BUFFER })).toBe(10);
    expect(steady({ perSecond: 10_000, elapsedMs: 3, bufferBytes: LARGE_BUFFER, msMax: 3 })).toBe(3);
  });

  test("never, if it is switched off", () => {
    expect(steady({ perSecond: 10_000, elapsedMs: 10, bufferBytes: LARGE_BUFFER, msMax: 0 })).toBe(0);
  });

  test("less where the buffer is small, so that an eighth of it fills at most", () => {
    const sleepMs = steady({ perSecond: 10_000, elapsedMs: 1, bufferBytes: SMALL_BUFFER });
    expect(sleepMs).toBeGreaterThan(1);
    expect(10 * sleepMs * chargedBytes(SMALL)).toBeLessThanOrEqual(SMALL_BUFFER / 8 + 1);
  });

  test("not after a turn that brought more than that eighth", () => {
    const gather = new Gather({ msMax: 10, bufferBytes: SMALL_BUFFER });
    const datagrams = Math.ceil(SMALL_BUFFER / 8 / chargedBytes(SMALL)) + 1;
    expect(gather.sleepMs({ datagrams, bytes: datagrams * SMALL, elapsedMs: 100 })).toBe(0);
  });

  test("not when the sleep would be too short to pay off", () => {
    const [aimBytes, charged] = [SMALL_BUFFER / 8, chargedBytes(SMALL)];
    // The rate at which the allowed part of the buffer fills in this time.
    const perSecond = (fullAfterMs: number) => (1000 * aimBytes) / charged / fullAfterMs;
    const weather = { elapsedMs: 0.1, bufferBytes: SMALL_BUFFER };
    expect(steady({ ...weather, perSecond: perSecond(0.26) })).toBeCloseTo(0.26, 3);
    expect(steady({ ...weather, perSecond: perSecond(0.24) })).toBe(0);
  });

  test("no longer than the last turn's rate allows, when the rate rises", () => {
    const gather = new Gather({ msMax: 10, bufferBytes: SMALL_BUFFER });
    for (let i = 0; i < 100; i++) gather.sleepMs({ datagrams: 1, bytes: SMALL, elapsedMs: 1 });
    const sleepMs = gather.sleepMs({ datagrams: 20, bytes: 20 * SMALL, elapsedMs: 1 });
    expect(sleepMs).toBeGreaterThan(0);
    expect(20 * sleepMs * chargedBytes(SMALL)).toBeLessThanOrEqual(SMALL_BUFFER / 8 + 1);
  });

  test("within ten milliseconds of the start of a stream, and no longer 50 milliseconds after its end", () => {
    const gather = new Gather({ msMax: 10, bufferBytes: LARGE_BUFFER });
    for (let i = 0; i < 10; i++) gather.sleepMs({ datagrams: 2, bytes: 2 * SMALL, elapsedMs: 1 });
    expect(gather.busy).toBe(true);
    for (let i = 0; i < 50; i++) gather.sleepMs({ datagrams: 0, bytes: 0, elapsedMs: 1 });
    expect(gather.busy).toBe(false);
  });
});

test.each([
  [0, 20],
  [3, 20],
  [20, 20],
  [21, 21],
  [60, 60],
  [500, 60],
])("with %d nodes %d ms at most, unless the configuration says", (nodes, ms) => {
  expect(usualGatherMs(nodes)).toBe(ms);
});

describe("what the kernel charges", () => {
  // Measured on Linux 6: 256 datagrams of a few bytes fill 212,992.
  test.each([
    [1, 832],
    [40, 832],
    [1432, 2304],
    [8932, 16_640],
  ])("a datagram of %d bytes is charged at least %d", (bytes, charged) => {
    expect(chargedBytes(bytes)).toBeGreaterThanOrEqual(charged);
  });
});
