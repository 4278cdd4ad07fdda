import { ptr } from "bun:ffi";
import { describe, expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import type { udp } from "bun";
import { bunNetwork } from "../../src/net/bunNetwork.io.ts";
import { listenUdp } from "../../src/net/bunUdpListener.io.ts";
import { Turns } from "../../src/net/turns.ts";
import { UdpSource } from "../../src/net/udpSource.ts";
import { systemClock } from "../../src/system/clock.io.ts";
import { openLibc } from "../../src/system/libc.io.ts";
import { Client } from "../support/client.ts";
import { openConsole } from "../support/console.ts";
import { descriptorOfPort, EPOLLIN, watchedEvents } from "../support/epoll.ts";
import { startFlood } from "../support/flood.ts";
import { type Forge, NO_FORGING, openForge, UNREACHABLE } from "../support/forgedIcmp.ts";
import { freePorts, IPV6_HERE, silentSocket } from "../support/ports.ts";
import { textsOf } from "../support/slots.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

const LINUX = process.platform === "linux";

interface Open {
  readonly receiver: UdpSource;
  /** What came, as text. */
  readonly datagrams: string[];
  /** Turns that ended, and how many datagrams had come by the end of the last one. */
  readonly turns: { count: number; datagrams: number };
  readonly errors: Error[];
  /** How long datagrams had waited when they were read. */
  readonly waits: number[];
}

interface Parts {
  readonly host?: string;
  readonly port?: number;
  readonly gather?: number;
  readonly reusePort?: boolean;
  readonly receiveBuffer?: number;
  /** What is to be done for each datagram, and at the end of each turn. */
  readonly work?: () => void;
  readonly onTurnEnd?: () => void;
  readonly libc?: Error;
  readonly begin?: boolean;
}

async function open(parts: Parts = {}): Promise<Open> {
  const { host = "127.0.0.1", port = 0, gather = 0, receiveBuffer = 4_194_304, reusePort = false } = parts;
  const datagrams: string[] = [];
  const turns = { count: 0, datagrams: 0 };
  const errors: Error[] = [];
  const waits: number[] = [];
  const onTurnEnd = () => {
    turns.count++;
    turns.datagrams = datagrams.length;
    parts.onTurnEnd?.();
  };
  const onError = (error: Error) => void errors.push(error);
  const { libc } = parts;
  const flush = () => {
    try {
      onTurnEnd();
    } catch (error) {
      onError(error as Error);
    }
  };
  const receiver = await UdpSource.open({
    turns: new Turns({ flush, clock: systemClock }),
    network: libc ? { listenUdp: (parts) => listenUdp(parts, libc) } : bunNetwork,
    clock: systemClock,
    host,
    port,
    gather,
    receiveBuffer,
    reusePort,
    onLines: (bytes, start, end) => {
      datagrams.push(bytes.toString("latin1", start, end));
      parts.work?.();
    },
    onDatagrams: (read) => {
      datagrams.push(...textsOf(read));
      parts.work?.();
    },
    onWaited: (ms) => void waits.push(ms),
    onTurnEnd,
    onError,
  });
  if (parts.begin !== false) receiver.begin();
  onTestFinished(() => receiver.close());
  return { receiver, datagrams, turns, errors, waits };
}

/** Sends numbered datagrams at once, as many as the smallest buffer takes. */
async function burst(port: number, first: number, count = 150): Promise<string[]> {
  const socket = await silentSocket({ connect: { hostname: "127.0.0.1", port } });
  const sent = Array.from({ length: count }, (_, i) => `datagram ${first + i}`);
  for (const datagram of sent) expect(socket.send(datagram)).toBe(true);
  socket.close();
  return sent;
}

test.each([0, 10])(
  "every datagram is handed over once, in order, whatever ends the turns (gather %d)",
  async (gather) => {
    const { receiver, datagrams, turns } = await open({ gather });
    const sent: string[] = [];
    // One burst after the other makes it busy, and ends many a turn from within.
    for (let round = 0; round < 40; round++) {
      sent.push(...(await burst(receiver.port, sent.length)));
      await until(`${sent.length} datagrams`, () => datagrams.length >= sent.length);
    }
    expect(datagrams).toEqual(sent);
    await until("the end of the last turn", () => turns.datagrams === sent.length);
  },
);

test.skipIf(!LINUX)(
  "the kernel tells nothing of a datagram that nobody reads, though Bun asks for it: ignoreControlData can go (Linux only)",
  async () => {
    const libc = openLibc();
    const [IPPROTO_IP, IP_PKTINFO, IP_RECVTOS] = [0, 8, 13];
    const askedFor = ({ port }: { port: number }) =>
      [IP_PKTINFO, IP_RECVTOS].map((option) => {
        const value = new Int32Array(1);
        libc.getsockopt(descriptorOfPort(port), IPPROTO_IP, option, ptr(value), ptr(Int32Array.of(4)));
        return value[0];
      });
    const { receiver } = await open();
    expect(askedFor(receiver)).toEqual([0, 0]);
    const plain = await silentSocket({ connect: { hostname: "127.0.0.1", port: 9 } });
    onTestFinished(() => plain.close());
    expect(askedFor(plain)).toEqual([1, 1]);
  },
);

/**
 * Bun asks epoll once whether a new socket can be written to, and then no more: if that failed, epoll would wake it without
 * end, and an idle proxy would take a whole core.
 */
describe.skipIf(!LINUX)("the event loop is woken only for what arrives (Linux only)", () => {
  test("at a socket that many datagrams wait at when it is read for the first time", async () => {
    const { receiver, datagrams } = await open({ gather: 10 });
    await burst(receiver.port, 0);
    await until("all", () => datagrams.length === 150);
    await roundsOfTheLoop(10);
    expect(watchedEvents(descriptorOfPort(receiver.port))).toEqual([EPOLLIN]);
  });

  test("at one that takes a while to begin, and nothing is read before", async () => {
    const { receiver, datagrams } = await open({ gather: 10, begin: false });
    await burst(receiver.port, 0);
    await roundsOfTheLoop(10);
    expect(datagrams).toEqual([]);
    receiver.begin();
    await until("all", () => datagrams.length === 150);
    expect(watchedEvents(descriptorOfPort(receiver.port))).toEqual([EPOLLIN]);
  });

  async function roundsOfTheLoop(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await new Promise((resolve) => setTimeout(resolve));
  }
});

test("a single datagram ends its turn at once", async () => {
  const { receiver, turns } = await open({ gather: 10 });
  await burst(receiver.port, 0, 1);
  await until("the end of the turn", () => turns.count > 0);
  expect(turns).toEqual({ count: 1, datagrams: 1 });
});

test("an empty datagram is one, too, and changes nothing for the others", async () => {
  const { receiver, datagrams } = await open();
  const socket = await silentSocket({ connect: { hostname: "127.0.0.1", port: receiver.port } });
  for (const datagram of ["before", "", "", "after"]) socket.send(datagram);
  socket.close();
  await until("four", () => datagrams.length === 4);
  expect(datagrams).toEqual(["before", "", "", "after"]);
});

test.each([0, 10])("the largest datagram that UDP has arrives whole (gather %d)", async (gather) => {
  const { receiver, datagrams } = await open({ gather });
  const socket = await silentSocket({ connect: { hostname: "127.0.0.1", port: receiver.port } });
  const largest = "x".repeat(65_507);
  for (let i = 1; i <= 20; i++) {
    expect(socket.send(largest)).toBe(true);
    await until("the next", () => datagrams.length === i);
  }
  socket.close();
  expect(new Set(datagrams)).toEqual(new Set([largest]));
});

test.skipIf(!IPV6_HERE)("datagrams over IPv6, and many of them (skipped where there is no ::1)", async () => {
  const { receiver, datagrams } = await open({ host: "::1" });
  const socket = await silentSocket({ hostname: "::", connect: { hostname: "::1", port: receiver.port } });
  for (let i = 0; i < 150; i++) socket.send(`${i}`);
  socket.close();
  await until("all", () => datagrams.length === 150);
  expect(datagrams).toEqual(Array.from({ length: 150 }, (_, i) => `${i}`));
});

/**
 * The receiver is made slower than the sender, so that the socket is never empty, and Bun (1.4.5) would read on for as
 * long as the flood lasts (test/bun.test.ts). The flood must still be going on when enough was answered.
 */
describe("the console answers while the socket is flooded", () => {
  test.each([
    ["127.0.0.1", 0],
    ["127.0.0.1", 10],
    ["127.0.0.2", 10],
    ["0.0.0.0", 10],
  ])("%s, gather %d", async (host, gather) => await answersWhileFlooded(host, gather));

  test.skipIf(!IPV6_HERE).each([
    ["::1", 10],
    ["::", 10],
    ["::ffff:127.0.0.1", 10],
  ])("%s, gather %d (skipped where there is no ::1)", async (host, gather) => await answersWhileFlooded(host, gather));

  test("without the C library, by an interrupt that it tests at the start", async () => {
    const { receiver } = await answersWhileFlooded("127.0.0.1", 10, { libc: new Error("none here") });
    expect(receiver.canBeInterrupted).toBe(true);
  });

  async function answersWhileFlooded(host: string, gather: number, parts: Parts = {}): Promise<Open> {
    const opened = await open({ host: await bunNetwork.resolve(host), gather, work: () => spin(0.05), ...parts });
    const { receiver, datagrams } = opened;
    const client = await Client.open(openConsole().port);
    const flood = await startFlood(receiver.port, host.endsWith("::") || host === "0.0.0.0" ? "127.0.0.1" : host);
    await until("the flood", () => datagrams.length > 1000);
    for (let i = 1; i <= 5; i++) {
      client.send("ping\n");
      await client.answered("pong\n".repeat(i));
    }
    expect((await flood.end()).outcome).toBe("ended while it was flooding");
    return opened;
  }
});

describe("an exception on a datagram's way", () => {
  test("is reported each time, and affects no other datagram", async () => {
    const thrown: string[] = [];
    const { receiver, datagrams, errors } = await open({
      gather: 10,
      work: () => {
        thrown.push(`at ${datagrams.length}`);
        throw new Error(thrown.at(-1));
      },
    });
    const sent: string[] = [];
    for (let round = 0; round < 10; round++) {
      sent.push(...(await burst(receiver.port, sent.length)));
      await until(`${sent.length} datagrams`, () => datagrams.length >= sent.length);
    }
    expect(datagrams).toEqual(sent);
    expect(errors.map(({ message }) => message)).toEqual(thrown);
  });

  test("at the end of a turn is reported, and turns go on", async () => {
    const { receiver, datagrams, errors, turns } = await open({
      onTurnEnd: () => {
        throw new Error(`turn ${turns.count}`);
      },
    });
    for (let i = 1; i <= 3; i++) {
      await burst(receiver.port, i, 1);
      await until("the end of its turn", () => turns.datagrams === i);
    }
    expect(datagrams.length).toBe(3);
    expect(errors.map(({ message }) => message)).toEqual(["turn 1", "turn 2", "turn 3"]);
  });
});

describe.skipIf(!LINUX)("a shared port (Linux only)", () => {
  const FLOWS = 64;

  /** Sends one datagram from each socket; returns them. */
  function sendFromEach(senders: readonly udp.ConnectedSocket<"buffer">[], word: string): string[] {
    const sent = senders.map((_, i) => `${word} ${i}`);
    for (const [i, socket] of senders.entries()) expect(socket.send(sent[i])).toBe(true);
    return sent;
  }

  async function openSenders(port: number, to: string, count = FLOWS): Promise<udp.ConnectedSocket<"buffer">[]> {
    const hostname = to.includes(":") ? "::" : "0.0.0.0";
    const opening = Array.from({ length: count }, () => silentSocket({ hostname, connect: { hostname: to, port } }));
    const senders = await Promise.all(opening);
    onTestFinished(() => {
      for (const sender of senders) sender.close();
    });
    return senders;
  }

  const HOSTS = [
    ["127.0.0.1", "127.0.0.1"],
    ["0.0.0.0", "127.0.0.1"],
    ...(IPV6_HERE ? [["::", "127.0.0.1"] as const, ["::", "::1"] as const, ["::1", "::1"] as const] : []),
  ] as const;

  test.each(HOSTS)(
    "%s: one that finishes reads what it has, and all that is sent later goes to the other (to %s)",
    async (host, to) => {
      const old = await open({ host, reusePort: true });
      const fresh = await open({ host, reusePort: true, port: old.receiver.port });
      const senders = await openSenders(old.receiver.port, to);
      const sent = sendFromEach(senders, "before");
      const received = () => [...old.datagrams, ...fresh.datagrams];
      await until("the first", () => received().length === FLOWS);
      // The kernel tells flows apart, and both sockets get some.
      expect(old.datagrams.length).toBeGreaterThan(0);
      expect(fresh.datagrams.length).toBeGreaterThan(0);
      const share = old.datagrams.length;

      // These the kernel has already given to the old one, which has not read them.
      sent.push(...sendFromEach(senders, "meanwhile"));
      const finished = old.receiver.finish();
      sent.push(...sendFromEach(senders, "after"));
      await finished;
      sent.push(...sendFromEach(senders, "closed"));
      await until("all", () => received().length === sent.length);
      expect(received().sort()).toEqual([...sent].sort());
      expect(old.datagrams.length).toBe(2 * share);
    },
  );

  test("one after the other takes over in the middle of a stream, and no datagram is lost or read twice", async () => {
    let current = await open({ reusePort: true });
    const { port } = current.receiver;
    const all = [current];
    const senders = await openSenders(port, "127.0.0.1", 8);
    const sent: string[] = [];
    const received = () => all.reduce((sum, { datagrams }) => sum + datagrams.length, 0);
    for (let round = 0; round < 50; round++) {
      const before = current;
      current = await open({ reusePort: true, port });
      all.push(current);
      let isOver = false;
      const finished = before.receiver.finish().then(() => {
        isOver = true;
      });
      do {
        sent.push(...sendFromEach(senders, `${sent.length}`));
        // Never more than any buffer holds.
        await until("most", () => received() > sent.length - 100);
        await new Promise((resolve) => setImmediate(resolve));
      } while (!isOver);
      await finished;
    }
    await until(`all ${sent.length}`, () => received() === sent.length);
    expect(all.flatMap(({ datagrams }) => datagrams).sort()).toEqual(sent.sort());
  });

  test("can be shared, and no longer, while it is open", async () => {
    const { receiver } = await open();
    const { port } = receiver;
    const settings = { gather: 0, receiveBuffer: 4_194_304 };
    await expect(open({ port, reusePort: true })).rejects.toMatchObject({ code: "EADDRINUSE" });
    receiver.use({ ...settings, reusePort: true });
    await expect(open({ port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    (await open({ port, reusePort: true })).receiver.close();
    receiver.use({ ...settings, reusePort: false });
    await expect(open({ port, reusePort: true })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

describe("the kernel's side", () => {
  test.skipIf(!LINUX)("the buffer that was granted is reported, as the kernel counts it (Linux only)", async () => {
    const { receiver } = await open({ receiveBuffer: 20_000 });
    expect(receiver.receiveBuffer).toBe(40_000);
  });

  test.skipIf(!LINUX)("what the kernel drops is counted, and still known after close (Linux only)", async () => {
    const { receiver, datagrams } = await open({ receiveBuffer: 4096 });
    const count = 500;
    await burst(receiver.port, 0, count);
    await until("all accounted for", () => datagrams.length + (receiver.kernelDrops() ?? 0) === count);
    const drops = receiver.kernelDrops();
    expect(drops).toBeGreaterThan(0);
    receiver.close();
    expect(receiver.kernelDrops()).toBe(drops);
  });
});

/** A busy one reads in another way. */
describe.skipIf(NO_FORGING !== "").each([1, 150])(
  `ICMP about what was never sent, which strangers can make up (%d datagrams at a time)${NO_FORGING}`,
  (count) => {
    test.each(["127.0.0.1", "0.0.0.0", ...(IPV6_HERE ? ["::"] : [])])(
      "is no error, and keeps no datagram waiting (%s)",
      async (host) => {
        const { receiver, datagrams, errors } = await open({ host, gather: 10 });
        const forge = openForge();
        if (forge === undefined) return;
        const sent: string[] = [];
        for (let round = 0; round < 20; round++) {
          forgeSome(forge, receiver.port);
          sent.push(...(await burst(receiver.port, sent.length, count)));
          forgeSome(forge, receiver.port);
          await until(`${sent.length} datagrams`, () => datagrams.length >= sent.length);
        }
        expect(datagrams).toEqual(sent);
        expect(errors).toEqual([]);
      },
    );

    test("does not stop draining", async () => {
      const { receiver, datagrams, errors } = await open({ host: "0.0.0.0" });
      const forge = openForge();
      if (forge === undefined) return;
      const sent = await burst(receiver.port, 0, count);
      forgeSome(forge, receiver.port);
      await receiver.finish();
      expect(datagrams).toEqual(sent);
      expect(receiver.datagramsUnread).toBe(0);
      expect(errors).toEqual([]);
    });
  },
);

function forgeSome(forge: Forge, port: number): void {
  for (const what of Object.values(UNREACHABLE)) forge(port, what);
}

describe("the end", () => {
  test.each([
    ["with the C library", {}],
    ["without it", { libc: new Error("none here") }],
  ])("a taken port is an error with a code, and leaves nothing open, %s", async (_, parts) => {
    const { receiver } = await open();
    const before = openFiles();
    for (let i = 0; i < 5; i++) {
      await expect(open({ ...parts, port: receiver.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    }
    await until("what was opened is closed", () => openFiles() <= before);
  });

  test("close closes everything, at once or again", async () => {
    const before = openFiles();
    for (let i = 0; i < 5; i++) {
      const { receiver } = await open();
      receiver.close();
      receiver.close();
    }
    await until("what was opened is closed", () => openFiles() <= before);
  });

  test("finish delivers what the kernel holds, and no more arrives", async () => {
    const { receiver, datagrams, turns } = await open({ gather: 10 });
    const sent = await burst(receiver.port, 0);
    await receiver.finish();
    expect(datagrams).toEqual(sent);
    expect(turns.datagrams).toBe(sent.length);
  });

  test("a long finish ends turns along the way, and lets the event loop run in between", async () => {
    const { receiver, turns } = await open({ work: () => Bun.sleepSync(1) });
    await burst(receiver.port, 0, 150);
    const before = turns.count;
    let rounds = 0;
    let isOver = false;
    const comeRound = () => {
      rounds++;
      if (!isOver) setImmediate(comeRound);
    };
    setImmediate(comeRound);
    await receiver.finish();
    isOver = true;
    expect(turns).toMatchObject({ datagrams: 150 });
    expect([turns.count - before >= 2, rounds >= 2]).toEqual([true, true]);
  });

  test.skipIf(!LINUX)(
    "finish reads all that the kernel holds, however much, and nothing of a flood (Linux only)",
    async () => {
      const { receiver, datagrams } = await open({ gather: 10 });
      const flood = await startFlood(receiver.port);
      await until("the flood", () => datagrams.length > 1000);
      // Much more than one slice of the last reading: nobody reads while this sends.
      Bun.sleepSync(200);
      const before = datagrams.length;
      await receiver.finish();
      expect(datagrams.length).toBeGreaterThan(before);
      expect(receiver.datagramsUnread).toBe(0);
      const { datagrams: sent, outcome } = await flood.end();
      expect(outcome).toBe("ended while it was flooding");
      expect(datagrams.length + (receiver.kernelDrops() ?? 0)).toBeLessThanOrEqual(sent);
    },
  );

  test.skipIf(!LINUX)("from the moment of finish senders are refused (Linux only)", async () => {
    const { receiver } = await open();
    const refused: unknown[] = [];
    const sender = await Bun.udpSocket({
      connect: { hostname: "127.0.0.1", port: receiver.port },
      socket: { data: () => {}, error: (error) => void refused.push(error) },
    });
    onTestFinished(() => sender.close());
    const finished = receiver.finish();
    sender.send("late");
    await until("a refusal", () => refused.length > 0);
    await finished;
  });

  test.skipIf(!LINUX)("what there is no time to read is counted (Linux only)", async () => {
    const { receiver, datagrams } = await open();
    await burst(receiver.port, 0, 150);
    const before = datagrams.length;
    await receiver.finish(0);
    expect(datagrams.length).toBe(before);
    expect(receiver.datagramsUnread).toBe(150 - before);
  });

  test.skipIf(!LINUX)("so is what was not read because the process stood still meanwhile (Linux only)", async () => {
    let stall = false;
    const { receiver, datagrams } = await open({
      work: () => {
        if (stall) Bun.sleepSync(100);
        stall = false;
      },
    });
    await burst(receiver.port, 0, 150);
    stall = true;
    await receiver.finish(1);
    expect(datagrams.length).toBeLessThan(150);
    expect(datagrams.length + receiver.datagramsUnread).toBe(150);
  });

  test("finish without the C library delivers what the kernel holds", async () => {
    const { receiver, datagrams } = await open({ gather: 10, libc: new Error("none here") });
    const sent = await burst(receiver.port, 0);
    await receiver.finish();
    expect(datagrams).toEqual(sent);
  });

  test("a closed receiver reads nothing from the socket that gets its file descriptor", async () => {
    // Three, because it gives back three: Bun's number of its socket, its own, and that of the empty one.
    const others = await Promise.all((await freePorts(3)).map(reservation));
    let closing = false;
    const { receiver, datagrams } = await open({
      gather: 10,
      onTurnEnd: () => {
        if (!closing) return;
        closing = false;
        receiver.close();
        for (const other of others) other.listen();
        for (const { sender } of others) for (let i = 0; i < 10; i++) sender.send(`other ${i}`);
      },
    });
    // A busy receiver reads in bulk after each turn: past Bun, by the number of its file descriptor.
    for (let round = 0; round < 10; round++) {
      datagrams.length = 0;
      await burst(receiver.port, 0, 150);
      await until("all of the burst", () => datagrams.length === 150);
    }
    closing = true;
    await burst(receiver.port, 0, 10);
    const toOthers = () => others.flatMap((other) => other.datagrams);
    const stolen = () => datagrams.filter((datagram) => datagram.startsWith("other"));
    await until("what was sent to the others", () => toOthers().length + stolen().length === 30);
    expect(stolen()).toEqual([]);
  });
});

/** A socket that is opened later, within one turn of the event loop, and a sender that is connected to it already. */
async function reservation(port: number) {
  const sender = await silentSocket({ connect: { hostname: "127.0.0.1", port } });
  onTestFinished(() => sender.close());
  const datagrams: string[] = [];
  let socket: udp.Socket<"buffer"> | undefined;
  onTestFinished(() => socket?.close());
  const listen = () => {
    const data = (_: unknown, bytes: Buffer) => void datagrams.push(bytes.toString("latin1"));
    void Bun.udpSocket({ hostname: "127.0.0.1", port, socket: { data } }).then((opened) => {
      socket = opened;
    });
  };
  return { sender, datagrams, listen };
}

/** Works for so long. */
function spin(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

function openFiles(): number {
  return LINUX ? readdirSync("/proc/self/fd").length : 0;
}

describe.skipIf(!LINUX)("how long a datagram waited in the kernel is told (Linux only)", () => {
  test("of one that the runtime reads, and of every fourth turn after it", async () => {
    const { receiver, datagrams, turns, waits } = await open();
    expect(receiver.tellsWaits).toBe(true);
    const fromMs = performance.now();
    for (let sent = 1; sent <= 9; sent++) {
      await burst(receiver.port, sent, 1);
      await until("the end of its turn", () => turns.datagrams === sent);
      // So that it stays a trickle.
      await Bun.sleep(20);
    }
    expect(datagrams).toHaveLength(9);
    expect(waits).toHaveLength(3);
    for (const ms of waits) expectWithin(ms, 0, performance.now() - fromMs);
  });

  test("and of the first few of those that have piled up, and one in eight of the rest", async () => {
    const { receiver, datagrams, waits } = await open();
    await burst(receiver.port, 0, 20);
    Bun.sleepSync(20);
    await until("all", () => datagrams.length === 20);
    // The first, and then the 2nd, 3rd, 5th, 9th and 17th.
    expect(waits).toHaveLength(6);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(20);
  });

  test("of one of each bulk read", async () => {
    const { receiver, datagrams, waits } = await open({ gather: 10 });
    const fromMs = performance.now();
    for (let round = 1; round <= 40; round++) {
      await burst(receiver.port, 0);
      await until("all datagrams", () => datagrams.length === 150 * round);
    }
    // Of 40 bursts of 150, 64 a read, and some read by the runtime.
    expectWithin(waits.length, 40, 40 * 150);
    expect(waits.filter((ms) => Number.isNaN(ms))).toEqual([]);
    for (const ms of waits) expectWithin(ms, 0, performance.now() - fromMs);
    expect(Math.max(...waits)).toBeGreaterThan(0);
  });

  test("as long as it was kept waiting, whoever reads it", async () => {
    for (const isBusy of [false, true]) {
      const { receiver, datagrams, waits } = await open({ gather: 10 });
      const before = isBusy ? 150 * 20 : 0;
      for (let round = 1; isBusy && round <= 20; round++) {
        await burst(receiver.port, 0);
        await until("all datagrams", () => datagrams.length === 150 * round);
      }
      await burst(receiver.port, 0, 1);
      Bun.sleepSync(50);
      await until("the last datagram", () => datagrams.length === before + 1);
      expect(Math.max(...waits)).toBeGreaterThanOrEqual(50);
    }
  });

  test("of none, where there is no C library", async () => {
    const { receiver, datagrams, waits } = await open({ libc: new Error("not here") });
    await burst(receiver.port, 0, 1);
    await until("the datagram", () => datagrams.length === 1);
    expect([receiver.tellsWaits, waits]).toEqual([false, []]);
  });
});

function expectWithin(value: number, least: number, most: number): void {
  expect(value).toBeGreaterThanOrEqual(least);
  expect(value).toBeLessThanOrEqual(most);
}
