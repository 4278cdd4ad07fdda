import { describe, expect, test } from "bun:test";
import { PATTERN_BYTES_MAX } from "../../src/console/selection.ts";
import { TAP_LINES_PER_SECOND, Tap, type TapRequest } from "../../src/console/tap.ts";
import { BENCH_LABELS, RelayBench } from "../support/relayBench.ts";

const WIDTH = BENCH_LABELS[0].length;
const LINES = ["web.requests:1|c", "db.query:2|ms|#web:1", "no.colon", "_sc|web check|0", "_e{3,1}:web|x", "web:1|zz"];

/** What a tap on a relay shows of a datagram. */
function shown(request: Partial<TapRequest>, datagram: string, options: { mirror?: boolean } = {}): string[] {
  const bench = new RelayBench(options);
  const tap = new Tap({ rejected: false, pattern: undefined, linesMax: 100, ...request }, WIDTH);
  bench.relay.observer = (line, verdict, to) => tap.see(line, verdict, to);
  bench.receive(datagram);
  return tap.take().split("\n").slice(0, -1);
}

/** Without the node. */
function linesShown(request: Partial<TapRequest>, datagram: string): string[] {
  return shown(request, datagram).map((line) => line.slice(line.indexOf("  ") + 2));
}

describe("a tap", () => {
  test("shows the lines that pass, with the node that owns each", () => {
    const bench = new RelayBench({});
    bench.receive(LINES.join("\n"));
    const lines = shown({}, LINES.join("\n"));
    expect(lines).toHaveLength(4);
    for (const line of lines) {
      const [label, text] = line.split("  ");
      expect(bench.linesWaiting(BENCH_LABELS.indexOf(label))).toContain(text);
    }
  });

  test("shows those whose name is as the pattern says", () => {
    expect(linesShown({ pattern: "web" }, LINES.join("\n"))).toEqual([
      "web.requests:1|c",
      "_sc|web check|0",
      "_e{3,1}:web|x",
    ]);
    expect(linesShown({ pattern: "web.*" }, LINES.join("\n"))).toEqual(["web.requests:1|c"]);
    expect(linesShown({ pattern: "*query" }, LINES.join("\n"))).toEqual(["db.query:2|ms|#web:1"]);
  });

  test("shows every node of a mirror as *", () => {
    expect(shown({}, "a:1|c", { mirror: true })).toEqual(["*               a:1|c"]);
  });

  test("shows a line that nobody gets with -", () => {
    const tap = new Tap({ rejected: false, pattern: undefined, linesMax: 1 }, 1);
    tap.see(Buffer.from("a:1|c"), 0, "-");
    expect(tap.take()).toBe("-  a:1|c\n");
  });

  test("on rejected lines shows those, with the reason; the pattern is on all of the line", () => {
    expect(shown({ rejected: true }, LINES.join("\n"))).toEqual(["no_colon      no.colon", "unknown_type  web:1|zz"]);
    expect(shown({ rejected: true, pattern: "|zz" }, LINES.join("\n"))).toEqual(["unknown_type  web:1|zz"]);
    expect(shown({ rejected: true, pattern: "no.*" }, LINES.join("\n"))).toEqual(["no_colon      no.colon"]);
  });

  test("shows nothing but printable ASCII", () => {
    expect(linesShown({}, "red\x1b[31m\xc3\xa9\x00:1|c")).toEqual(["red\\x1b[31m\\xc3\\xa9\\x00:1|c"]);
  });

  test("is done when it has shown what it was asked for, and shows no more", () => {
    const tap = new Tap({ rejected: false, pattern: undefined, linesMax: 2 }, WIDTH);
    expect(tap.done).toBe(false);
    for (let i = 0; i < 5; i++) tap.see(Buffer.from(`name${i}:1|c`), 0, BENCH_LABELS[0]);
    expect(tap.done).toBe(true);
    expect(tap.take()).toBe("127.0.0.1:8130  name0:1|c\n127.0.0.1:8130  name1:1|c\n");
    expect(tap.take()).toBe("");
    expect(tap.summary(0)).toBe("# 2 shown\n");
  });

  test("shows so many a second and says how many it has not", () => {
    const tap = new Tap({ rejected: false, pattern: undefined, linesMax: 10_000 }, 1);
    const see = (times: number) => {
      for (let i = 0; i < times; i++) tap.see(Buffer.from("a:1|c"), 0, "a");
    };
    see(TAP_LINES_PER_SECOND + 7);
    expect(tap.shown).toBe(TAP_LINES_PER_SECOND);
    tap.refill(100);
    see(TAP_LINES_PER_SECOND);
    expect(tap.shown).toBe(1.1 * TAP_LINES_PER_SECOND);
    tap.refill(1_000_000);
    see(2 * TAP_LINES_PER_SECOND);
    expect(tap.shown).toBe(2.1 * TAP_LINES_PER_SECOND);
    expect(tap.summary(3)).toBe(
      `# 1050 shown, ${7 + 450 + 500} more matched (only 500 a second are shown), 3 were not examined (too many at once)\n`,
    );
  });

  test("looks at the first 1,024 bytes of a line, and no more", () => {
    const name = "n".repeat(1023);
    expect(linesShown({ pattern: "*x" }, `${name}x:1|c`)).toHaveLength(1);
    expect(linesShown({ pattern: "*x" }, `${name}nx:1|c`)).toHaveLength(0);
    expect(linesShown({ pattern: "*n" }, `${name}nx:1|c`)).toHaveLength(1);
    expect(linesShown({ pattern: "*x", rejected: true }, `${name}x`)).toHaveLength(1);
    expect(linesShown({ pattern: "*x", rejected: true }, `${name}nx`)).toHaveLength(0);
    // A name that is not at the line's front.
    expect(linesShown({ pattern: "?x*" }, `_sc|xx${name}|0`)).toHaveLength(1);
    expect(linesShown({ pattern: "?x*" }, `_e{3,1}:xx${name}|0`)).toHaveLength(1);
  });

  test("has a price: what it compares, and what it shows", () => {
    const cost = (pattern: string | undefined, line: string) => {
      const tap = new Tap({ rejected: false, pattern, linesMax: 100 }, 1);
      tap.see(Buffer.from(line), 0, "a");
      return tap.meter.steps;
    };
    expect(cost("web", "db.query:1|c")).toBeLessThan(100);
    expect(cost(undefined, `${"x".repeat(500)}:1|c`)).toBeGreaterThan(500);
    const dear = `*${"n".repeat(126)}*${"n".repeat(126)}x`;
    expect(cost(dear, `${"n".repeat(65_000)}:1|c`)).toBeGreaterThan(50_000);
    // However long the name is.
    expect(cost(dear, `${"n".repeat(65_000)}:1|c`)).toBeLessThan(PATTERN_BYTES_MAX * 1024 + 2 * 1024);
  });
});
