import { heapStats } from "bun:jsc";
import { describe, expect, onTestFinished, setDefaultTimeout, spyOn, test } from "bun:test";
import { readdirSync } from "node:fs";
import type { CheckResult } from "../../src/health/checkPlan.ts";
import { protocolOf } from "../../src/health/checkProtocol.ts";
import { Probe, type ProbeParts } from "../../src/health/probe.ts";
import { bunNetwork } from "../../src/net/bunNetwork.io.ts";
import { systemClock } from "../../src/system/clock.io.ts";
import { ManualClock } from "../support/clocks.ts";
import { FakeNetwork } from "../support/fakeNetwork.ts";
import { MANNERS, ManagementPort, type Manners } from "../support/management.ts";
import { refusingPort } from "../support/ports.ts";
import { prefer } from "../support/priority.ts";
import { boundPort, fullPort, RAW_PORTS_WORK } from "../support/rawPort.ts";
import { waitedForProcessorMs } from "../support/stalls.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

/** Long, where the result comes by itself; short, where it is that nothing came. */
const LONG_MS = 20_000;
const SHORT_MS = 100;
/** Who waited for a processor for longer may have answered too late. */
const KEPT_MS = 10;

const HOST = "127.0.0.1";

type ProbeOptions = Partial<ProbeParts>;

/** A probe that keeps what it was told of connections that ended while nothing was asked. */
function openProbe(port: number, timeoutMs: number, parts: ProbeOptions = {}) {
  const ends: [reason: string, answers: number][] = [];
  const onEnd = (...end: [reason: string, answers: number]) => void ends.push(end);
  const probe = new Probe({
    ...{ host: HOST, port, timeoutMs, onEnd, clock: systemClock },
    protocol: protocolOf({ type: "statsd", port }, HOST),
    network: bunNetwork,
    ...parts,
  });
  onTestFinished(() => probe.close());
  return { probe, ends };
}

/** The result of one check in words: `up`, the failure, or why it was skipped. */
async function check(probe: Probe): Promise<string> {
  const results: CheckResult[] = [];
  probe.ask((result) => results.push(result));
  await until("a result", () => results.length > 0);
  // What else the connection has to say must not make a second result.
  await turn();
  expect(results).toHaveLength(1);
  const [result] = results;
  if (result.outcome === "passed") return "up";
  return result.outcome === "failed" ? `${result.sign}: ${result.reason}` : `skipped: ${result.reason}`;
}

