import { describe, expect, test } from "bun:test";
import { QUESTION_MS_MAX } from "../../src/net/question.ts";
import { ADDRESSES_MAX, ASK_AGAIN_MS, QUESTIONS_MAX, Resolver, WAIT_MS } from "../../src/net/resolver.ts";
import { ManualClock } from "../support/clocks.ts";
import { KeptLog } from "../support/logs.ts";
import { FakeNames, type Said } from "../support/nameServer.ts";

const INTERVAL_MS = 30_000;
const NAME = "statsd.test";

class Bench {
  readonly clock = new ManualClock();
  readonly service = new FakeNames();
  readonly log = new KeptLog();
  /** Names that were answered for, with a mark if that changed something. */
  readonly answers: string[] = [];
  readonly resolver: Resolver;

  constructor() {
    const { clock, service, log } = this;
    this.resolver = new Resolver({
      ...{ service, clock, log },
      onAnswer: (host, hasChanged) => void this.answers.push(hasChanged ? `${host} changed` : host),
    });
  }

  /** With names in use. */
  static async of(said: Readonly<Record<string, Said>>, intervalMs = INTERVAL_MS): Promise<Bench> {
    const bench = new Bench();
    for (const [name, addresses] of Object.entries(said)) bench.service.say(name, addresses);
    await bench.use(Object.keys(said), intervalMs);
    return bench;
  }

  async use(hosts: readonly string[], intervalMs = INTERVAL_MS): Promise<void> {
    let isReady = false;
    const ready = this.resolver.prepare(hosts).then(() => {
      isReady = true;
    });
    await this.clock.settle();
    if (!isReady) await this.clock.elapse(WAIT_MS);
    await ready;
    this.resolver.use(hosts, intervalMs);
  }

  addresses(host = NAME): readonly string[] {
    return this.resolver.resolutionOf(host).addresses;
  }

  /** Questions to name servers so far, of both families as one. */
  get questions(): number {
    return this.service.asked.length / 2;
  }
}

describe("an address", () => {
  test("is never asked for, and is its own", async () => {
    const bench = new Bench();
    await bench.use(["127.0.0.1", "::1", "::ffff:10.0.0.1"]);
    await bench.clock.elapse(10 * INTERVAL_MS);
    expect(bench.questions).toBe(0);
    expect(["127.0.0.1", "::1", "::ffff:10.0.0.1"].map((host) => bench.addresses(host))).toEqual([
      ["127.0.0.1"],
      ["::1"],
      ["10.0.0.1"],
    ]);
    expect(bench.clock.timersLeft).toBe(0);
  });
});

