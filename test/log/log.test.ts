import { describe, expect, onTestFinished, spyOn, test } from "bun:test";
import { FLAPPING_CHANGES } from "../../src/log/flapping.ts";
import { openLog } from "../../src/log/log.io.ts";
import type { LogFormat } from "../../src/log/logfmt.ts";
import { BURST, LOG_LEVELS, WINDOW_MS } from "../../src/log/logLimit.ts";

function logOf(level: (typeof LOG_LEVELS)[number], format: LogFormat = "logfmt") {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line.replace(/^time=\S+ /, ""));
  return { lines, log: openLog({ level, format, writer: { linesLost: 0, write, flush: () => {} } }) };
}

describe("a log", () => {
  test.each(LOG_LEVELS)("of level %s says that and what is above", (level) => {
    const { log, lines } = logOf(level);
    for (const each of LOG_LEVELS) log[each]("event", { n: 1 });
    const said = LOG_LEVELS.slice(LOG_LEVELS.indexOf(level));
    expect(lines).toEqual(said.map((each) => `level=${each} event=event n=1`));
  });

  test("holds back what is said too often, and says in the end how often it was", () => {
    const { log, lines } = logOf("info");
    for (let i = 0; i < BURST + 3; i++) log.warn("node_down", { node: "a" });
    expect(lines).toHaveLength(BURST);
    log.flush(0);
    expect(lines.slice(BURST)).toEqual(["level=warn event=node_down node=a repeated=3"]);
    log.flush(0);
    expect(lines).toHaveLength(BURST + 1);
  });

  test("says what it held back when the time for it has come, each time", () => {
    const timers: (() => void)[] = [];
    const setTimer = spyOn(globalThis, "setTimeout").mockImplementation(((fire: () => void, ms: number) => {
      expect(ms).toBe(WINDOW_MS);
      timers.push(fire);
      return { unref: () => timers.length };
    }) as never);
    onTestFinished(() => setTimer.mockRestore());
    const { log, lines } = logOf("info");
    for (let i = 0; i < BURST + 2; i++) log.warn("node_down", { node: "a" });
    expect(timers).toHaveLength(1);
    timers[0]();
    for (let i = 0; i < 3; i++) log.warn("node_down", { node: "a" });
    expect(timers).toHaveLength(2);
    timers[1]();
    const told = [2, 3].map((repeated) => `level=warn event=node_down node=a repeated=${repeated}`);
    expect(lines.slice(BURST)).toEqual(told);
  });

  test("looks at nodes that flap until they no longer do", () => {
    const timers: (() => void)[] = [];
    const setTimer = spyOn(globalThis, "setTimeout").mockImplementation(((fire: () => void) => {
      timers.push(fire);
      return { unref: () => timers.length };
    }) as never);
    onTestFinished(() => setTimer.mockRestore());
    const { log, lines } = logOf("warn");
    for (let i = 0; i < FLAPPING_CHANGES; i++) log.warn(i % 2 ? "node_up" : "node_down", { node: "a" });
    expect(timers).toHaveLength(1);
    const said = lines.length;
    for (let i = 1; i < 5; i++) {
      timers[i - 1]();
      expect(timers).toHaveLength(i + 1);
    }
    expect(lines).toHaveLength(said);
    log.flush(0);
    timers.at(-1)?.();
    expect(timers).toHaveLength(5);
  });

  test.each(["info", "warn"] as const)(
    "of level %s says that a node flaps, and what came of it in the end",
    (level) => {
      const { log, lines } = logOf(level);
      const flap = (times: number) => {
        for (let i = 0; i < times; i++) {
          log.warn("node_down", { node: "a" });
          log.info("node_up", { node: "a" });
        }
      };
      flap(FLAPPING_CHANGES / 2);
      const flapping = / event=node_flapping node=a changes=10 seconds=\d/;
      expect(lines.at(-1)).toMatch(flapping);
      const said = lines.length;
      flap(20);
      expect(lines).toHaveLength(said);
      log.flush(0);
      const rest = lines.slice(said);
      expect(rest.filter((line) => line.includes("node_flapping"))).toEqual([]);
      const over =
        level === "info" ? [/^level=info event=flapping_over node=a changes=50 /, /event=node_up node=a$/] : [];
      expect(rest).toEqual(over.map((line) => expect.stringMatching(line)));
    },
  );

  test("in JSON", () => {
    const { log, lines } = logOf("info", "json");
    log.info("listening", { nodes: 3 });
    const { time, ...rest } = JSON.parse(lines[0]);
    expect(rest).toEqual({ level: "info", event: "listening", nodes: 3 });
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });
});