/** One check of a port by a probe of its own. */
async function result(port: number, timeoutMs: number, parts: ProbeOptions = {}): Promise<string> {
  return await check(openProbe(port, timeoutMs, parts).probe);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A management port that answers so. */
function portOf(manners: Manners): number {
  return new ManagementPort({ manners }).port;
}

test.each<[what: string, manners: Manners, outcome: string]>([
  ["up", MANNERS.up, "up"],
  ["up without a line end, and then the end", (client) => void client.end("health: up"), "up"],
  ["up without a line end, and then a reset", (client) => resetLater(client, "health: up"), "up"],
  ["part of it, and then a reset", (client) => resetLater(client, "health: u"), "refusal: ECONNRESET"],
  ["up, and that it is not", (client) => endLater(client, "health: up", "-not\n"), "silence: answered health: up-not"],
  ["up in two segments", (client) => sayLater(client, "health: u", "p\n"), "up"],
  ["up in single bytes", MANNERS.bytewise, "up"],
  ["up, and then the end", MANNERS.closer, "up"],
  ["up behind a banner", MANNERS.behindBanner, "up"],
  ["up and more", MANNERS.chatty, "up"],
  ["up behind other text", (client) => void client.write(`${"x".repeat(1000)}\nhealth: up\n`), "up"],
  ["down", MANNERS.down, "silence: answered health: down"],
  ["down, and then the end", (client) => void client.end("health: down\n"), "silence: answered health: down"],
  ["garbage, and then the end", (client) => void client.end("\0\xff\r\n"), String.raw`silence: answered \x00\xc3\xbf`],
  ["too much", MANNERS.endless, "silence: answer too long"],
  ["the end", MANNERS.closing, "refusal: closed without an answer"],
  ["a reset", MANNERS.resetting, "refusal: ECONNRESET"],
])("a management port that answers %s", async (_, manners, outcome) => {
  expect(await result(portOf(manners), LONG_MS)).toBe(outcome);
});

test.each<[what: string, manners: Manners, outcome: string]>([
  ["says nothing", MANNERS.silent, "silence: no answer in 0.1 s"],
  ["says up without a line end, and no more", MANNERS.unended, "up"],
  ["says down without a line end, and no more", (client) => void client.write("down"), "silence: answered down"],
  ["says garbage and no more", MANNERS.garbage, "silence: answered HTTP/1.1 400 Bad Request"],
])("a management port that %s, until the time is up", async (_, manners, outcome) => {
  expect(await result(portOf(manners), SHORT_MS)).toBe(outcome);
});

test.skipIf(!RAW_PORTS_WORK)("a port that refuses (Linux only)", async () => {
  expect(await result(boundPort(), LONG_MS)).toBe("refusal: ECONNREFUSED");
});

test.skipIf(!RAW_PORTS_WORK)("a port that never connects (Linux only)", async () => {
  expect(await result(fullPort(), SHORT_MS)).toBe("silence: no answer in 0.1 s");
});

test("the request is the same as Etsy's", async () => {
  const management = new ManagementPort();
  expect(await result(management.port, LONG_MS)).toBe("up");
  expect(management.questions).toEqual(["health\r\n"]);
});

test("a check that is abandoned reports nothing, and its connection ends", async () => {
  const management = new ManagementPort({ manners: MANNERS.silent });
  const { probe } = openProbe(management.port, SHORT_MS);
  const results: unknown[] = [];
  probe.ask((result) => results.push(result));
  await until("the question", () => management.questions.length === 1);
  probe.close();
  await until("its end", () => management.clients.size === 0);
  probe.close();
  // One that came after it would have had its time by then.
  expect(await result(management.port, 2 * SHORT_MS)).toBe("silence: no answer in 0.2 s");
  expect(results).toEqual([]);
});

describe("a connection", () => {
  test.each([
    ["one that says up", MANNERS.up, "up"],
    ["one that says up in single bytes", MANNERS.bytewise, "up"],
    ["one that says down", MANNERS.down, "silence: answered health: down"],
  ])("is kept from check to check: %s", async (_, manners, outcome) => {
    const management = new ManagementPort({ manners });
    const { probe, ends } = openProbe(management.port, LONG_MS);
    for (let checks = 1; checks <= 20; checks++) {
      expect(await check(probe)).toBe(outcome);
      // The rest of an answer that came in pieces.
      await Bun.sleep(2);
    }
    expect(management.connections).toBe(1);
    expect(management.questions).toHaveLength(20);
    expect(ends).toEqual([]);
  });

  test.each<[what: string, manners: Manners]>([
    ["says more than it was asked", MANNERS.chatty],
    ["says more than it was asked, later", (client) => sayLater(client, "health: up\n", "health: up\n")],
  ])("to one that %s is not asked again: no failure, but a new one", async (_, manners) => {
    const management = new ManagementPort({ manners });
    const { probe, ends } = openProbe(management.port, LONG_MS);
    for (let checks = 1; checks <= 5; checks++) {
      expect(await check(probe)).toBe("up");
      await until("the end", () => management.clients.size === 0);
      expect(management.connections).toBe(checks);
    }
    expect(ends).toEqual([]);
  });

  test("whose answer comes after the timeout is not used again, and the answer is not taken for another", async () => {
    const management = new ManagementPort({ manners: MANNERS.silent });
    const { probe } = openProbe(management.port, SHORT_MS);
    expect(await check(probe)).toBe("silence: no answer in 0.1 s");
    for (const client of management.clients) client.write("health: up\n");
    expect(await check(probe)).toBe("silence: no answer in 0.1 s");
    expect(management.connections).toBe(2);
  });

  test("that ends while idle is reported once, with its number of answers", async () => {
    const management = new ManagementPort();
    const { probe, ends } = openProbe(management.port, LONG_MS);
    for (let checks = 0; checks < 3; checks++) expect(await check(probe)).toBe("up");
    for (const client of management.clients) client.end();
    await until("its end", () => ends.length > 0);
    expect(await check(probe)).toBe("up");
    for (const client of management.clients) client.terminate();
    await until("its end", () => ends.length > 1);
    await turn();
    expect(ends).toEqual([
      ["closed the connection", 3],
      ["ECONNRESET", 1],
    ]);
  });

  test("that ends after an answer in two pieces has answered once", async () => {
    const manners: Manners = (client) => {
      client.write("health: up");
      setTimeout(() => client.end("\n"), 20);
    };
    const { probe, ends } = openProbe(portOf(manners), LONG_MS);
    expect(await check(probe)).toBe("up");
    await until("its end", () => ends.length > 0);
    expect(ends).toEqual([["closed the connection", 1]]);
  });

  test("that was idle for a minute, long enough for a firewall to forget it, is not used again", async () => {
    const management = new ManagementPort();
    const { probe, ends } = openProbe(management.port, LONG_MS);
    const now = performance.now.bind(performance);
    let laterMs = 0;
    const clock = spyOn(performance, "now").mockImplementation(() => now() + laterMs);
    onTestFinished(() => clock.mockRestore());
    const connectionsAfter = async (ms: number) => {
      laterMs += ms;
      expect(await check(probe)).toBe("up");
      return management.connections;
    };
    expect([await connectionsAfter(0), await connectionsAfter(50_000)]).toEqual([1, 1]);
    expect([await connectionsAfter(61_000), await connectionsAfter(50_000)]).toEqual([2, 2]);
    expect(ends).toEqual([]);
  });

  test("that was kept and ends instead of an answer is a failure", async () => {
    const management = new ManagementPort();
    const { probe, ends } = openProbe(management.port, LONG_MS);
    for (let checks = 0; checks < 2; checks++) expect(await check(probe)).toBe("up");
    management.manners = MANNERS.resetting;
    expect(await check(probe)).toBe("end: ECONNRESET");
    management.manners = MANNERS.up;
    for (let checks = 0; checks < 2; checks++) expect(await check(probe)).toBe("up");
    management.manners = MANNERS.closing;
    expect(await check(probe)).toBe("end: closed without an answer");
    expect(ends).toEqual([]);
  });

  test("that ends at the second request, because the node closes late, is reopened for it", async () => {
    const management = new ManagementPort();
    const { probe, ends } = openProbe(management.port, LONG_MS);
    expect(await check(probe)).toBe("up");
    management.manners = (client) => (management.connections === 1 ? client.end() : MANNERS.up(client));
    expect(await check(probe)).toBe("up");
    expect(management.connections).toBe(2);
    expect(ends).toEqual([]);
  });

  test("that ends in the middle of its second answer is not", async () => {
    const management = new ManagementPort();
    const { probe } = openProbe(management.port, LONG_MS);
    expect(await check(probe)).toBe("up");
    management.manners = (client) => void client.end("health: ");
    expect(await check(probe)).toBe("silence: answered health:");
    expect(management.connections).toBe(1);
  });
});

describe("a late timer is not a late answer", () => {
  /** Answers from another process, so that it does so while this one's event loop stands. */
  async function elsewhere(delayMs: number): Promise<{ port: number; pid: number }> {
    const script = `
      const answer = (client) => setTimeout(() => client.write("health: up\\n"), ${delayMs});
      const socket = { data: answer, error: () => {} };
      console.log(Bun.listen({ hostname: "127.0.0.1", port: 0, socket }).port);`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
    onTestFinished(() => child.kill());
    prefer(child.pid);
    const { pid } = child;
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) return { port: Number(text), pid };
    throw new Error("no port");
  }

  /** Expects so many checks to pass, besides those in which the one that answers was kept from running. */
  async function allPass(count: number, pid: number, checked: () => Promise<string>): Promise<void> {
    for (let passed = 0; passed < count; ) {
      const beforeMs = waitedForProcessorMs(pid);
      const outcome = await checked();
      if (waitedForProcessorMs(pid) - beforeMs > KEPT_MS) continue;
      expect(outcome).toBe("up");
      passed++;
    }
  }

  test("an answer that arrived while the event loop was blocked counts, however long that was", async () => {
    const { port, pid } = await elsewhere(10);
    const { probe } = openProbe(port, 50);
    await allPass(20, pid, async () => {
      const answer = check(probe);
      // The timer is due when the loop goes on; at first the connection is there by then, and later the answer.
      Bun.sleepSync(150);
      return await answer;
    });
  });

  test("so does one to a proxy whose event loop runs only now and then", async () => {
    const { port, pid } = await elsewhere(0);
    const { probe } = openProbe(port, 30);
    let busy = true;
    const sleepOn = () => {
      Bun.sleepSync(60);
      if (busy) setImmediate(sleepOn);
    };
    sleepOn();
    await allPass(10, pid, () => check(probe));
    busy = false;
  });

  test("an answer while it looks once more counts, and the connection is kept", () => {
    const [network, manual] = [new FakeNetwork(), new ManualClock()];
    const looks: (() => void)[] = [];
    const clock = { ...manual, setImmediate: (look: () => void) => void looks.push(look) };
    const { probe } = openProbe(1, 1000, { network, clock });
    const results: CheckResult[] = [];
    probe.ask((result) => results.push(result));
    const [{ parts }] = network.tcp;
    parts.onConnect();
    manual.advance(1000);
    looks.shift()?.();
    expect(looks).toHaveLength(1);
    parts.onBytes(Buffer.from("health: up\n"));
    for (const look of looks) look();
    expect(results).toEqual([{ outcome: "passed" }]);
    expect(network.tcp[0].isDestroyed).toBe(false);
  });

  test("silence still fails", async () => {
    const { probe } = openProbe(portOf(MANNERS.silent), 50);
    const answer = check(probe);
    Bun.sleepSync(150);
    expect(await answer).toBe("silence: no answer in 0.05 s");
  });
});

