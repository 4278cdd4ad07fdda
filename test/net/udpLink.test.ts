import { describe, expect, onTestFinished, setDefaultTimeout, spyOn, test } from "bun:test";
import fc from "fast-check";
import { bunNetwork } from "../../src/net/bunNetwork.io.ts";
import { dropAll } from "../../src/net/link.ts";
import { RECOVERY_MS } from "../../src/net/linkFaults.ts";
import type { Network, UdpConnection } from "../../src/net/network.ts";
import { UdpLink } from "../../src/net/udpLink.ts";
import { Batch } from "../../src/relay/batch.ts";
import { NodeCounters } from "../../src/relay/counters.ts";
import { systemClock } from "../../src/system/clock.io.ts";
import { Backend, linesArrived } from "../support/backend.ts";
import { IPV6_HERE, refusingPort } from "../support/ports.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

/** What becomes of a datagram that is handed to the kernel. */
type Fate = "sent" | "full" | "ECONNREFUSED" | "EMSGSIZE" | "ENETUNREACH";

/**
 * A socket as Bun's (1.4.5) over a kernel with a script: `sendMany` stops at the first datagram that is not taken, and
 * does not say why; `send` says it of one.
 */
class ScriptedSocket {
  readonly sent: string[];
  closed = 0;
  private readonly script: Fate[];
  private readonly throwsFromSendMany: boolean;

  /** @param sent where what is sent is kept, by several sockets if need be */
  constructor(script: readonly Fate[], throwsFromSendMany = false, sent: string[] = []) {
    this.sent = sent;
    this.script = [...script];
    this.throwsFromSendMany = throwsFromSendMany;
  }

  send(datagram: Buffer): boolean {
    const fate = this.take(datagram);
    if (fate === "sent" || fate === "full") return fate === "sent";
    throw errorOf(fate);
  }

  sendMany(datagrams: Buffer[]): number {
    for (let i = 0; i < datagrams.length; i++) {
      const fate = this.take(datagrams[i]);
      if (fate === "sent") continue;
      if (i === 0 && this.throwsFromSendMany && fate !== "full") throw errorOf(fate);
      return i;
    }
    return datagrams.length;
  }

  close(): void {
    this.closed++;
  }

  protected take(datagram: Buffer): Fate {
    const fate = this.script.shift() ?? "sent";
    if (fate === "sent") this.sent.push(datagram.toString("latin1"));
    return fate;
  }
}

/** The same, where batches are sent in bulk: it says nothing but how many were. */
class ScriptedBulkSocket extends ScriptedSocket {
  sendBatch(batch: Batch): number {
    const datagrams = batch.views();
    const stoppedAt = datagrams.findIndex((datagram) => this.take(datagram) !== "sent");
    return stoppedAt === -1 ? datagrams.length : stoppedAt;
  }
}

