import { describe, expect, test } from "bun:test";
import { type FrameParts, frameOf } from "../../src/cli/topFrame.ts";
import { type Sample, sampleOf } from "../../src/cli/topSample.ts";
import { afterKeys, FIRST_VIEW, type TopView } from "../../src/cli/topView.ts";
import { answer } from "../../src/console/commands.ts";
import { statusJsonParts } from "../../src/observe/statusJson.ts";
import { BENCH_LABELS, RelayBench } from "../support/relayBench.ts";
import { statsSourceOf } from "../support/statsSource.ts";

const address = "127.0.0.1:8126";

/** A moment of a bench. */
function sampleAt(bench: RelayBench, uptimeSeconds: number, isUp: (node: number) => boolean = () => true): Sample {
  const view = bench.view();
  const nodes = view.nodes.map((node, i) => ({ ...node, isUp: isUp(i) }));
  const source = statsSourceOf({ ...view, uptimeSeconds, nodes });
  return sampleOf([...statusJsonParts(source)].join("")) as Sample;
}

function textOf(parts: FrameParts): string[] {
  return frameOf(parts).map(({ text }) => text);
}

describe("a frame", () => {
  test("has the rates since the moment before, by the proxy's clock, and the totals", () => {
    const bench = new RelayBench({ mirror: true });
    const before = sampleAt(bench, 90_000);
    bench.receive(Array.from({ length: 3000 }, (_, i) => `name${i}:1|c`).join("\n"));
    bench.receive("bad");
    bench.relay.flush();
    bench.nodes[1].counters.linesDropped.send_error += 5;
    bench.nodes[0].counters.bytesSent += 5000;
    const now = sampleAt(bench, 90_002, (node) => node !== 2);
    expect(textOf({ address, before, now })).toEqual([
      "statsd-proxy 127.0.0.1:8126   up 1d 01:00:02   nodes: 2 of 3 up",
      "here, metrics at 0.0.0.0:8125, statsd.json (0123456789ab), version 1.2.3",
      "warning: 1 of 3 nodes down since 00:00:00 UTC: 127.0.0.1:8132: start it, or see why its check fails",
      "",
      "                                 per second, over 2.0 s  total",
      "datagrams received                                  1.0      2",
      "datagrams dropped by the kernel                       0      7",
      "lines received                                    1,501  3,001",
      "lines rejected                                      0.5      1",
      "lines relayed                                     4,500  9,000",
      "lines dropped                                       2.5      5",
      "lines pending                                                0",
      "datagrams sent                                        0      0",
      "delay: p50 0.12 ms, p99 10.4 ms in the last minute",
      "",
      "node            state       relayed/s  dropped/s  datagrams/s  kB/s  pending  refused  checks failed",
      "127.0.0.1:8132  DOWN                0          0            0     0        0        0              0",
      "127.0.0.1:8131  up, losing      1,500        2.5            0     0        0        0              0",
      "127.0.0.1:8130  up              1,500          0            0   2.5        0        0              0",
    ]);
    const alarms = frameOf({ address, before, now }).filter(({ alarm }) => alarm);
    expect(alarms.map(({ text }) => text.split("  ")[0])).toEqual([
      "statsd-proxy 127.0.0.1:8126",
      "warning: 1 of 3 nodes down since 00:00:00 UTC: 127.0.0.1:8132: start it, or see why its check fails",
      "lines rejected",
      "lines dropped",
      "127.0.0.1:8132",
      "127.0.0.1:8131",
    ]);
  });

  test("has rows and columns for what seldom goes wrong once it does, and calls it an alarm", () => {
    const bench = new RelayBench({});
    const calm = sampleAt(bench, 50);
    bench.counters.internalErrors = 2;
    bench.counters.invariantViolations = 3;
    bench.counters.linesSelfDropped = 4;
    bench.nodes[1].counters.sendErrors = 5;
    bench.nodes[2].counters.checksSkipped = 6;
    const seen = sampleAt(bench, 51);
    const now = { ...seen, figures: { ...seen.figures, log_lines_lost: 1234 } };
    const lines = frameOf({ address, before: calm, now });
    expect(lines.slice(13).map(({ text }) => text)).toEqual([
      "internal errors                                      2.0      2",
      "accounting errors                                    3.0      3",
      "log lines lost                                     1,234  1,234",
      "lines of its own metrics dropped                     4.0      4",
      "delay: p50 0.12 ms, p99 10.4 ms in the last minute",
      "",
      "node            state       relayed/s  share  dropped/s  datagrams/s  kB/s  pending  refused  checks failed  send errors  checks skipped",
      "127.0.0.1:8131  up, losing          0  33.6%          0            0     0        0        0              0            5               0",
      "127.0.0.1:8132  up, losing          0  33.2%          0            0     0        0        0              0            0               6",
      "127.0.0.1:8130  up                  0  33.1%          0            0     0        0        0              0            0               0",
    ]);
    expect(lines.slice(13).map(({ alarm }) => alarm)).toEqual([
      ...[true, true, true, true, false, false],
      ...[false, true, true, false],
    ]);
  });

  test("calls it an alarm while a node refuses, or cannot be sent to, and shows such nodes before others", () => {
    const bench = new RelayBench({});
    bench.nodes[1].counters.linesRefused = 9;
    const before = sampleAt(bench, 50);
    bench.nodes[2].counters.linesRefused = 3;
    const now = sampleAt(bench, 51);
    const alarms = (lines: ReturnType<typeof frameOf>) =>
      lines.filter(({ alarm }) => alarm).map(({ text }) => text.split("  ")[0]);
    expect(alarms(frameOf({ address, before, now }))).toEqual([BENCH_LABELS[2]]);
    expect(alarms(frameOf({ address, before: now, now: sampleAt(bench, 52) }))).toEqual([]);
    // Room for one node.
    const linesMax = 14;
    expect(textOf({ address, before, now, linesMax }).slice(-2)).toEqual([
      expect.stringContaining(BENCH_LABELS[2]),
      "... and 2 more",
    ]);
    const withOneDown = sampleAt(bench, 51, (node) => node !== 1);
    expect(textOf({ address, before, now: withOneDown, linesMax }).slice(-2)).toEqual([
      expect.stringContaining(BENCH_LABELS[1]),
      "... and 2 more, 1 of them in trouble",
    ]);
  });

  test("shows a node that flaps after those that are down and before those that are up, and how often it did", () => {
    const sample = sampleAt(new RelayBench({}), 5, (node) => node !== 2);
    const flapsWhile = (up: boolean, state = up ? "up" : "down") => {
      const nodes = sample.nodes.map((node, i) => (i === 1 ? { ...node, up, state, flapping: { changes: 36 } } : node));
      return frameOf({ address, before: undefined, now: { ...sample, nodes } }).slice(-3);
    };
    // It keeps its place as it goes up and down.
    for (const up of [true, false])
      expect(flapsWhile(up).map(({ text, alarm }) => [text.split(/ {2,}/).slice(0, 2).join(), alarm])).toEqual([
        [`${BENCH_LABELS[2]},DOWN`, true],
        [`${BENCH_LABELS[1]},FLAPPING 36x`, true],
        [`${BENCH_LABELS[0]},up`, false],
      ]);
    expect(flapsWhile(false, "drained").map(({ text }) => text)).toContainEqual(expect.stringMatching(/ DRAINED /));
  });

  test("has no rates without a moment before, or over a restart", () => {
    const bench = new RelayBench({});
    bench.receive("a:1|c");
    const now = sampleAt(bench, 5);
    for (const before of [undefined, sampleAt(bench, 50), now]) {
      const lines = textOf({ address, before, now });
      expect(lines).toContain("lines received                            -      1");
      expect(lines.find((line) => line.startsWith(BENCH_LABELS[0]))).toMatch(/ up +- +[\d.]+% +- +- +- +/);
    }
  });

  test("leaves out what this machine does not have", () => {
    const now = sampleAt(new RelayBench({}), 5);
    const { kernel_drops: _, ...figures } = now.figures;
    expect(textOf({ address, before: undefined, now: { ...now, figures } }).join("\n")).not.toContain("by the kernel");
  });

  test("with more nodes than there is room for shows those that are out first, and keeps to the room", () => {
    const now = sampleAt(new RelayBench({}), 5, (node) => node !== 2);
    const whole = textOf({ address, before: undefined, now });
    for (let linesMax = 0; linesMax <= whole.length + 1; linesMax++) {
      const lines = textOf({ address, before: undefined, now, linesMax });
      if (linesMax >= whole.length) expect(lines).toEqual(whole);
      // The head and one more line are shown in any case.
      if (linesMax >= 13) expect(lines.length).toBeLessThanOrEqual(linesMax);
    }
    const lines = textOf({ address, before: undefined, now, linesMax: 14 });
    expect(lines.slice(-2)).toEqual([expect.stringMatching(/^127\.0\.0\.1:8132 +DOWN/), "... and 2 more"]);
  });

  test("holds nothing that a terminal would take for a command, whatever a node is called", () => {
    const nodes = [{ node: "\x1b[2Jx\n", up: true, figures: {} }];
    const now = sampleOf(JSON.stringify({ uptime_ms: 1000, figures: { lines_received: 0 }, nodes })) as Sample;
    expect(now.nodes).toEqual(nodes);
    for (const line of textOf({ address, before: undefined, now })) expect(line).toMatch(/^[\x20-\x7e]*$/);
  });
});