describe("a lack of local resources is no failure of the node", () => {
  test.each([
    ["EMFILE", "no file descriptor (EMFILE)"],
    ["ENFILE", "no file descriptor (ENFILE)"],
    ["ENOBUFS", "no memory (ENOBUFS)"],
    ["ENOMEM", "no memory (ENOMEM)"],
    ["EADDRNOTAVAIL", "no local port (EADDRNOTAVAIL)"],
  ])("%s: it is skipped", (error, reason) => {
    const [network, clock] = [new FakeNetwork(), new ManualClock()];
    const { probe } = openProbe(1, LONG_MS, { network, clock });
    const results: CheckResult[] = [];
    probe.ask((result) => results.push(result));
    network.tcp[0].parts.onEnd(error);
    expect(results).toEqual([{ outcome: "skipped", reason }]);
  });
});

describe.skipIf(!RAW_PORTS_WORK)("2,000 checks leave nothing behind (Linux only)", () => {
  const CHECKS = 2000;
  const AT_ONCE = 20;

  test.each<[what: string, port: () => number, outcome: string]>([
    ["keeps its connections", () => portOf(MANNERS.up), "up"],
    ["closes after each answer", () => portOf(MANNERS.closer), "up"],
    ["says too much", () => portOf(MANNERS.chatty), "up"],
    ["ends before its line", () => portOf((client) => void client.end("up")), "up"],
    ["says down", () => portOf(MANNERS.down), "silence: answered health: down"],
    ["never ends", () => portOf(MANNERS.endless), "silence: answer too long"],
    ["resets", () => portOf(MANNERS.resetting), "refusal: ECONNRESET"],
    ["closes", () => portOf(MANNERS.closing), "refusal: closed without an answer"],
    ["refuses", () => boundPort(), "refusal: ECONNREFUSED"],
    ["says nothing", () => portOf(MANNERS.silent), "silence: no answer in 0.001 s"],
    ["never connects", () => fullPort(), "silence: no answer in 0.001 s"],
  ])("of one that %s", async (_, open, outcome) => {
    const port = open();
    const timeoutMs = outcome.endsWith("no answer in 0.001 s") ? 1 : LONG_MS;
    await turn();
    const before = descriptors();
    const timersBefore = timers();
    const probes = Array.from({ length: AT_ONCE }, () => openProbe(port, timeoutMs).probe);
    const outcomes = new Set<string>();
    const manyChecks = async (probe: Probe) => {
      for (let checks = 0; checks < CHECKS / AT_ONCE; checks++) {
        outcomes.add(
          await new Promise<string>((resolve) =>
            probe.ask((result) => {
              if (result.outcome === "passed") resolve("up");
              else resolve(result.outcome === "failed" ? `${result.sign}: ${result.reason}` : result.outcome);
            }),
          ),
        );
        // So that an answer's rest comes before the next question, and an end before it, too.
        await turn();
        await turn();
      }
    };
    await Promise.all(probes.map(manyChecks));
    expect([...outcomes]).toEqual([outcome]);
    for (const probe of probes) probe.close();
    await until("as many descriptors as before", () => descriptors() <= before);
    // One that each check left would be 2,000, and gone when its time is up; some may wait for the garbage collector.
    await until("hardly more timers than before", () => timers() < timersBefore + CHECKS / 20, LONG_MS / 4);
  });

  function timers(): number {
    Bun.gc(true);
    return heapStats().objectTypeCounts.Timeout ?? 0;
  }

  function descriptors(): number {
    return readdirSync("/proc/self/fd").length;
  }
});