describe("a name", () => {
  test("is asked for once in each interval, and what has changed is told", async () => {
    const bench = await Bench.of({ [NAME]: ["10.0.0.2", "10.0.0.1", "::1"] });
    expect(bench.addresses()).toEqual(["10.0.0.1", "10.0.0.2", "::1"]);
    expect(bench.questions).toBe(1);
    await bench.clock.elapse(INTERVAL_MS);
    expect(bench.questions).toBe(2);
    bench.service.say(NAME, ["10.0.0.1", "::1", "10.0.0.2"]);
    await bench.clock.elapse(INTERVAL_MS);
    expect(bench.answers).toEqual([NAME, NAME]);
    bench.service.say(NAME, ["10.0.0.3"]);
    await bench.clock.elapse(INTERVAL_MS);
    expect(bench.answers.at(-1)).toBe(`${NAME} changed`);
    expect(bench.addresses()).toEqual(["10.0.0.3"]);
    expect(bench.log.take()).toEqual([]);
  });

  test("many take turns over the interval", async () => {
    const names = Array.from({ length: 10 }, (_, i) => `n${i}.test`);
    const bench = await Bench.of(Object.fromEntries(names.map((name) => [name, ["10.0.0.1"]])));
    for (let turn = 1; turn <= 30; turn++) {
      await bench.clock.elapse(INTERVAL_MS / 10);
      expect(bench.questions).toBe(10 + turn);
    }
    expect(bench.service.underWayMax).toBe(QUESTIONS_MAX);
  });

  test("has one question under way, and no more than a few names have one", async () => {
    const names = Array.from({ length: 3 * QUESTIONS_MAX }, (_, i) => `n${i}.test`);
    const bench = await Bench.of(Object.fromEntries(names.map((name) => [name, "silence"])), 1000);
    await bench.clock.elapse(10 * QUESTION_MS_MAX);
    expect(bench.service.underWayMax).toBe(8);
    for (const name of names) expect(bench.service.asked.filter((asked) => asked === `${name}/4`)).not.toEqual([]);
  });

  test("beside silent ones is answered for, in its turn", async () => {
    const silent = Array.from({ length: QUESTIONS_MAX }, (_, i) => [`n${i}.test`, "silence"] as const);
    const bench = await Bench.of(Object.fromEntries([...silent, [NAME, ["10.0.0.1"]]]));
    expect(bench.addresses()).toEqual([]);
    await bench.clock.elapse(QUESTION_MS_MAX - WAIT_MS);
    expect(bench.addresses()).toEqual(["10.0.0.1"]);
    expect(bench.answers).toContain(`${NAME} changed`);
  });

  test("that is no longer used leaves its turn to another, also while it is asked for", async () => {
    const silent = Array.from({ length: QUESTIONS_MAX }, (_, i) => [`n${i}.test`, "silence"] as const);
    const bench = await Bench.of(Object.fromEntries(silent));
    expect(bench.service.underWay).toBe(QUESTIONS_MAX);
    bench.service.say(NAME, ["10.0.0.1"]);
    bench.resolver.use([NAME], INTERVAL_MS);
    await bench.clock.elapse(INTERVAL_MS);
    expect(bench.addresses()).toEqual(["10.0.0.1"]);
  });

  test("that is no longer used is not asked for any more", async () => {
    const bench = await Bench.of({ [NAME]: ["10.0.0.1"], "other.test": "silence" });
    await bench.use([]);
    const { questions } = bench;
    await bench.clock.elapse(10 * INTERVAL_MS);
    expect([bench.questions, bench.clock.timersLeft, bench.service.underWay]).toEqual([questions, 0, 0]);
  });

  test("that is in the next configuration as well keeps its turn, and its answer without a wait", async () => {
    const bench = await Bench.of({ [NAME]: ["10.0.0.1"] });
    await bench.clock.elapse(INTERVAL_MS / 2);
    bench.service.say(NAME, "silence");
    await bench.use([NAME, "127.0.0.1"]);
    expect(bench.addresses()).toEqual(["10.0.0.1"]);
    expect(bench.questions).toBe(1);
    await bench.clock.elapse(INTERVAL_MS / 2);
    expect(bench.questions).toBe(2);
  });

  test("another interval counts from now", async () => {
    const bench = await Bench.of({ [NAME]: ["10.0.0.1"] });
    await bench.use([NAME], 1000);
    await bench.clock.elapse(3000);
    expect(bench.questions).toBe(4);
  });
});

