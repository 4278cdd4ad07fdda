import { describe, expect, test } from "bun:test";
import { type Config, type FileReading, hashOf, readConfig } from "../../src/config/config.ts";
import type { Problem } from "../../src/config/problem.ts";
import type { LogFields } from "../../src/log/logfmt.ts";
import type { ConfigView } from "../../src/observe/view.ts";
import { type ChangeSummary, NOTHING } from "../../src/proxy/changeSummary.ts";
import { Reloader } from "../../src/proxy/reloader.ts";

const GOOD = '{ nodes: [{ host: "a", port: 1 }] }';

/** A reloader over a file that a test writes. */
class Bench {
  text = GOOD;
  reads = 0;
  /** What a change comes to. */
  result: ChangeSummary | readonly Problem[] = NOTHING;
  /** What a change throws. */
  bug: Error | undefined;
  /** What each reload waits for before it begins. */
  pause = Promise.resolve();
  readonly changes: Config[] = [];
  readonly said: [event: string, fields?: LogFields][] = [];
  readonly results: string[] = [];
  /** What a service manager was told. */
  readonly supervised: string[] = [];
  readonly reloader: Reloader;
  view: ConfigView = { hash: hashOf(GOOD), loadedAtSeconds: 1, isLatest: true };

  constructor() {
    const say = (...event: [string, LogFields?]) => void this.said.push(event);
    const log = { error: say, warn: say, info: say, debug: say, text: () => {}, flush: () => {}, linesLost: 0 };
    this.reloader = new Reloader(
      {
        log,
        file: "proxy.json",
        read: (): FileReading => {
          this.reads++;
          return { ...readConfig(this.text), hash: hashOf(this.text) };
        },
        change: async (next) => {
          if (this.bug) throw this.bug;
          this.changes.push(next);
          return this.result;
        },
        pause: () => this.pause,
        supervisor: {
          reloading: () => void this.supervised.push("reloading"),
          ready: () => void this.supervised.push("ready"),
        },
        nowSeconds: () => 7,
        onResult: (result, view) => {
          this.results.push(result);
          this.view = view;
        },
      },
      this.view,
    );
  }
}

test("a good file takes over: the log says what changed, and the view which it is", async () => {
  const bench = new Bench();
  bench.text = '{ nodes: [{ host: "b", port: 2 }], fall: 3, prot: 4 }';
  bench.result = { keys: ["fall"], added: ["b:2"], removed: ["a:1"], changed: [], namesMoved: 0.1251 };
  const answer = await bench.reloader.reload("signal");
  expect(bench.changes.map(({ fall }) => fall)).toEqual([3]);
  const hash = hashOf(bench.text);
  expect(bench.said).toEqual([
    ["configuration", { file: "proxy.json", warning: expect.stringContaining("prot: unknown key") }],
    [
      "reloaded",
      { cause: "signal", keys: "fall", nodes_added: "b:2", nodes_removed: "a:1", names_moved_percent: 12.5, hash },
    ],
  ]);
  expect(bench.view).toEqual({ hash, loadedAtSeconds: 7, isLatest: true });
  expect(bench.results).toEqual(["ok"]);
  const [first, ...rest] = answer.trimEnd().split("\n");
  expect(first).toBe("reloaded");
  expect(rest).toEqual([
    "nodes added: b:2",
    "nodes removed: a:1",
    "keys changed: fall",
    "names that move: 12.5%",
    expect.stringContaining("warning: prot: unknown key"),
  ]);
});