/** Writes the second text when the first has been read. */
function resetLater(client: Parameters<Manners>[0], text: string): void {
  client.write(text);
  setTimeout(() => client.terminate(), 20);
}

function endLater(
  client: { write(text: string): unknown; end(text: string): unknown },
  first: string,
  last: string,
): void {
  client.write(first);
  setTimeout(() => client.end(last), 20);
}

function sayLater(client: { write(text: string): unknown }, first: string, second: string): void {
  client.write(first);
  setTimeout(() => client.write(second), 20);
}

test("what is left of an answer that was decided by its beginning is not taken for the next one", () => {
  const [network, clock] = [new FakeNetwork(), new ManualClock()];
  const { probe } = openProbe(1, LONG_MS, { network, clock });
  const results: CheckResult[] = [];
  const ask = () => probe.ask((result) => results.push(result));
  ask();
  const [first] = network.tcp;
  first.parts.onConnect();
  first.parts.onBytes(Buffer.from("health: up, since it was last "));
  ask();
  first.parts.onBytes(Buffer.from("\ndown\n"));
  expect(results).toEqual([{ outcome: "passed" }]);
  const [, second] = network.tcp;
  second.parts.onConnect();
  second.parts.onBytes(Buffer.from("health: up\n"));
  expect(results).toEqual([{ outcome: "passed" }, { outcome: "passed" }]);
});

