import { describe, expect, test } from "bun:test";
import type { StatusJson } from "../../src/observe/statusJson.ts";
import { lossesNow, type RecentLosses, recentLosses } from "../../src/page/recentLosses.ts";
import { statusOf } from "../support/statusJson.ts";

interface Moment {
  readonly atMs: number;
  readonly refused?: number;
  readonly sendErrors?: number;
  readonly up?: boolean;
  readonly startedAtMs?: number;
}

function statusAt({ atMs, refused = 0, sendErrors = 0, up = true, startedAtMs = 1000 }: Moment): StatusJson {
  const status = statusOf(["a", "b"], { uptime_ms: atMs, started_at_ms: startedAtMs });
  const [a, b] = status.nodes;
  const quiet = { ...b, figures: { lines_refused: 7, send_errors: 7 } };
  return { ...status, nodes: [{ ...a, up, figures: { lines_refused: refused, send_errors: sendErrors } }, quiet] };
}

/** What node `a` loses after each of these moments. */
function losses(moments: readonly Moment[]): string[] {
  let recent: RecentLosses | undefined;
  return moments.map((moment) => {
    recent = recentLosses(recent, statusAt(moment));
    expect(lossesNow(recent, "b")).toEqual([]);
    return lossesNow(recent, "a").join();
  });
}

describe("a node loses metrics now", () => {
  test("if its refused lines grow, and for ten seconds after", () => {
    expect(
      losses([
        { atMs: 1000, refused: 5 },
        { atMs: 2000, refused: 5 },
        { atMs: 3000, refused: 6 },
        { atMs: 4000, refused: 6 },
        { atMs: 13_000, refused: 6 },
        { atMs: 13_001, refused: 6 },
      ]),
    ).toEqual(["", "", "lines_refused", "lines_refused", "lines_refused", ""]);
  });

  test("if its send errors grow, or both", () => {
    expect(
      losses([
        { atMs: 1000 },
        { atMs: 2000, sendErrors: 1 },
        { atMs: 3000, sendErrors: 1, refused: 1 },
        { atMs: 12_500, sendErrors: 1, refused: 1 },
      ]),
    ).toEqual(["", "send_errors", "lines_refused,send_errors", "lines_refused"]);
  });

  test("but not if they grew while nobody looked", () => {
    expect(losses([{ atMs: 1000 }, { atMs: 12_000, refused: 9 }, { atMs: 13_000, refused: 10 }])).toEqual([
      "",
      "",
      "lines_refused",
    ]);
  });

  test("but not while it is down, nor from before that", () => {
    expect(
      losses([
        { atMs: 1000 },
        { atMs: 2000, refused: 1 },
        { atMs: 3000, refused: 2, up: false },
        { atMs: 4000, refused: 2 },
      ]),
    ).toEqual(["", "lines_refused", "", ""]);
  });

  test("but not across a restart, after which everything is counted from 0", () => {
    expect(
      losses([
        { atMs: 1000, refused: 1 },
        { atMs: 2000, refused: 2 },
        { atMs: 2500, refused: 8, startedAtMs: 9000 },
        { atMs: 3500, refused: 3, startedAtMs: 9000 },
      ]),
    ).toEqual(["", "lines_refused", "", ""]);
  });
});

test("a node that is not in the list loses nothing", () => {
  expect(lossesNow(recentLosses(undefined, statusAt({ atMs: 1 })), "c")).toEqual([]);
});