describe("a name without an answer", () => {
  test("keeps nobody waiting for long, and is told", async () => {
    const bench = await Bench.of({ [NAME]: "silence" });
    expect(bench.clock.nowMs()).toBe(WAIT_MS);
    expect(bench.resolver.resolutionOf(NAME)).toEqual({
      addresses: [],
      isGone: false,
      failure: "the name does not resolve: no answer from the name server yet",
    });
    await bench.clock.elapse(QUESTION_MS_MAX);
    const failure = "the name does not resolve: the name server does not answer (ETIMEOUT)";
    expect(bench.resolver.resolutionOf(NAME).failure).toBe(failure);
    expect(bench.log.take()).toEqual([
      `level=warn event=name_unresolved host=${NAME} reason="${failure}" addresses_kept=0`,
    ]);
  });

  test("is asked for again soon, and told when it resolves", async () => {
    const bench = await Bench.of({ [NAME]: [] });
    bench.log.take();
    await bench.clock.elapse(ASK_AGAIN_MS);
    expect(bench.questions).toBe(2);
    bench.service.say(NAME, ["10.0.0.1"]);
    await bench.clock.elapse(ASK_AGAIN_MS);
    expect(bench.answers).toEqual([NAME, `${NAME} changed`]);
    expect(bench.log.take()).toEqual([`level=info event=name_resolved host=${NAME} addresses=1`]);
  });

  test.each<[string, Said]>([
    ["an empty one", []],
    ["an error", { error: "ESERVFAIL" }],
    ["silence", "silence"],
    ["addresses that are nobody's", ["0.0.0.0", "::", "fe80::1"]],
  ])("keeps the last good ones: %s", async (_, said) => {
    const bench = await Bench.of({ [NAME]: ["10.0.0.1", "::1"] });
    bench.service.say(NAME, said);
    await bench.clock.elapse(INTERVAL_MS + QUESTION_MS_MAX);
    expect(bench.addresses()).toEqual(["10.0.0.1", "::1"]);
    expect(bench.answers).toEqual([NAME]);
    expect(bench.log.take()).toEqual([expect.stringMatching(/^level=warn event=name_unresolved .* addresses_kept=2$/)]);
    await bench.clock.elapse(20 * INTERVAL_MS);
    expect(bench.addresses()).toEqual(["10.0.0.1", "::1"]);
    expect(bench.log.take()).toEqual([]);
  });
});

describe("a family without an answer stays as it was", () => {
  test.each<Said>([{ error: "ESERVFAIL" }, "silence"])("%j", async (said) => {
    const bench = await Bench.of({ [NAME]: ["10.0.0.1", "::1", "::2"] });
    bench.service.say(NAME, said, 6);
    bench.service.say(NAME, ["10.0.0.2"], 4);
    await bench.clock.elapse(INTERVAL_MS + QUESTION_MS_MAX);
    expect(bench.addresses()).toEqual(["10.0.0.2", "::1", "::2"]);
    bench.service.say(NAME, [], 6);
    await bench.clock.elapse(INTERVAL_MS);
    expect(bench.addresses()).toEqual(["10.0.0.2"]);
  });
});

describe("a name is gone", () => {
  const isGone = (bench: Bench) => bench.resolver.resolutionOf(NAME).isGone;

  test("when two answers in a row agree", async () => {
    const bench = await Bench.of({ [NAME]: ["10.0.0.1"] });
    bench.service.say(NAME, []);
    await bench.clock.elapse(INTERVAL_MS);
    expect([isGone(bench), bench.answers]).toEqual([false, [NAME]]);
    await bench.clock.elapse(INTERVAL_MS);
    expect([isGone(bench), bench.answers]).toEqual([true, [NAME, `${NAME} changed`]]);
    bench.service.say(NAME, ["10.0.0.1"]);
    await bench.clock.elapse(INTERVAL_MS);
    expect([isGone(bench), bench.answers.at(-1)]).toEqual([false, `${NAME} changed`]);
  });

  test("not when the second has addresses, or is none", async () => {
    const bench = await Bench.of({ [NAME]: ["10.0.0.1"] });
    for (const said of [[], ["10.0.0.1"], [], { error: "ESERVFAIL" }, "silence"] as const) {
      bench.service.say(NAME, said);
      await bench.clock.elapse(INTERVAL_MS);
      expect(isGone(bench)).toBe(false);
    }
    await bench.clock.elapse(QUESTION_MS_MAX);
    bench.service.say(NAME, []);
    await bench.clock.elapse(INTERVAL_MS);
    expect(isGone(bench)).toBe(true);
  });

  test("not when a family that it had was not answered for", async () => {
    const bench = await Bench.of({ [NAME]: ["::1"] });
    bench.service.say(NAME, [], 4);
    bench.service.say(NAME, { error: "ESERVFAIL" }, 6);
    await bench.clock.elapse(5 * INTERVAL_MS);
    expect([isGone(bench), bench.addresses()]).toEqual([false, ["::1"]]);
  });

  test("even if the other family never is", async () => {
    const bench = await Bench.of({ [NAME]: ["10.0.0.1"] });
    bench.service.say(NAME, [], 4);
    bench.service.say(NAME, { error: "ESERVFAIL" }, 6);
    await bench.clock.elapse(2 * INTERVAL_MS);
    expect(isGone(bench)).toBe(true);
  });
});