test("a connection whose time is up is closed at once: its end would be another failure", () => {
  const [network, clock] = [new FakeNetwork(), new ManualClock()];
  const { probe } = openProbe(1, LONG_MS, { network, clock });
  const results: CheckResult[] = [];
  probe.ask((result) => results.push(result));
  const [connection] = network.tcp;
  connection.parts.onConnect();
  clock.advance(LONG_MS);
  expect(results).toEqual([{ outcome: "failed", reason: "no answer in 20 s", sign: "silence" }]);
  expect(connection.isDestroyed).toBe(true);
});

test("input between two checks closes the connection, even if it looks like an answer", () => {
  const [network, clock] = [new FakeNetwork(), new ManualClock()];
  const { probe } = openProbe(1, LONG_MS, { network, clock });
  const results: CheckResult[] = [];
  probe.ask((result) => results.push(result));
  const [connection] = network.tcp;
  connection.parts.onConnect();
  connection.parts.onBytes(Buffer.from("health: down\n"));
  expect([results.length, connection.isDestroyed]).toEqual([1, false]);
  connection.parts.onBytes(Buffer.from("up\n"));
  expect([results.length, connection.isDestroyed]).toEqual([1, true]);
});

describe("a check over HTTP", () => {
  const answerOf = async (answer: string | Response, parts: { path?: string; expect?: string } = {}) => {
    const requests: string[] = [];
    const manners: Manners = (client) => void client.end(answer as string);
    const server =
      typeof answer === "string"
        ? undefined
        : Bun.serve({
            hostname: HOST,
            port: 0,
            fetch: (request) => {
              requests.push(`${request.method} ${new URL(request.url).pathname} ${request.headers.get("host")}`);
              return answer;
            },
          });
    onTestFinished(() => void server?.stop(true));
    const port = server?.port ?? portOf(manners);
    const protocol = protocolOf({ type: "http", port, ...parts }, HOST);
    return { outcome: await result(port, LONG_MS, { protocol }), requests, port };
  };

  test("asks for its path, and is content with what answers", async () => {
    const { outcome, requests, port } = await answerOf(new Response("fine"), { path: "/health?a=1" });
    expect(outcome).toBe("up");
    expect(requests).toEqual([`GET /health ${HOST}:${port}`]);
  });

  test.each<[answer: string | Response, expect: string | undefined, outcome: string]>([
    ["HTTP/1.1 200 OK\r\n\r\n", undefined, "up"],
    ["HTTP/1.0 204\r\n\r\n", undefined, "up"],
    ["HTTP/1.1 302 Found\nLocation: /\n\n", undefined, "up"],
    ["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", undefined, "up"],
    ["HTTP/1.1 503 Service Unavailable\r\n\r\nup", undefined, "silence: answered 503 Service Unavailable"],
    ["HTTP/1.1 404 Not\x1bFound\r\n\r\n", undefined, String.raw`silence: answered 404 Not\x1bFound`],
    ["HTTP/1.1 100 Continue\r\n\r\n", undefined, "silence: answered HTTP/1.1 100 Continue"],
    ["health: up\n", undefined, "silence: the answer is not HTTP"],
    ["HTTP/1.1 2", undefined, "silence: answered HTTP/1.1 2"],
    ["HTTP/1.1 200 OK\r\n\r\nall is well", "is well", "up"],
    [
      "HTTP/1.1 200 is well\r\nX: is well\r\n\r\nno",
      "is well",
      'silence: answered HTTP/1.1 200 is well without "is well"',
    ],
    [new Response("x".repeat(50_000).concat("is well")), "is well", "up"],
  ])("makes of %j, expecting %j: %s", async (answer, expect_, outcome) => {
    const parts = expect_ === undefined ? {} : { expect: expect_ };
    expect((await answerOf(answer, parts)).outcome).toBe(outcome);
  });

  test.each<[what: string, answer: string, expect: string | undefined, outcome: string]>([
    ["a status", `HTTP/1.1 ${"2".repeat(70_000)}`, undefined, "silence: answer too long"],
    ["interim answers", "HTTP/1.1 100 Continue\r\n\r\n".repeat(3000), undefined, "silence: answer too long"],
    ["a body", `HTTP/1.1 200 OK\r\n\r\n${" ".repeat(70_000)}`, "well", 'silence: answered 200 OK without "well"'],
  ])("does not read %s to the end, whatever its length", async (_, answer, expected, outcome) => {
    const parts = expected === undefined ? {} : { expect: expected };
    expect((await answerOf(answer, parts)).outcome).toBe(outcome);
  });

  test("does not wait for ever for a peer that trickles", async () => {
    const port = portOf((client) => {
      const timer = setInterval(() => client.write("H"), 10);
      onTestFinished(() => clearInterval(timer));
    });
    const protocol = protocolOf({ type: "http", port }, HOST);
    expect(await result(port, LONG_MS, { protocol })).toBe("silence: the answer is not HTTP");
  });
});