describe("a sample", () => {
  test("is what the console answers to status json", () => {
    const bench = new RelayBench({});
    bench.receive("a:1|c\nbad");
    const context = { source: () => statsSourceOf(bench.view()) } as Parameters<typeof answer>[1];
    const sample = sampleOf(answer("status json", context)?.text ?? "");
    expect(sample).toMatchObject({
      uptime_ms: 51_900,
      figures: { packets_received: 1, lines_received: 2, lines_rejected: 1, nodes_up: 3, log_lines_lost: 0 },
      nodes: BENCH_LABELS.map((node) => ({ node, up: true, figures: { lines_relayed: 0, checks_skipped: 0 } })),
    });
  });

  test.each([
    ...["unknown command", "", "null", "7", "[]", "{}", '{"uptime_ms":"1"}', '{"uptime_ms":1}'],
    '{"uptime_seconds":1,"lines_received":0}',
    '{"uptime_ms":1,"figures":{"lines_received":0}}',
    '{"uptime_ms":1,"figures":{},"nodes":[]}',
    '{"uptime_ms":1,"figures":{"lines_received":0,"lines_relayed":"1"},"nodes":[]}',
    '{"uptime_ms":1,"figures":{"lines_received":0},"nodes":[{"node":"a"}]}',
  ])("is not %j", (text) => {
    expect(sampleOf(text)).toBeUndefined();
  });
});