test("of too many addresses the lowest are used, whatever their order, and that is told once", async () => {
  const all = Array.from({ length: ADDRESSES_MAX + 100 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  const bench = await Bench.of({ [NAME]: all.toReversed() });
  expect(bench.addresses()).toEqual(all.slice(0, ADDRESSES_MAX));
  await bench.clock.elapse(3 * INTERVAL_MS);
  const cut = `level=warn event=addresses_cut host=${NAME} addresses=${all.length} used=${ADDRESSES_MAX}`;
  expect(bench.log.take()).toEqual([cut]);
});

describe("after a failed check a name", () => {
  test("is asked for at once, if that is not too soon after the last time", async () => {
    const bench = await Bench.of({ [NAME]: ["10.0.0.1"] });
    await bench.clock.elapse(ASK_AGAIN_MS);
    bench.resolver.askSoon(NAME);
    await bench.clock.elapse(0);
    expect(bench.questions).toBe(2);
  });

  test("is asked for no more often than that, however many fail", async () => {
    const bench = await Bench.of({ [NAME]: ["10.0.0.1"] });
    for (let ms = 0; ms < 10 * ASK_AGAIN_MS; ms += 100) {
      bench.resolver.askSoon(NAME);
      await bench.clock.elapse(100);
    }
    expect(bench.questions).toBe(1 + 10);
  });

  test("is not asked for later than it would have been", async () => {
    const bench = await Bench.of({ [NAME]: ["10.0.0.1"] });
    await bench.clock.elapse(INTERVAL_MS - 1);
    bench.resolver.askSoon(NAME);
    await bench.clock.elapse(1);
    expect(bench.questions).toBe(2);
  });

  test("that is none of its own is not asked for", async () => {
    const bench = await Bench.of({});
    bench.resolver.askSoon(NAME);
    await bench.clock.elapse(INTERVAL_MS);
    expect(bench.questions).toBe(0);
  });
});

test("flapping answers change something once in an interval, and nothing grows", async () => {
  const bench = await Bench.of({ [NAME]: ["10.0.0.1"] });
  for (let i = 0; i < 100; i++) {
    bench.service.say(NAME, [i % 2 === 0 ? "10.0.0.2" : "10.0.0.1"]);
    await bench.clock.elapse(INTERVAL_MS);
  }
  expect(bench.answers).toHaveLength(100);
  expect([bench.clock.timersLeft, bench.service.underWay]).toEqual([1, 0]);
});

test("names of a change that was abandoned are forgotten, and asked for again when they come back", async () => {
  const bench = await Bench.of({ [NAME]: ["10.0.0.1"], "other.test": ["10.0.0.2"] });
  await bench.use([NAME]);
  bench.service.say("new.test", ["10.0.0.3"]);
  await bench.resolver.prepare([NAME, "new.test"]);
  await bench.clock.elapse(3 * INTERVAL_MS);
  expect(bench.service.asked.filter((asked) => asked === "new.test/4")).toHaveLength(1);
  bench.service.say("new.test", ["10.0.0.4"]);
  await bench.use([NAME, "new.test"]);
  expect(bench.addresses("new.test")).toEqual(["10.0.0.4"]);
});

test("when it is closed nothing is asked, and nobody waits", async () => {
  const bench = new Bench();
  bench.service.say(NAME, "silence");
  const ready = bench.resolver.prepare([NAME]);
  await bench.clock.settle();
  bench.resolver.close();
  await ready;
  expect([bench.clock.timersLeft, bench.service.underWay]).toEqual([0, 0]);
});

test("of names that a change brings it is told once the change is made, and not when it is abandoned", async () => {
  const bench = new Bench();
  await bench.resolver.prepare([NAME]);
  expect(bench.log.take()).toEqual([]);
  bench.resolver.use([NAME], INTERVAL_MS);
  expect(bench.log.take()).toEqual([
    `level=warn event=name_unresolved host=${NAME} reason="the name does not resolve (ENOTFOUND)" addresses_kept=0`,
  ]);
});