describe("a check that a port is open", () => {
  const tcp = (port: number) => ({ protocol: protocolOf({ type: "tcp", port }, HOST) });

  test("passes when the connection is accepted, says nothing, and keeps nothing open", async () => {
    const management = new ManagementPort();
    const { probe } = openProbe(management.port, LONG_MS, tcp(management.port));
    for (let i = 1; i <= 3; i++) {
      expect(await check(probe)).toBe("up");
      await until("its end", () => management.connections === i && management.clients.size === 0);
    }
    expect(management.questions).toEqual([]);
  });

  test("fails when it is refused", async () => {
    const port = await refusingPort();
    expect(await result(port, LONG_MS, tcp(port))).toBe("refusal: ECONNREFUSED");
  });
});

test("a statsd is up when it says what is expected of it", async () => {
  const port = portOf((client) => void client.write("status: green\n"));
  const expecting = (expect: string) => ({ protocol: protocolOf({ type: "statsd", port, expect }, HOST) });
  expect(await result(port, LONG_MS, expecting("green"))).toBe("up");
  expect(await result(port, SHORT_MS, expecting("up"))).toBe("silence: answered status: green");
});

test("the rest of an answer may take as long as its beginning, and no longer", () => {
  for (const [restAfterMs, outcome] of [
    [900, "passed"],
    [1100, "failed"],
  ] as const) {
    const [network, clock] = [new FakeNetwork(), new ManualClock()];
    const { probe } = openProbe(8126, 1000, { network, clock });
    const results: CheckResult[] = [];
    probe.ask((result) => results.push(result));
    const [connection] = network.tcp;
    connection.parts.onConnect();
    clock.advance(900);
    connection.parts.onBytes(Buffer.from("health: "));
    clock.advance(restAfterMs);
    connection.parts.onBytes(Buffer.from("up\n"));
    expect(results.map((result) => result.outcome)).toEqual([outcome]);
  }
});