test("a proxy without a verdict, an older one, still tells that a reload failed", () => {
  const frameWith = (reasons?: string[]) => {
    const { verdict: _, ...now } = sampleAt(new RelayBench({}), 5);
    const config = { last_failure: reasons && { reasons } };
    return frameOf({
      address,
      before: undefined,
      now: { ...now, config, figures: { ...now.figures, config_latest: 0 } },
    });
  };
  const alarm = { text: "the last reload failed: an older configuration is in force, see the log", alarm: true };
  expect(frameWith()).toContainEqual(alarm);
  expect(frameWith(["fall: \x1b[2Jbad", "rise: bad"])).toContainEqual({
    text: "the last reload failed: fall: ?[2Jbad; the older configuration is in force",
    alarm: true,
  });
});

describe("at the size of a terminal", () => {
  const named = (count: number) => {
    const now = sampleAt(new RelayBench({}), 5);
    const nodes = Array.from({ length: count }, (_, i) => ({
      ...now.nodes[i % 3],
      node: `statsd-backend-${i}.metrics.svc.cluster.local:8125`,
      up: i !== 40,
    }));
    return { ...now, nodes };
  };

  test("80 columns have the columns that matter, and names cut where they are alike; 200 have all", () => {
    const small = textOf({ address, before: undefined, now: named(60), columnsMax: 80, linesMax: 24 });
    expect(small).toHaveLength(24);
    for (const line of small) expect(line.length).toBeLessThanOrEqual(80);
    expect(small.slice(3, 10)).toEqual([
      "",
      "per second  received  relayed  sent  rejected  dropped  pending",
      "lines              -        -               -        -",
      "  total            0        0               0        0        0",
      "datagrams          -              -                  -",
      "  total            0              0                  7",
      "delay: p50 0.12 ms, p99 10.4 ms in the last minute",
    ]);
    expect(small[11]).toMatch(/^node +state +relayed\/s +share +dropped\/s +refused$/);
    expect(small[12]).toMatch(/^statsd-backend-40\.metrics\S*\.\. +DOWN/);
    expect(small.at(-1)).toBe("... and 49 more");
    const wide = textOf({ address, before: undefined, now: named(3), columnsMax: 200 });
    expect(wide[15]).toEndWith("datagrams/s  kB/s  pending  refused  checks failed");
    expect(wide[16]).toStartWith("statsd-backend-0.metrics.svc.cluster.local:8125  up");
  });

  test("what is longer than a line goes on in the next, and of a file's path the end is shown", () => {
    const { verdict: _, ...sample } = named(3);
    const troubles = ["worst", "next"].map((name) => ({ line: `losing: the ${name} ${"is bad ".repeat(20)}`.trim() }));
    const now = {
      ...sample,
      file: `/etc/${"folder/".repeat(20)}statsdproxy.json`,
      verdict: { state: "losing", line: `${troubles[0].line} (and 1 more)`, troubles },
    };
    const lines = textOf({ address, before: undefined, now, columnsMax: 80, linesMax: 50 });
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect(lines[1]).toMatch(/^here, metrics at 0\.0\.0\.0:8125, \.\.\S*statsdproxy\.json \(0123456789ab\), version 1/);
    // The others are listed; where there is no room for them it says how many there are.
    expect(lines.slice(2, 7).join(" ")).toStartWith(`${troubles[0].line} also: losing: the next is bad`);
    const small = textOf({ address, before: undefined, now, columnsMax: 80, linesMax: 24 });
    expect(small.slice(2, 5).join(" ")).toBe(`${troubles[0].line} (and 1 more)`);
    const noAnswer = `NO ANSWER for 12 s, the figures are out of date: ${address}: cannot be reached: ECONNREFUSED`;
    expect(textOf({ address, before: undefined, now, columnsMax: 80, noAnswer }).slice(2, 4).join(" ")).toBe(noAnswer);
  });

  test("it scrolls, sorts and filters by what is typed", () => {
    const typed = (...keys: string[]) => keys.reduce(afterKeys, FIRST_VIEW);
    const shown = (view: TopView) => {
      const lines = textOf({ address, before: undefined, now: named(60), view, columnsMax: 200, linesMax: 24 });
      return lines.filter((line) => line.startsWith("statsd-backend")).map((line) => Number(line.match(/\d+/)?.[0]));
    };
    expect(shown(FIRST_VIEW).slice(0, 3)).toEqual([40, 0, 1]);
    expect(shown(typed("j", "j")).slice(0, 2)).toEqual([1, 2]);
    expect(shown(typed(" ", "k", "g"))).toEqual(shown(FIRST_VIEW));
    expect(shown(typed(..." ".repeat(50))).at(-1)).toBe(59);
    expect(shown(typed("s")).slice(0, 3)).toEqual([0, 1, 2]);
    expect(shown(typed("/", "backend-5"))).toEqual([5, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59]);
    expect(shown(typed("/", "down", "\r"))).toEqual([40]);
    expect(typed("/", "q", "\x7f", "x", "\x1b")).toEqual(FIRST_VIEW);
    expect(typed("/", "j").filter).toBe("j");
  });

  test("without an answer it says for how long, in place of the verdict", () => {
    const noAnswer = "NO ANSWER for 12 s, the figures are out of date: it hangs";
    const lines = frameOf({ address, before: undefined, now: sampleAt(new RelayBench({}), 5), noAnswer });
    expect(lines[2]).toEqual({ text: noAnswer, alarm: true });
    expect(lines.map(({ text }) => text).join("\n")).not.toContain("ok:");
  });
});
