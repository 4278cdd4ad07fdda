import { describe, expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Checks, type ChecksParts } from "../../src/health/checks.ts";
import { RefusingHost } from "../../src/health/refusingHost.ts";
import { bunNetwork } from "../../src/net/bunNetwork.io.ts";
import { systemClock } from "../../src/system/clock.io.ts";
import { ManualClock, watchedClock } from "../support/clocks.ts";
import { FakeNetwork } from "../support/fakeNetwork.ts";
import { emptyFolder } from "../support/folder.ts";
import { MANNERS, ManagementPort, type Manners } from "../support/management.ts";
import { run } from "../support/process.ts";
import { boundPort, RAW_PORTS_WORK } from "../support/rawPort.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

/** So long that no check of a test comes because of it. */
const NEVER_MS = 3_600_000;
const HOST = "127.0.0.1";
const SRC = join(import.meta.dir, "..", "..", "src");

/** Checks of one node, which is up until `fall` of them have failed in a row. */
class Checked {
  readonly results: string[] = [];
  readonly skipped: string[] = [];
  readonly checks: Checks;
  isUp = true;
  private failures = 0;

  constructor(managementport: number, { fall = 2, ...parts }: Partial<ChecksParts> & { fall?: number } = {}) {
    this.checks = new Checks({
      host: HOST,
      port: 9,
      refusingHost: new RefusingHost("127.0.0.1"),
      check: { type: "statsd", port: managementport },
      sendEmptyLine: () => undefined,
      intervalMs: NEVER_MS,
      isUp: () => this.isUp,
      onCheck: (failure) => {
        this.results.push(failure ?? "up");
        this.failures = failure === undefined ? 0 : this.failures + 1;
        this.isUp = this.failures < fall;
      },
      onSkip: (reason) => this.skipped.push(reason),
      network: bunNetwork,
      clock: systemClock,
      ...parts,
    });
    onTestFinished(() => this.checks.stop());
    this.checks.start(0);
  }

  /** Waits until there are so many results. */
  async until(count: number): Promise<void> {
    await until(`${count} checks`, () => this.results.length >= count);
  }

  /** Brings another check. */
  async another(): Promise<void> {
    const { length } = this.results;
    await until("another check", () => {
      this.checks.refused();
      return this.results.length > length;
    });
  }
}

describe("a node is checked soon when there is a reason", () => {
  test("once, however many reasons there are", async () => {
    const management = new ManagementPort();
    const checked = new Checked(management.port);
    await checked.until(1);
    for (let i = 0; i < 1000; i++) checked.checks.refused();
    await checked.until(2);
    await Bun.sleep(0);
    expect(management.questions).toHaveLength(2);
  });

  test("also when the reason recurs in each turn of the event loop, for as long as it lasts", async () => {
    const checked = new Checked(new ManagementPort().port);
    await checked.until(1);
    // As on a busy proxy: a socket's event, and then a sleep before the loop goes on to the next.
    const again = () => socket.closed || socket.send("again", socket.port, HOST);
    const data = () => {
      checked.checks.refused();
      setImmediate(() => {
        Bun.sleepSync(10);
        again();
      });
    };
    const socket = await Bun.udpSocket({ hostname: HOST, socket: { data, error: () => {} } });
    onTestFinished(() => socket.close());
    again();
    await checked.until(4);
    expect(new Set(checked.results)).toEqual(new Set(["up"]));
  });

  test("also when the reason comes during a check", async () => {
    const management = new ManagementPort({ manners: MANNERS.silent });
    const checked = new Checked(management.port);
    await until("the question", () => management.questions.length === 1);
    checked.checks.refused();
    management.manners = MANNERS.up;
    for (const client of management.clients) client.write("health: up\n");
    await checked.until(2);
    expect(checked.results).toEqual(["up", "up"]);
  });

  test("by one timer: in a busy loop, one that is set anew each time never fires", async () => {
    const network = new FakeNetwork();
    const { clock, delays } = watchedClock();
    const { checks, results } = new Checked(1, { network, clock });
    await until("the first", () => network.tcp.length === 1);
    const [{ parts }] = network.tcp;
    parts.onConnect();
    parts.onBytes(Buffer.from("health: up\n"));
    expect(results).toEqual(["up"]);
    delays.length = 0;
    for (let i = 0; i < 1000; i++) checks.refused();
    expect(delays).toHaveLength(1);
  });

  test("and never with two requests in flight", async () => {
    const management = new ManagementPort({ manners: MANNERS.silent });
    const clock = new ManualClock();
    const checked = new Checked(management.port, { intervalMs: 10, clock });
    await until("the question", () => {
      clock.advance(1);
      return management.questions.length === 1;
    });
    for (let i = 0; i < 10; i++) {
      checked.checks.refused();
      clock.advance(5);
      await clock.settle();
    }
    expect(management.questions).toHaveLength(1);
  });
});