describe("a bad file changes nothing, and every problem is told", () => {
  test("by the one who reads it", async () => {
    const bench = new Bench();
    bench.text = "{ nodes: [{ host: 7, port: 0 }], fall: -1 }";
    const answer = await bench.reloader.reload("console");
    expect(bench.changes).toEqual([]);
    expect(bench.said.map(([event]) => event)).toEqual(["reload_failed", "reload_failed", "reload_failed"]);
    expect(answer.trimEnd().split("\n")).toEqual([
      "not reloaded: the configuration is as it was",
      expect.stringMatching(/^proxy\.json: nodes\[0\]\.host: /),
      expect.stringMatching(/^proxy\.json: nodes\[0\]\.port: /),
      "proxy.json: fall: expected a whole number from 1 to 1000, not -1",
    ]);
    const lastFailure = {
      atSeconds: 7,
      cause: "console" as const,
      reasons: [
        expect.stringContaining("nodes[0].host: "),
        expect.stringContaining("nodes[0].port: "),
        expect.stringContaining("fall: "),
      ],
    };
    expect(bench.view).toEqual({ hash: hashOf(GOOD), loadedAtSeconds: 1, isLatest: false, lastFailure });
    expect(bench.results).toEqual(["failed"]);
  });

  test("with the place in it below the words, for who asked; in one line for the log", async () => {
    const bench = new Bench();
    bench.text = "{\n  nodes: oops\n}";
    const reason =
      'not JSON: line 2, column 10: expected a plain value, such as 8125 or "text", not oops; ' +
      "JavaScript is not run here: write the value itself";
    expect(await bench.reloader.reload("console")).toBe(
      `not reloaded: the configuration is as it was\nproxy.json: ${reason}\n    nodes: oops\n           ^\n`,
    );
    expect(bench.said).toEqual([["reload_failed", { cause: "console", file: "proxy.json", reason }]]);
  });

  test("by the one who opens what is in it", async () => {
    const bench = new Bench();
    bench.text = `${GOOD} `;
    bench.result = [{ at: "port", message: "the address is in use" }];
    expect(await bench.reloader.reload("signal")).toContain("proxy.json: port: the address is in use\n");
    expect(bench.view.isLatest).toBe(false);
  });

  test("and a good one puts that right", async () => {
    const bench = new Bench();
    bench.text = "{";
    await bench.reloader.reload("file");
    bench.text = GOOD;
    await bench.reloader.reload("file");
    expect(bench.results).toEqual(["failed", "ok"]);
    expect(bench.view.isLatest).toBe(true);
    expect(bench.view.lastFailure).toBeUndefined();
  });

  test("a hundred of them one by one, and how many more there are", async () => {
    const bench = new Bench();
    bench.text = `{ nodes: [${'{ host: "a", port: 0 },'.repeat(150)}] }`;
    const answer = await bench.reloader.reload("console");
    expect(bench.said).toHaveLength(101);
    expect(bench.said[100]).toMatchObject(["reload_failed", { reason: "50 more problems" }]);
    expect(answer.trimEnd().split("\n")).toHaveLength(1 + 101);
  });

  test("and the view keeps a few of the problems, cut and escaped: they come from a file", async () => {
    const bench = new Bench();
    const hostile = { at: "nodes[0].name", message: `not "\x1b[2J\n\u202e${"x".repeat(1000)}` };
    bench.text = `${GOOD} `;
    bench.result = [hostile, ...Array.from({ length: 9 }, (_, i) => ({ at: `nodes[${i}]`, message: "bad" }))];
    await bench.reloader.reload("signal");
    const { reasons = [] } = bench.view.lastFailure ?? {};
    expect(reasons).toEqual([
      expect.stringMatching(/^nodes\[0\]\.name: not "\\u001b\[2J\\u000a\\u202ex+\.\.\.$/),
      "nodes[0]: bad",
      "nodes[1]: bad",
      "7 more problems",
    ]);
    expect(reasons[0].length).toBeLessThan(250);
  });
});

test("a file that only was touched is nobody's business, unless somebody asks", async () => {
  const bench = new Bench();
  expect(await bench.reloader.reload("file")).toBe("");
  expect([bench.reads, bench.changes, bench.said, bench.results]).toEqual([1, [], [], []]);
  await bench.reloader.reload("signal");
  expect(bench.said).toEqual([["reloaded", { cause: "signal", changed: "nothing", hash: hashOf(GOOD) }]]);
});

test("reloads that are asked for at once are one, for each who asks for it in his way, one after the other", async () => {
  const bench = new Bench();
  bench.text = `${GOOD} `;
  const order: string[] = [];
  const ask = (cause: "signal" | "console") => bench.reloader.reload(cause).then(() => order.push(cause));
  await Promise.all([ask("signal"), ask("console"), ask("signal"), ask("signal"), ask("console")]);
  expect(order).toEqual(["signal", "signal", "signal", "console", "console"]);
  expect(bench.reads).toBe(2);
  expect(bench.changes).toHaveLength(1);
});

test("so are those that are asked for while the first one waits a little", async () => {
  const bench = new Bench();
  const { promise, resolve } = Promise.withResolvers<void>();
  bench.pause = promise;
  const first = bench.reloader.reload("signal");
  await Bun.sleep(0);
  const second = bench.reloader.reload("signal");
  resolve();
  await Promise.all([first, second]);
  expect(bench.reads).toBe(1);
  await bench.reloader.reload("signal");
  expect(bench.reads).toBe(2);
});

test("a service manager is told of each, and that it is over, whatever came of it", async () => {
  const bench = new Bench();
  await bench.reloader.reload("file");
  expect(bench.supervised).toEqual([]);
  bench.text = "{";
  await bench.reloader.reload("file");
  expect(bench.supervised).toEqual(["reloading", "ready"]);
  bench.text = GOOD;
  await bench.reloader.reload("signal");
  expect(bench.supervised).toEqual(["reloading", "ready", "reloading", "ready"]);
});

test("a file that has taken over is nobody's business either when it is touched again", async () => {
  const bench = new Bench();
  bench.text = `${GOOD} `;
  for (let i = 0; i < 3; i++) await bench.reloader.reload("file");
  expect([bench.reads, bench.results]).toEqual([3, ["ok"]]);
});

test("a file that says what is in force already changes nothing, and costs no change", async () => {
  const bench = new Bench();
  expect(await bench.reloader.reload("console")).toBe("reloaded: nothing changes\n");
  expect([bench.changes, bench.results]).toEqual([[], ["ok"]]);
});

test("a bug in a change is told, and the next reload works", async () => {
  const bench = new Bench();
  bench.text = `${GOOD} `;
  bench.bug = new Error("a programmer's");
  expect(await bench.reloader.reload("console")).toContain("internal error: a programmer's\n");
  expect(bench.view.isLatest).toBe(false);
  bench.bug = undefined;
  expect(await bench.reloader.reload("console")).toStartWith("reloaded");
  expect(bench.results).toEqual(["failed", "ok"]);
});

test("a file that could not take over is tried again, also when it is the same", async () => {
  const bench = new Bench();
  bench.text = `${GOOD} `;
  bench.result = [{ at: "port", message: "the address is in use" }];
  await bench.reloader.reload("file");
  bench.result = NOTHING;
  await bench.reloader.reload("file");
  expect(bench.results).toEqual(["failed", "ok"]);
});
