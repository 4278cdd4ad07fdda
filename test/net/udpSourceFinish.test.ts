/** Draining a source, and changing its settings, on a manual clock and a fake kernel. */
import { expect, test } from "bun:test";
import { BULK_DATAGRAMS, type UdpListenerParts } from "../../src/net/network.ts";
import { Turns } from "../../src/net/turns.ts";
import { UdpSource } from "../../src/net/udpSource.ts";
import { ManualClock } from "../support/clocks.ts";
import { FakeListener } from "../support/fakeNetwork.ts";

const READING_MS = 1;
/** How long it waits for what may be under way. */
const UNDER_WAY_MS = 10;

/** A source, and what it does. @param kernel why there is none */
async function open(kernel?: Error) {
  const clock = new ManualClock();
  const seen = { datagrams: 0, turns: 0, datagramsAtTurnEnd: 0 };
  let listener: FakeListener | undefined;
  const endTurn = () => {
    seen.turns++;
    seen.datagramsAtTurnEnd = seen.datagrams;
  };
  const source = await UdpSource.open({
    ...{ host: "127.0.0.1", port: 8125, gather: 10, receiveBuffer: 1 << 20, reusePort: false, clock },
    turns: new Turns({ flush: endTurn, clock }),
    network: {
      listenUdp: async (parts: UdpListenerParts) => {
        listener = new FakeListener(parts, kernel);
        listener.onRead = () => clock.pass(READING_MS);
        return listener;
      },
    },
    onLines: () => void seen.datagrams++,
    onDatagrams: ({ count }) => {
      seen.datagrams += count;
    },
    onTurnEnd: endTurn,
    onError: (error) => {
      throw error;
    },
  });
  if (listener === undefined) throw new Error("it listens");
  source.begin();
  // Paused until it begins.
  listener.done.length = 0;
  return { source, listener, clock, seen };
}

/** Drains it; returns how long that took. */
async function finished({ source, clock }: Awaited<ReturnType<typeof open>>, msMax?: number): Promise<number> {
  const beganMs = clock.nowMs();
  const timersBefore = clock.timersLeft;
  let isOver = false;
  const finish = source.finish(msMax).then(() => {
    isOver = true;
  });
  while (!isOver) {
    await clock.settle(1);
    if (clock.timersLeft > timersBefore) clock.advance(1);
  }
  await finish;
  return clock.nowMs() - beganMs;
}

test("draining refuses senders first, then reads, sends what it read, and closes", async () => {
  const opened = await open();
  opened.listener.held = 100;
  await finished(opened);
  expect(opened.seen).toMatchObject({ datagrams: 100, datagramsAtTurnEnd: 100 });
  expect(opened.source.datagramsUnread).toBe(0);
  const { done } = opened.listener;
  expect(done.slice(0, 3)).toEqual(["pause", "refuseSenders", "read"]);
  expect(done.at(-1)).toBe("close");
});

test("draining reads what the kernel had under way when it refused senders", async () => {
  const opened = await open();
  const { listener } = opened;
  listener.held = 10;
  let reads = 0;
  // The second one finds nothing, and the third is the one after a while.
  listener.onRead = () => {
    if (++reads === 3) listener.held = BULK_DATAGRAMS + 3;
  };
  expect(await finished(opened)).toBe(UNDER_WAY_MS);
  expect(opened.seen).toMatchObject({
    datagrams: 10 + BULK_DATAGRAMS + 3,
    datagramsAtTurnEnd: 10 + BULK_DATAGRAMS + 3,
  });
  expect(opened.source.datagramsUnread).toBe(0);
});

test("draining takes at most five seconds, and one more to count the rest, however much the kernel holds", async () => {
  const opened = await open();
  // 20 seconds' worth.
  opened.listener.held = 20_000 * BULK_DATAGRAMS;
  expect(await finished(opened)).toBe(6000);
  expect(opened.seen.datagrams).toBe(5000 * BULK_DATAGRAMS);
  expect(opened.source.datagramsUnread).toBe(1000 * BULK_DATAGRAMS);
});

test("draining sends what it read every ten milliseconds", async () => {
  const opened = await open();
  opened.listener.held = 100 * BULK_DATAGRAMS;
  await finished(opened);
  expect(opened.seen.turns).toBeGreaterThanOrEqual(10);
});

test("draining by the runtime has the same limit", async () => {
  const opened = await open(new Error("no C library"));
  const { listener, clock } = opened;
  const bytes = Buffer.from("a:1|c");
  let left = 1000;
  const arrive = () => {
    clock.pass(READING_MS);
    listener.parts.onDatagram(bytes, 0, bytes.length);
    if (--left > 0) clock.setImmediate(arrive);
  };
  clock.setImmediate(arrive);
  // It looks at the clock every other turn of the event loop.
  expect(await finished(opened, 100)).toBeLessThanOrEqual(100 + 4 * READING_MS);
  expect(left).toBeGreaterThan(0);
});

test("new settings apply from the next turn on", async () => {
  const { source, listener, clock } = await open();
  const bytes = Buffer.from("a:1|c");
  const turn = () => {
    for (let i = 0; i < 20; i++) listener.parts.onDatagram(bytes, 0, bytes.length);
    clock.pass(10);
    clock.comeRound();
  };
  turn();
  expect(clock.slept).toEqual([10]);
  source.use({ gather: 0, receiveBuffer: 1 << 21, reusePort: true });
  expect(listener.done).toContain(`setReceiveBuffer ${1 << 21}`);
  expect(listener.done).toContain("setReusePort true");
  turn();
  expect(clock.slept).toEqual([10]);
});