describe("a bug does not end the checks of a node", () => {
  function setUp(parts: Partial<ChecksParts>) {
    const [network, clock] = [new FakeNetwork(), new ManualClock()];
    const { checks } = new Checked(1, { network, clock, intervalMs: 1000, ...parts });
    return { network, clock, checks };
  }

  test("in what takes a result", () => {
    const { network, clock } = setUp({
      onCheck: () => {
        throw new Error("a bug");
      },
    });
    // A refusal brings the next one soon.
    for (let i = 0; i < 3; i++) {
      clock.advance(i === 0 ? 0 : 100);
      expect(network.tcp).toHaveLength(i + 1);
      expect(() => network.tcp[i].parts.onEnd("ETIMEDOUT")).toThrow("a bug");
    }
  });

  test("in what asks", () => {
    let asked = 0;
    const connectTcp = () => {
      asked++;
      throw new Error("a bug");
    };
    const { clock } = setUp({ network: { connectTcp } });
    for (const ms of [0, 1000, 1000]) expect(() => clock.advance(ms)).toThrow("a bug");
    expect(asked).toBe(3);
  });
});

test("at a shorter interval the answer under way may take no longer than that", () => {
  const [network, clock] = [new FakeNetwork(), new ManualClock()];
  const { checks, results } = new Checked(1, { network, clock, intervalMs: 3000 });
  clock.advance(0);
  checks.useInterval(1000, 0);
  clock.advance(999);
  expect(results).toEqual([]);
  clock.advance(1);
  expect(results).toEqual(["no answer in 1 s"]);
});

test("at another interval an answer may take another time", () => {
  const [network, clock] = [new FakeNetwork(), new ManualClock()];
  const { checks, results } = new Checked(1, { network, clock, intervalMs: 1000 });
  clock.advance(0);
  checks.useInterval(3000, 0);
  clock.advance(999);
  expect(results).toEqual([]);
  clock.advance(3001);
  expect(results).toEqual(["no answer in 1 s", "no answer in 3 s"]);
});

describe("in time", () => {
  test("a check takes at most five seconds, however long the interval", async () => {
    const management = new ManagementPort({ manners: MANNERS.silent });
    const { clock, delays } = watchedClock();
    new Checked(management.port, { clock });
    await until("the question", () => management.questions.length === 1);
    // That of the first check is due at once; the others are those of the check itself.
    const [, ...ofCheck] = delays;
    expect(new Set(ofCheck)).toEqual(new Set([5000]));
  });

  test("once stopped, nothing is checked any more, whatever the reason", () => {
    const [network, clock] = [new FakeNetwork(), new ManualClock()];
    const { checks, results } = new Checked(1, { network, clock, intervalMs: 100 });
    clock.advance(0);
    const [{ parts }] = network.tcp;
    parts.onConnect();
    parts.onBytes(Buffer.from("health: up\n"));
    expect(results).toEqual(["up"]);
    checks.stop();
    checks.refused();
    clock.advance(1000);
    expect(network.tcp.map(({ isDestroyed }) => isDestroyed)).toEqual([true]);
    expect(results).toEqual(["up"]);
  });
});

describe("a node that dies goes down at once, long before the next check is due", () => {
  const fall = 2;

  test("when it kept its connection", async () => {
    const management = new ManagementPort();
    const checked = new Checked(management.port, { fall });
    await checked.until(1);
    await checked.another();
    management.close();
    await until("out", () => !checked.isUp);
    expect(checked.results.slice(2)).toEqual([expect.any(String), "ECONNREFUSED"]);
  });

  test("when it had answered only once", async () => {
    const management = new ManagementPort();
    const checked = new Checked(management.port, { fall });
    await checked.until(1);
    management.close();
    await until("out", () => !checked.isUp);
    expect(checked.results).toEqual(["up", "ECONNREFUSED", "ECONNREFUSED"]);
  });

  test.skipIf(!RAW_PORTS_WORK)("when it was dead from the start (Linux only)", async () => {
    const checked = new Checked(boundPort(), { fall: 3 });
    await until("out", () => !checked.isUp);
    expect(checked.results).toEqual(["ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED"]);
  });

  test("and comes back at the interval", async () => {
    const management = new ManagementPort();
    const checked = new Checked(management.port, { fall, intervalMs: 50 });
    await checked.until(2);
    management.close();
    await until("out", () => !checked.isUp);
    management.listen();
    await until("back", () => checked.isUp);
  });
});

