import { describe, expect, test } from "bun:test";
import { type Answer, QUESTION_MS_MAX, Question, SystemTurns } from "../../src/net/question.ts";
import { ManualClock } from "../support/clocks.ts";
import { FakeNames } from "../support/nameServer.ts";

class Bench {
  readonly clock = new ManualClock();
  readonly service = new FakeNames();
  readonly answers: Answer[] = [];
  private readonly systemTurns = new SystemTurns();

  ask(host = "statsd.test", foundAs?: string): Question {
    const { clock, service, systemTurns } = this;
    return new Question({
      ...{ host, foundAs, clock, service, systemTurns },
      onAnswer: (answer) => void this.answers.push(answer),
    });
  }

  /** The answer after so long; undefined: there is none yet. */
  async answerAfter(ms: number): Promise<Omit<Answer, "foundAs"> | undefined> {
    await this.clock.elapse(ms);
    expect(this.answers.length).toBeLessThan(2);
    if (this.answers.length === 0) return undefined;
    const [{ foundAs: _, ...answer }] = this.answers;
    return answer;
  }
}

test("both families are asked for at once, and make one answer that leaves nothing behind", async () => {
  const bench = new Bench();
  bench.service.say("statsd.test", ["10.0.0.1", "::1", "10.0.0.2"]);
  bench.ask();
  expect(bench.answers).toEqual([]);
  expect(await bench.answerAfter(0)).toEqual({ ipv4: ["10.0.0.1", "10.0.0.2"], ipv6: ["::1"], failure: undefined });
  expect([bench.service.underWay, bench.clock.timersLeft]).toEqual([0, 0]);
  expect(bench.service.askedOfSystem).toEqual([]);
});

test("what /etc/hosts says is not asked for", async () => {
  const bench = new Bench();
  bench.service.hosts = "10.0.0.9 statsd.test\n";
  bench.service.say("statsd.test", ["10.0.0.1"]);
  bench.ask();
  expect(bench.answers).toEqual([]);
  expect(await bench.answerAfter(0)).toEqual({ ipv4: ["10.0.0.9"], ipv6: [], failure: undefined });
  expect(bench.service.asked).toEqual([]);
});

test("search domains are tried until one has addresses", async () => {
  const bench = new Bench();
  bench.service.resolvConf = "search a b c";
  bench.service.say("statsd.b", ["::2"]);
  bench.ask("statsd");
  expect(await bench.answerAfter(0)).toEqual({ ipv4: [], ipv6: ["::2"], failure: undefined });
  expect(bench.service.asked).toEqual(["statsd.a/4", "statsd.a/6", "statsd.b/4", "statsd.b/6"]);
});

test.each(["ESERVFAIL", "EREFUSED"])(
  "an error (%s) of the search domain that had addresses does not give the name to another",
  async (error) => {
    const bench = new Bench();
    bench.service.resolvConf = "search a b";
    bench.service.say("statsd.a", ["10.0.0.1"]);
    bench.service.say("statsd.b", ["10.9.9.9"]);
    bench.ask("statsd");
    await bench.clock.elapse(0);
    const [{ foundAs }] = bench.answers.splice(0);
    expect(foundAs).toBe("statsd.a");
    bench.service.say("statsd.a", { error });
    bench.ask("statsd", foundAs);
    const answer = await bench.answerAfter(0);
    expect([answer?.ipv4, answer?.ipv6]).toEqual([undefined, undefined]);
    expect(answer?.failure).toContain(error);
    // It is another's once the search domain says that it has none.
    bench.answers.length = 0;
    bench.service.say("statsd.a", []);
    bench.ask("statsd", foundAs);
    expect((await bench.answerAfter(0))?.ipv4).toEqual(["10.9.9.9"]);
  },
);

test("a name that nobody knows does not resolve, and the system was asked as well", async () => {
  const bench = new Bench();
  bench.ask();
  expect(await bench.answerAfter(0)).toEqual({ ipv4: [], ipv6: [], failure: "the name does not resolve (ENOTFOUND)" });
  expect(bench.service.askedOfSystem).toEqual(["statsd.test"]);
});

test("a name that only the system knows", async () => {
  const bench = new Bench();
  bench.service.say("printer.local", { error: "EREFUSED" });
  bench.service.saySystem("printer.local", ["10.0.0.3", "fd00::3"]);
  bench.ask("printer.local");
  expect(await bench.answerAfter(0)).toEqual({ ipv4: ["10.0.0.3"], ipv6: ["fd00::3"], failure: undefined });
});

describe("silence", () => {
  test("of the name server is the end of a question, in time, and a late answer counts for nothing", async () => {
    const bench = new Bench();
    bench.service.say("statsd.test", "silence");
    bench.ask();
    expect(await bench.answerAfter(4999)).toBeUndefined();
    const failure = "the name does not resolve: the name server does not answer (ETIMEOUT)";
    expect(await bench.answerAfter(1)).toEqual({ ipv4: undefined, ipv6: undefined, failure });
    expect(await bench.answerAfter(10 * QUESTION_MS_MAX)).toEqual({ ipv4: undefined, ipv6: undefined, failure });
    expect(bench.service.underWay).toBe(0);
  });

  test("of one family does not keep the other's addresses waiting for long", async () => {
    const bench = new Bench();
    bench.service.say("statsd.test", ["10.0.0.1"], 4);
    bench.service.say("statsd.test", "silence", 6);
    bench.ask();
    expect(await bench.answerAfter(999)).toBeUndefined();
    expect(await bench.answerAfter(1)).toEqual({ ipv4: ["10.0.0.1"], ipv6: undefined, failure: undefined });
  });

  test("of the system ends like that of a name server, and those who wait for their turn do not wait longer", async () => {
    const bench = new Bench();
    bench.service.saySystem("one.local", "silence");
    bench.service.saySystem("two.local", ["10.0.0.2"]);
    bench.ask("one.local");
    bench.ask("two.local");
    await bench.clock.elapse(QUESTION_MS_MAX);
    const failure = "the name does not resolve (ENOTFOUND)";
    expect(bench.answers).toEqual(new Array(2).fill({ ipv4: [], ipv6: [], failure }));
    expect(bench.service.askedOfSystem).toEqual(["one.local"]);
  });
});

test.each([
  ["ESERVFAIL", "the name does not resolve: the name server has failed (ESERVFAIL)"],
  ["ECONNREFUSED", "the name does not resolve: there is no name server at its address (ECONNREFUSED)"],
  ["EODD", "the name does not resolve (EODD)"],
])("%s is no answer, and no reason to think that there are no addresses", async (error, failure) => {
  const bench = new Bench();
  bench.service.say("statsd.test", { error });
  bench.ask();
  expect(await bench.answerAfter(0)).toEqual({ ipv4: undefined, ipv6: undefined, failure });
});

test("an error for one family leaves it open whether it has addresses", async () => {
  const bench = new Bench();
  bench.service.say("statsd.test", { error: "ESERVFAIL" }, 4);
  bench.service.say("statsd.test", ["::1"], 6);
  bench.ask();
  expect(await bench.answerAfter(0)).toEqual({ ipv4: undefined, ipv6: ["::1"], failure: undefined });
});

test("a cancelled question has no answer", async () => {
  const bench = new Bench();
  bench.service.say("statsd.test", ["10.0.0.1"]);
  bench.ask().cancel();
  expect(await bench.answerAfter(QUESTION_MS_MAX)).toBeUndefined();
  expect([bench.service.underWay, bench.clock.timersLeft]).toEqual([0, 0]);
});