function errorOf(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** What a link opens, one after the other: a socket, or the errno that there is none for. */
type Opened = readonly (ScriptedSocket | string)[];

interface Bench {
  readonly counters: NodeCounters;
  readonly batch: Batch;
  readonly flush: () => void;
  readonly drop: () => void;
  readonly link: UdpLink;
  /** What the link told, in order. */
  readonly told: string[];
  /** What the error handler of the sockets is given. */
  readonly answer: (error: unknown) => void;
}

/** A link with `lines` in a batch, one in each datagram. */
async function benchOf(lines: readonly string[], opened: Opened, repeatsAnswers = true): Promise<Bench> {
  const [counters, batch, told] = [new NodeCounters(), new Batch(0), [] as string[]];
  append(batch, lines);
  const left = [...opened];
  let answer: (error: unknown) => void = () => {};
  const connectUdp: Network["connectUdp"] = async ({ onError }) => {
    answer = onError;
    const next = left.shift() ?? "ENETDOWN";
    if (typeof next === "string") throw errorOf(next);
    // A link asks for no more of a socket.
    return next as unknown as UdpConnection;
  };
  const link = await UdpLink.open({
    network: { connectUdp, repeatsAnswers },
    clock: systemClock,
    host: "127.0.0.1",
    port: 9,
    onRefusal: () => void told.push("refusal"),
    onError: (errno, isNew) => void told.push(`${isNew ? "new " : ""}${errno}`),
    onRecovery: () => void told.push("recovery"),
    onReady: () => {
      told.push("ready");
      link.flush(batch, counters);
    },
  });
  const flush = () => link.flush(batch, counters);
  return { counters, batch, flush, drop: () => dropAll(batch, counters), link, told, answer: (error) => answer(error) };
}

function append(batch: Batch, lines: readonly string[]): void {
  for (const line of lines) {
    const bytes = Buffer.from(line);
    expect(batch.append(bytes, 0, bytes.length, 1)).toBe(bytes.length);
  }
}

const LINES = ["a:1|c", "b:2|c", "c:3|c", "d:4|c"];

describe("flush sends each datagram once, in order, and counts the rest", () => {
  /** By what happens: the script, what is sent, what waits, and what is given up. */
  const CASES: Record<string, { script: Fate[]; sent: string[]; pending: number; dropped: number }> = {
    "all goes well": { script: [], sent: LINES, pending: 0, dropped: 0 },
    "the answer to an earlier datagram ends sendMany at once": {
      script: ["ECONNREFUSED"],
      sent: LINES,
      pending: 0,
      dropped: 0,
    },
    "it ends sendMany in the middle": { script: ["sent", "sent", "ECONNREFUSED"], sent: LINES, pending: 0, dropped: 0 },
    "it comes twice in a row": {
      script: ["sent", "ECONNREFUSED", "ECONNREFUSED"],
      sent: LINES,
      pending: 0,
      dropped: 0,
    },
    "it comes three times in a row: that datagram is given up": {
      script: ["sent", "ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED"],
      sent: ["a:1|c", "c:3|c", "d:4|c"],
      pending: 0,
      dropped: 1,
    },
    "a datagram is too large": {
      script: ["sent", "EMSGSIZE", "EMSGSIZE", "EMSGSIZE"],
      sent: ["a:1|c", "c:3|c", "d:4|c"],
      pending: 0,
      dropped: 1,
    },
    "the last one is too large": {
      script: ["sent", "sent", "sent", "EMSGSIZE", "EMSGSIZE", "EMSGSIZE"],
      sent: LINES.slice(0, 3),
      pending: 0,
      dropped: 1,
    },
    "the socket is full": { script: ["full", "full"], sent: [], pending: 4, dropped: 0 },
    "the socket is full in the middle": { script: ["sent", "full", "full"], sent: ["a:1|c"], pending: 3, dropped: 0 },
    "the socket was full, and no longer is when asked again": {
      script: ["sent", "full"],
      sent: LINES,
      pending: 0,
      dropped: 0,
    },
  };

  const KINDS = { "by the runtime": ScriptedSocket, "in bulk": ScriptedBulkSocket };
  const kinds = Object.keys(KINDS) as (keyof typeof KINDS)[];

  test.each(Object.keys(CASES).flatMap((what) => kinds.map((kind) => [what, kind] as const)))(
    "%s, %s",
    async (what, kind) => {
      const { script, sent, pending, dropped } = CASES[what];
      const socket = new KINDS[kind](script);
      const { counters, batch, flush } = await benchOf(LINES, [socket]);
      flush();
      expect(socket.sent).toEqual(sent);
      expect(batch.linesPending).toBe(pending);
      expect(counters.linesDropped.send_error).toBe(dropped);
      expect(counters.linesRelayed).toBe(sent.length);
      expect(counters.datagramsSent).toBe(sent.length);
      expect(counters.bytesSent).toBe(sent.join("").length);
    },
  );

  test.each<[what: string, repeatsAnswers: boolean, told: string[]]>([
    ["reports each refusal to the error handler, too: it counts once", true, []],
    ["reports each refusal only to the sender: it counts, too", false, ["refusal"]],
  ])("a kernel that %s", async (_, repeatsAnswers, expected) => {
    for (const script of [["ECONNREFUSED"], ["sent", "ECONNREFUSED", "ECONNREFUSED"]] as const) {
      const { flush, told } = await benchOf(LINES, [new ScriptedSocket(script, true)], repeatsAnswers);
      flush();
      expect(told).toEqual(expected);
    }
  });

  test("what the socket did not take goes first when it drains, and nothing is sent twice", async () => {
    const socket = new ScriptedSocket(["sent", "full", "full"]);
    const { batch, flush } = await benchOf(LINES, [socket]);
    flush();
    append(batch, ["e:5|c"]);
    // As Bun does on `drain`.
    flush();
    expect(socket.sent).toEqual([...LINES, "e:5|c"]);
    flush();
    expect(socket.sent).toHaveLength(5);
  });

  test("each datagram is counted with its own bytes", async () => {
    const { flush, counters } = await benchOf(["a:1|c", "bb:22|c", "ccc:333|c"], [new ScriptedSocket([])]);
    flush();
    expect(counters).toMatchObject({ datagramsSent: 3, bytesSent: 5 + 7 + 9 });
  });

  test("drop drops what is pending, and counts it by lines", async () => {
    const socket = new ScriptedSocket(["sent", "full", "full"]);
    const { counters, batch, flush, drop } = await benchOf(LINES, [socket]);
    flush();
    drop();
    expect(batch.linesPending).toBe(0);
    expect(counters.linesDropped.send_buffer_full).toBe(3);
    flush();
    expect(socket.sent).toEqual(["a:1|c"]);
  });

  test("a dropped datagram of many lines counts for all of them", async () => {
    const { link, counters } = await benchOf([], [new ScriptedSocket(["EMSGSIZE", "EMSGSIZE", "EMSGSIZE"])]);
    const batch = new Batch(1432);
    const bytes = Buffer.from(LINES.join("\n"));
    batch.append(bytes, 0, bytes.length, LINES.length);
    link.flush(batch, counters);
    expect(counters.linesDropped.send_error).toBe(4);
    expect(counters.linesRelayed).toBe(0);
  });

  test("whatever the kernel does, nothing is sent twice, out of order, or lost overflow", async () => {
    const fate = fc.constantFrom<Fate>("sent", "sent", "sent", "full", "ECONNREFUSED", "EMSGSIZE", "ENETUNREACH");
    const scripts = fc.array(fate, { maxLength: 60 });
    const opens = fc.array(fc.option(scripts), { maxLength: 2 });
    const counts = fc.integer({ min: 1, max: 20 });
    const socket = fc.record({ name: fc.constantFrom(...kinds), throws: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(scripts, opens, counts, socket, fc.nat(3), async (first, more, count, kind, flushes) => {
        const lines = Array.from({ length: count }, (_, i) => `name${i}:${i}|c`);
        const sent: string[] = [];
        const socketOf = (script: readonly Fate[]) => new KINDS[kind.name](script, kind.throws, sent);
        const opened = [socketOf(first), ...more.map((script) => (script?.length ? socketOf(script) : "EMFILE"))];
        const { counters, batch, flush } = await benchOf(lines, opened);
        const expectAccounts = () => {
          expect(sent).toEqual(lines.filter((line) => sent.includes(line)));
          expect(counters.linesRelayed).toBe(sent.length);
          expect(counters.linesRelayed + counters.linesDropped.send_error + batch.linesPending).toBe(count);
          expect(batch.views().map((view) => view.toString("latin1"))).toEqual(lines.slice(count - batch.linesPending));
        };
        for (let i = 0; i <= flushes; i++) {
          flush();
          expectAccounts();
          if (i % 2 === 1) await new Promise((resolve) => setImmediate(resolve));
          expectAccounts();
        }
      }),
      { numRuns: 500 },
    );
  });
});

test.each<[what: string, script: Fate[], prevented: string | undefined, told: string[]]>([
  ["is sent", [], undefined, []],
  ["is refused, which is an answer", ["ECONNREFUSED", "ECONNREFUSED"], undefined, []],
  ["finds the socket full", ["full"], "the socket is full", []],
  ["finds no route", ["ENETUNREACH", "ENETUNREACH"], "ENETUNREACH", ["new ENETUNREACH"]],
])("a datagram without a line that %s", async (_, script, prevented, expected) => {
  const { link, told } = await benchOf([], [new ScriptedSocket(script)]);
  expect(link.sendEmptyLine()).toBe(prevented);
  expect(told).toEqual(expected);
});

describe("a link error reopens the socket", () => {
  const FAILS: Fate[] = ["ENETUNREACH", "ENETUNREACH", "ENETUNREACH"];
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

  test("at once, and what is pending is sent by the new one", async () => {
    const [old, fresh] = [new ScriptedSocket(["sent", ...FAILS]), new ScriptedSocket([])];
    const { batch, counters, flush, told } = await benchOf(LINES, [old, fresh]);
    flush();
    expect(batch.linesPending).toBe(3);
    // Nothing overtakes it.
    append(batch, ["e:5|c"]);
    flush();
    expect(batch.linesPending).toBe(4);
    await turn();
    expect(told).toEqual(["new ENETUNREACH", "ready"]);
    expect([old.sent, fresh.sent]).toEqual([["a:1|c"], [...LINES.slice(1), "e:5|c"]]);
    expect([old.closed, fresh.closed]).toEqual([1, 0]);
    expect(counters.linesRelayed).toBe(5);
  });

  test("recovery comes with the next send after a while without errors", async () => {
    const { batch, flush, told } = await benchOf(LINES, [new ScriptedSocket(FAILS), new ScriptedSocket([])]);
    const sendAt = sendingAt(batch, flush);
    sendAt(0);
    await turn();
    sendAt(RECOVERY_MS - 1);
    expect(told).toEqual(["new ENETUNREACH", "ready"]);
    sendAt(RECOVERY_MS);
    sendAt(RECOVERY_MS + 1);
    expect(told).toEqual(["new ENETUNREACH", "ready", "recovery"]);
  });

  test("recovery does not come with what was not sent", async () => {
    const fresh = new ScriptedSocket(["EMSGSIZE", "EMSGSIZE", "EMSGSIZE"]);
    const { batch, flush, told } = await benchOf([], [new ScriptedSocket(FAILS), fresh]);
    const sendAt = sendingAt(batch, flush);
    sendAt(0);
    await turn();
    expect(fresh.sent).toEqual([]);
    sendAt(RECOVERY_MS);
    expect(told).toEqual(["new ENETUNREACH", "ready"]);
    sendAt(2 * RECOVERY_MS);
    expect(told).toEqual(["new ENETUNREACH", "ready", "recovery"]);
  });

  test("at most once a second: what the new one does not send either is dropped and counted", async () => {
    const [old, fresh] = [new ScriptedSocket(FAILS), new ScriptedSocket([...FAILS, ...FAILS])];
    const { batch, counters, flush, told } = await benchOf(LINES, [old, fresh]);
    flush();
    await turn();
    expect(told).toEqual(["new ENETUNREACH", "ready", "ENETUNREACH", "ENETUNREACH"]);
    expect(fresh.sent).toEqual(LINES.slice(2));
    expect(counters.linesDropped.send_error).toBe(2);
    expect(batch.linesPending).toBe(0);
    expect(fresh.closed).toBe(0);
  });

  test("if there is no new one, the old one stays in use", async () => {
    const old = new ScriptedSocket([...FAILS, ...FAILS]);
    const { counters, flush, told } = await benchOf(LINES, [old, "EMFILE"]);
    flush();
    await turn();
    expect(told).toEqual(["new ENETUNREACH", "new EMFILE", "ready", "ENETUNREACH"]);
    expect(old.sent).toEqual(LINES.slice(1));
    expect(counters.linesDropped.send_error).toBe(1);
    expect(old.closed).toBe(0);
  });

  test("a link that is closed while reopening leaves nothing open", async () => {
    const [old, fresh] = [new ScriptedSocket(FAILS), new ScriptedSocket([])];
    const { batch, flush, drop, link, counters, told } = await benchOf(LINES, [old, fresh]);
    flush();
    drop();
    link.close();
    await turn();
    expect(old.closed).toBeGreaterThan(0);
    expect(fresh.closed).toBe(1);
    expect(told).toEqual(["new ENETUNREACH"]);
    expect(batch.linesPending).toBe(0);
    expect(counters.linesDropped.send_buffer_full).toBe(4);
  });

  test("but not when the link is closed", async () => {
    const [old, fresh] = [new ScriptedSocket([]), new ScriptedSocket([])];
    const { answer, link, told } = await benchOf([], [old, fresh]);
    link.close();
    answer(errorOf("EHOSTUNREACH"));
    await turn();
    expect(told).toEqual(["new EHOSTUNREACH"]);
    expect([old.closed, fresh.closed]).toEqual([1, 0]);
  });

  test("also one that answers an earlier datagram", async () => {
    const [old, fresh] = [new ScriptedSocket([]), new ScriptedSocket([])];
    const { answer, told } = await benchOf([], [old, fresh]);
    answer(errorOf("EHOSTUNREACH"));
    await turn();
    expect(told).toEqual(["new EHOSTUNREACH", "ready"]);
    expect(old.closed).toBe(1);
  });

  test("neither a refusal nor too large a datagram does, and a bug is not a refusal", async () => {
    const { answer, told } = await benchOf([], [new ScriptedSocket([]), new ScriptedSocket([])]);
    answer(errorOf("ECONNREFUSED"));
    answer(errorOf("EMSGSIZE"));
    await turn();
    expect(told).toEqual(["refusal"]);
    answer(new TypeError("undefined is not a function"));
    expect(told).toEqual(["refusal", "new TypeError"]);
    await turn();
  });
});

describe("a node's socket", () => {
  async function openLink(port: number, host = "127.0.0.1") {
    const counters = new NodeCounters();
    const batch = new Batch(0);
    let refusals = 0;
    const link = await UdpLink.open({
      network: bunNetwork,
      clock: systemClock,
      host,
      port,
      onRefusal: () => void refusals++,
      onError: () => void counters.sendErrors++,
      onRecovery: () => {},
      onReady: () => {},
    });
    onTestFinished(() => link.close());
    return { counters, batch, flush: () => link.flush(batch, counters), refusals: () => refusals };
  }

  test("a dead node does not affect the live ones", async () => {
    const living = [await Backend.open(), await Backend.open()];
    const dead = await openLink(await refusingPort());
    const links = [await openLink(living[0].port), dead, await openLink(living[1].port)];
    const rounds = 500;
    for (let round = 0; round < rounds; round++) {
      for (const { batch, flush } of links) {
        append(batch, [`round.${round}:1|c`]);
        flush();
      }
      // So that what comes back, or on, is read: the kernel's buffers are small.
      if (round % 50 === 0) await linesArrived([living[0]], round);
    }
    const expected = Array.from({ length: rounds }, (_, round) => `round.${round}:1|c`);
    for (const backend of living) {
      await linesArrived([backend], rounds);
      expect(backend.lines).toEqual(expected);
    }
    await until("refusals", () => dead.refusals() > 0);
    expect(dead.counters.linesRelayed + dead.counters.linesDropped.send_error + dead.batch.linesPending).toBe(rounds);
    expect(links.filter(({ refusals }) => refusals() > 0)).toEqual([dead]);
  });

  test("bursts of datagrams to a node that just died are each relayed or dropped, and all arrive once it is back", async () => {
    const backend = await Backend.open();
    const { batch, flush, counters } = await openLink(backend.port);
    const burst = () => {
      append(
        batch,
        Array.from({ length: 100 }, (_, i) => `line.${i}:1|c`),
      );
      flush();
    };
    backend.close();
    for (let round = 0; round < 5; round++) {
      burst();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(counters.linesRelayed + counters.linesDropped.send_error + batch.linesPending).toBe(500);
    await backend.listen();
    burst();
    await linesArrived([backend], 100);
    expect(backend.lines).toEqual(Array.from({ length: 100 }, (_, i) => `line.${i}:1|c`));
  });

  test.skipIf(!IPV6_HERE)("sends to an IPv6 address (skipped where there is no ::1)", async () => {
    const backend = await Backend.open({ host: "::1" });
    const { batch, flush } = await openLink(backend.port, "::1");
    append(batch, ["six:1|c"]);
    flush();
    expect(await linesArrived([backend], 1)).toEqual(["six:1|c"]);
  });

  test.each([1, 3, 10])("each refusal is counted once, of %d datagrams at once", async (count) => {
    const { batch, flush, counters, refusals } = await openLink(await refusingPort());
    for (let round = 0; round < 4; round++) {
      append(
        batch,
        Array.from({ length: count }, (_, i) => `line.${i}:1|c`),
      );
      flush();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until("an answer to each datagram", () => refusals() >= counters.datagramsSent);
    await new Promise((resolve) => setImmediate(resolve));
    expect(refusals()).toBe(counters.datagramsSent);
    expect(counters.sendErrors).toBe(0);
  });
});

/** Sends one more line, at a time. */
function sendingAt(batch: Batch, flush: () => void): (nowMs: number) => void {
  const clock = spyOn(performance, "now");
  onTestFinished(() => clock.mockRestore());
  return (nowMs) => {
    clock.mockReturnValue(nowMs);
    append(batch, ["e:5|c"]);
    flush();
  };
}