describe("a kept connection's end", () => {
  test("is one failed check, and the next follows at once and passes", async () => {
    const management = new ManagementPort();
    const checked = new Checked(management.port);
    await checked.until(1);
    checked.checks.refused();
    await checked.until(2);
    for (const client of management.clients) client.end();
    await checked.until(4);
    expect(checked.results).toEqual(["up", "up", "closed the connection", "up"]);
    expect(management.connections).toBe(2);
  });

  test.each<[what: string, manners: Manners]>([
    ["closes after each answer", MANNERS.closer],
    ["resets after each answer", (client) => sayAndReset(client)],
  ])("of one that %s is none: it is healthy, and is not asked more often", async (_, manners) => {
    const management = new ManagementPort({ manners });
    const checked = new Checked(management.port);
    // The second is the one that tells what sort it is.
    await checked.until(2);
    for (let i = 0; i < 5; i++) {
      await checked.another();
      await until("its end", () => management.clients.size === 0);
    }
    expect(new Set(checked.results)).toEqual(new Set(["up"]));
    await Bun.sleep(20);
    expect(management.questions.length).toBe(checked.results.length);
  });

  test("causes no storm, whatever kind the node is", async () => {
    let answers = 0;
    const checked = new Checked(
      new ManagementPort({ manners: (client) => (answers++ % 2 === 0 ? MANNERS.closer(client) : client.end()) }).port,
      { fall: 1000 },
    );
    const beganAtMs = performance.now();
    await checked.until(10);
    // One at once after each that passed, the others 100 ms after the one before.
    expect(performance.now() - beganAtMs).toBeGreaterThan(300);
  });
});

test.skipIf(!RAW_PORTS_WORK)("without a file descriptor checks are skipped, and none fails (Linux only)", async () => {
  const folder = emptyFolder();
  // Who answers has descriptors.
  const management = new ManagementPort({ manners: MANNERS.closer });
  const script = `
    import { closeSync, openSync } from "node:fs";
    import { Checks } from ${JSON.stringify(join(SRC, "health", "checks.ts"))};
    import { RefusingHost } from ${JSON.stringify(join(SRC, "health", "refusingHost.ts"))};
    import { bunNetwork } from ${JSON.stringify(join(SRC, "net", "bunNetwork.io.ts"))};
    import { systemClock } from ${JSON.stringify(join(SRC, "system", "clock.io.ts"))};
    const said = { passed: 0, failed: 0, skipped: 0 };
    const checks = new Checks({
      host: "127.0.0.1",
      port: 9,
      refusingHost: new RefusingHost("127.0.0.1"),
      check: { type: "statsd", port: ${management.port} },
      sendEmptyLine: () => undefined,
      intervalMs: 10,
      isUp: () => true,
      onCheck: (failure) => void said[failure === undefined ? "passed" : "failed"]++,
      onSkip: (reason) => void said[reason === "no file descriptor (EMFILE)" ? "skipped" : "failed"]++,
      network: bunNetwork,
      clock: systemClock,
    });
    const atLeast = async (what, count, act = () => {}) => {
      for (; said[what] < count; await Bun.sleep(5)) act();
    };
    checks.start(0);
    await atLeast("passed", 3);
    const held = [];
    // Again and again: a check that was under way gives its own back.
    const holdAll = () => { try { for (;;) held.push(openSync("/dev/null")); } catch {} };
    await atLeast("skipped", 10, holdAll);
    for (const fd of held) closeSync(fd);
    await atLeast("passed", 20);
    checks.stop();
    console.log("failed", said.failed);
    process.exit();`;
  writeFileSync(join(folder, "checks.ts"), script);
  const command = `ulimit -n 64; exec '${process.execPath}' checks.ts`;
  expect(await run(["sh", "-c", command], folder)).toEqual({ exitCode: 0, stdout: "failed 0\n", stderr: "" });
});

test("a node without a management port is never checked, even on request", () => {
  const checked = new Checked(0);
  checked.checks.refused();
  expect(checked.results).toEqual([]);
});

test("stopping ends every connection and every check, and nothing follows", async () => {
  const managements = Array.from({ length: 5 }, () => new ManagementPort());
  managements[4].manners = MANNERS.silent;
  let results = 0;
  const isUp = () => true;
  const checks = managements.map(({ port }) => {
    return new Checks({
      host: HOST,
      port: 9,
      refusingHost: new RefusingHost("127.0.0.1"),
      check: { type: "statsd", port },
      sendEmptyLine: () => undefined,
      intervalMs: 10,
      isUp,
      onCheck: () => results++,
      onSkip: () => {},
      network: bunNetwork,
      clock: systemClock,
    });
  });
  for (const ofNode of checks) ofNode.start(0);
  await until("questions", () => managements.every(({ questions }) => questions.length > 0));
  for (const ofNode of checks) ofNode.stop();
  const atStop = results;
  await until("no connection", () => managements.every(({ clients }) => clients.size === 0));
  for (const ofNode of checks) {
    ofNode.refused();
    ofNode.stop();
  }
  const connections = managements.map((management) => management.connections);
  await Bun.sleep(50);
  expect(results).toBe(atStop);
  expect(managements.map((management) => management.connections)).toEqual(connections);
});

function sayAndReset(client: Parameters<Manners>[0]): void {
  client.write("health: up\n");
  client.flush();
  setTimeout(() => client.terminate(), 5);
}
