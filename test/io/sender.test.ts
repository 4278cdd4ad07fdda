import { describe, expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { Batch } from "../../src/core/batch.ts";
import { NodeCounters } from "../../src/core/counters.ts";
import { openNodeSocket, Sender } from "../../src/io/sender.ts";
import { Backend, linesArrived } from "../support/backend.ts";
import { IPV6_HERE, refusingPort } from "../support/ports.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

/** What becomes of a datagram that is handed to the kernel. */
type Fate = "sent" | "full" | "ECONNREFUSED" | "EMSGSIZE";

/**
 * A socket as Bun's (1.4.5) over a kernel with a script: `sendMany` stops at the first datagram that is not taken, and
 * does not say why; `send` says it of one.
 */
class ScriptedSocket {
  readonly sent: string[] = [];
  private readonly script: Fate[];
  private readonly throwsFromSendMany: boolean;

  constructor(script: readonly Fate[], throwsFromSendMany = false) {
    this.script = [...script];
    this.throwsFromSendMany = throwsFromSendMany;
  }

  send(datagram: Buffer): boolean {
    const fate = this.take(datagram);
    if (fate === "ECONNREFUSED" || fate === "EMSGSIZE") throw Object.assign(new Error(fate), { code: fate });
    return fate === "sent";
  }

  sendMany(datagrams: Buffer[]): number {
    for (let i = 0; i < datagrams.length; i++) {
      const fate = this.take(datagrams[i]);
      if (fate === "sent") continue;
      if (i === 0 && this.throwsFromSendMany && fate !== "full") throw Object.assign(new Error(fate), { code: fate });
      return i;
    }
    return datagrams.length;
  }

  private take(datagram: Buffer): Fate {
    const fate = this.script.shift() ?? "sent";
    if (fate === "sent") this.sent.push(datagram.toString("latin1"));
    return fate;
  }
}

interface Sent {
  readonly socket: ScriptedSocket;
  readonly counters: NodeCounters;
  readonly batch: Batch;
  readonly sender: Sender;
}

/** A sender with `lines` in its batch, one in each datagram. */
function senderOf(lines: readonly string[], script: readonly Fate[], throwsFromSendMany = false): Sent {
  const [socket, counters, batch] = [new ScriptedSocket(script, throwsFromSendMany), new NodeCounters(), new Batch(0)];
  for (const line of lines) {
    const bytes = Buffer.from(line);
    expect(batch.append(bytes, 0, bytes.length, 1)).toBe(bytes.length);
  }
  // The sender asks for no more of a socket than these two.
  return {
    socket,
    counters,
    batch,
    sender: new Sender(socket as unknown as ConstructorParameters<typeof Sender>[0], batch, counters),
  };
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

  test.each(Object.keys(CASES))("%s", (what) => {
    const { script, sent, pending, dropped } = CASES[what];
    const { socket, counters, batch, sender } = senderOf(LINES, script);
    sender.flush();
    expect(socket.sent).toEqual(sent);
    expect(batch.linesPending).toBe(pending);
    expect(counters.linesDropped.send_error).toBe(dropped);
    expect(counters.linesRelayed).toBe(sent.length);
    expect(counters.datagramsSent).toBe(sent.length);
    expect(counters.bytesSent).toBe(sent.join("").length);
  });

  test("what the socket did not take goes first when it drains, and nothing twice", () => {
    const { socket, batch, sender } = senderOf(LINES, ["sent", "full", "full"]);
    sender.flush();
    const more = Buffer.from("e:5|c");
    batch.append(more, 0, more.length, 1);
    // As Bun does on `drain`.
    sender.flush();
    expect(socket.sent).toEqual([...LINES, "e:5|c"]);
    sender.flush();
    expect(socket.sent).toHaveLength(5);
  });

  test("drop gives up what waits, and counts it by lines", () => {
    const { counters, batch, sender, socket } = senderOf(LINES, ["sent", "full", "full"]);
    sender.flush();
    sender.drop();
    expect(batch.linesPending).toBe(0);
    expect(counters.linesDropped.send_buffer_full).toBe(3);
    sender.flush();
    expect(socket.sent).toEqual(["a:1|c"]);
  });

  test("a datagram of many lines that is given up counts for all of them", () => {
    const [socket, counters, batch] = [
      new ScriptedSocket(["EMSGSIZE", "EMSGSIZE", "EMSGSIZE"]),
      new NodeCounters(),
      new Batch(1432),
    ];
    const bytes = Buffer.from(LINES.join("\n"));
    batch.append(bytes, 0, bytes.length, LINES.length);
    new Sender(socket as unknown as ConstructorParameters<typeof Sender>[0], batch, counters).flush();
    expect(counters.linesDropped.send_error).toBe(4);
    expect(counters.linesRelayed).toBe(0);
  });

  test("whatever the kernel does, nothing is sent twice, out of order, or lost uncounted", () => {
    const fate = fc.constantFrom<Fate>("sent", "sent", "sent", "full", "ECONNREFUSED", "EMSGSIZE");
    const scripts = fc.array(fate, { maxLength: 60 });
    fc.assert(
      fc.property(
        scripts,
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        fc.nat({ max: 3 }),
        (script, count, throws, flushes) => {
          const lines = Array.from({ length: count }, (_, i) => `name${i}:${i}|c`);
          const { socket, counters, batch, sender } = senderOf(lines, script, throws);
          for (let i = 0; i <= flushes; i++) sender.flush();
          expect(socket.sent).toEqual(lines.filter((line) => socket.sent.includes(line)));
          expect(counters.linesRelayed).toBe(socket.sent.length);
          expect(counters.linesRelayed + counters.linesDropped.send_error + batch.linesPending).toBe(count);
          expect(batch.views().map((view) => view.toString("latin1"))).toEqual(lines.slice(count - batch.linesPending));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("a node's socket", () => {
  async function openSender(port: number) {
    const counters = new NodeCounters();
    const batch = new Batch(0);
    let refusals = 0;
    const socket = await openNodeSocket({
      host: "127.0.0.1",
      port,
      onRefusal: () => void refusals++,
      onDrain: () => {},
    });
    onTestFinished(() => socket.close());
    return { counters, batch, sender: new Sender(socket, batch, counters), refusals: () => refusals };
  }

  test("a dead node costs the living nothing", async () => {
    const living = [await Backend.open(), await Backend.open()];
    const dead = await openSender(await refusingPort());
    const senders = [await openSender(living[0].port), dead, await openSender(living[1].port)];
    const rounds = 500;
    for (let round = 0; round < rounds; round++) {
      for (const { batch, sender } of senders) {
        const line = Buffer.from(`round.${round}:1|c`);
        batch.append(line, 0, line.length, 1);
        sender.flush();
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
    expect(senders.filter(({ refusals }) => refusals() > 0)).toEqual([dead]);
  });

  test("bursts of datagrams to a node that just died are each relayed or dropped, and all arrive once it is back", async () => {
    const backend = await Backend.open();
    const { batch, sender, counters } = await openSender(backend.port);
    const burst = () => {
      for (let i = 0; i < 100; i++) {
        const line = Buffer.from(`line.${i}:1|c`);
        batch.append(line, 0, line.length, 1);
      }
      sender.flush();
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
    const socket = await openNodeSocket({ host: "::1", port: backend.port, onRefusal: () => {}, onDrain: () => {} });
    onTestFinished(() => socket.close());
    expect(socket.send("six:1|c")).toBe(true);
    expect(await linesArrived([backend], 1)).toEqual(["six:1|c"]);
  });
});
