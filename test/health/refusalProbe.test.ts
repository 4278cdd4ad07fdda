import { describe, expect, onTestFinished, test } from "bun:test";
import type { CheckResult } from "../../src/health/checkPlan.ts";
import { Checks } from "../../src/health/checks.ts";
import { LOOKS_MAX, REFUSAL_WAIT_MS, RefusalProbe } from "../../src/health/refusalProbe.ts";
import { REFUSES_AGAIN_MS, RefusingHost } from "../../src/health/refusingHost.ts";
import { bunNetwork } from "../../src/net/bunNetwork.io.ts";
import { ManualClock } from "../support/clocks.ts";

const INTERVAL_MS = 1000;

describe("a look whether somebody listens", () => {
  function opened(error?: string) {
    const clock = new ManualClock();
    const results: CheckResult[] = [];
    let sent = 0;
    const send = () => {
      sent++;
      return error;
    };
    const host = new RefusingHost("127.0.0.1");
    const probe = new RefusalProbe({ send, isUp: () => true, host, refused: "nobody listens at a:1", clock });
    probe.ask((result) => results.push(result));
    expect(sent).toBe(1);
    return { clock, results, probe };
  }

  test("fails with a refusal, and one only", () => {
    const { clock, results, probe } = opened();
    expect(probe.refused()).toBe(true);
    expect(probe.refused()).toBe(false);
    clock.advance(2 * REFUSAL_WAIT_MS);
    expect(results).toEqual([{ outcome: "failed", reason: "nobody listens at a:1", sign: "refusal" }]);
  });

  test("passes with silence", () => {
    const { clock, results } = opened();
    clock.advance(REFUSAL_WAIT_MS - 1);
    expect(results).toEqual([]);
    clock.advance(1);
    expect(results).toEqual([{ outcome: "passed" }]);
  });

  test("is skipped when nothing could be sent, and silent once it is closed", () => {
    expect(opened("ENOBUFS").results).toEqual([{ outcome: "skipped", reason: "ENOBUFS" }]);
    const { clock, results, probe } = opened();
    probe.close();
    expect(probe.refused()).toBe(false);
    clock.advance(2 * REFUSAL_WAIT_MS);
    expect(results).toEqual([]);
  });
});

test("a look that is refused while it is sent is over, and none follows out of turn", () => {
  const clock = new ManualClock();
  const host = new RefusingHost("10.0.0.2");
  const results: string[] = [];
  let isUp = true;
  let sent = 0;
  const send = () => {
    sent++;
    host.refused(clock.nowMs());
    probe.refused();
    return undefined;
  };
  const probe: RefusalProbe = new RefusalProbe({ send, isUp: () => isUp, host, refused: "nobody listens", clock });
  const ask = () => probe.ask(({ outcome }) => results.push(outcome));
  ask();
  expect(results).toEqual(["failed"]);
  isUp = false;
  const other = {};
  host.take(other, () => {});
  ask();
  clock.advance(10 * REFUSES_AGAIN_MS);
  expect([sent, results]).toEqual([1, ["failed"]]);
  host.leave(other);
  expect([sent, results]).toEqual([2, ["failed", "failed"]]);
});

describe("a node without a check", () => {
  /** It goes down after two failed checks in a row. */
  function unchecked() {
    const clock = new ManualClock();
    const state = { isUp: true, sent: 0, isClosed: false, results: [] as string[], failures: 0 };
    const checks = new Checks({
      ...{ host: "127.0.0.1", port: 8130, check: undefined, intervalMs: INTERVAL_MS, clock, network: bunNetwork },
      refusingHost: new RefusingHost("127.0.0.1"),
      isUp: () => state.isUp,
      sendEmptyLine: () => {
        state.sent++;
        // The answer comes when the loop has gone on.
        if (state.isClosed) clock.setTimeout(() => void checks.refused(), 1);
        return undefined;
      },
      onCheck: (failure) => {
        state.results.push(failure ?? "up");
        state.failures = failure === undefined ? 0 : state.failures + 1;
        state.isUp = state.failures < 2;
      },
      onSkip: () => {},
    });
    onTestFinished(() => checks.stop());
    checks.start(0);
    return { clock, state, checks };
  }

  test("is never looked at while nothing is refused", () => {
    const { clock, state } = unchecked();
    clock.advance(1000 * INTERVAL_MS);
    expect(state.sent).toBe(0);
  });

  test("is down soon after one line was refused, and back when somebody listens again", () => {
    const { clock, state, checks } = unchecked();
    state.isClosed = true;
    checks.refused();
    clock.advance(250);
    const nobody = "nobody listens at 127.0.0.1:8130";
    expect(state.results).toEqual([nobody, nobody]);
    expect(state.isUp).toBe(false);
    clock.advance(10 * INTERVAL_MS);
    expect(state.sent).toBeLessThanOrEqual(2 + 10);
    expect(state.isUp).toBe(false);
    state.isClosed = false;
    clock.advance(INTERVAL_MS + REFUSAL_WAIT_MS);
    expect(state.isUp).toBe(true);
    const { sent } = state;
    clock.advance(1000 * INTERVAL_MS);
    expect(state.sent).toBe(sent);
  });

  test("stays up through a restart of 50 ms, however many lines are refused meanwhile", () => {
    const { clock, state, checks } = unchecked();
    state.isClosed = true;
    for (let i = 0; i < 50; i++) {
      for (let line = 0; line < 20; line++) checks.refused();
      clock.advance(1);
    }
    state.isClosed = false;
    clock.advance(3 * REFUSAL_WAIT_MS);
    expect(state.results).toEqual(["nobody listens at 127.0.0.1:8130", "up"]);
  });
});

describe("nodes on a host that answers once a second, whichever port is closed", () => {
  /** As Linux answers a remote host: one answer a second, and six at first. */
  function remote(count: number) {
    const clock = new ManualClock();
    const refusingHost = new RefusingHost("10.0.0.2");
    const state = { tokens: 6, filledAtMs: 0, isClosed: Array.from({ length: count }, () => true) };
    const isAnswered = () => {
      const nowMs = clock.nowMs();
      state.tokens = Math.min(6, state.tokens + (nowMs - state.filledAtMs) / 1000);
      state.filledAtMs = nowMs;
      if (state.tokens < 1) return false;
      state.tokens--;
      return true;
    };
    const nodes = state.isClosed.map((_, i) => {
      const node = { isUp: true, changes: 0, failures: 0, send: () => {} };
      node.send = () => {
        if (state.isClosed[i] && isAnswered()) clock.setTimeout(() => checks.refused(), 1);
      };
      const checks = new Checks({
        ...{ host: "10.0.0.2", port: 8130 + i, check: undefined, intervalMs: INTERVAL_MS, clock, network: bunNetwork },
        refusingHost,
        isUp: () => node.isUp,
        sendEmptyLine: () => void node.send(),
        onCheck: (failure) => {
          node.failures = failure === undefined ? 0 : node.failures + 1;
          const isUp = node.failures < (node.isUp ? 2 : 1);
          if (isUp !== node.isUp) node.changes++;
          node.isUp = isUp;
        },
        onSkip: () => {},
      });
      onTestFinished(() => checks.stop());
      checks.start(0);
      return node;
    });
    /** Lines go to nodes that are up, by turns. */
    const relay = (ms: number) => {
      for (let i = 0; i < ms; i++) {
        const node = nodes[(i * 7) % count];
        if (node.isUp) node.send();
        clock.advance(1);
      }
    };
    return { state, nodes, relay };
  }

  test("all go down, and stay down", () => {
    const { nodes, relay } = remote(3);
    relay(30_000);
    expect(nodes.map(({ isUp }) => isUp)).toEqual([false, false, false]);
    relay(120_000);
    expect(nodes.map(({ changes }) => changes)).toEqual([1, 1, 1]);
  });

  test("one of them comes back, and the others stay down", () => {
    const { state, nodes, relay } = remote(3);
    relay(30_000);
    state.isClosed[1] = false;
    relay(10_000);
    expect(nodes.map(({ isUp }) => isUp)).toEqual([false, true, false]);
    relay(60_000);
    expect(nodes.map(({ changes }) => changes)).toEqual([1, 2, 1]);
  });

  test("all come back together", () => {
    const { state, nodes, relay } = remote(6);
    relay(40_000);
    expect(nodes.filter(({ isUp }) => isUp)).toEqual([]);
    state.isClosed.fill(false);
    relay(INTERVAL_MS + REFUSES_AGAIN_MS + 6 * 300 + REFUSAL_WAIT_MS);
    expect(nodes.filter(({ isUp }) => !isUp)).toEqual([]);
  });

  test("one alone goes down within two answers, and is back soon", () => {
    const { state, nodes, relay } = remote(1);
    relay(1500);
    expect(nodes[0].isUp).toBe(false);
    relay(60_000);
    expect(nodes[0].changes).toBe(1);
    state.isClosed[0] = false;
    relay(INTERVAL_MS + REFUSES_AGAIN_MS + REFUSAL_WAIT_MS);
    expect(nodes[0].isUp).toBe(true);
  });

  test("a host that never stops refusing others keeps none of them down for ever", () => {
    const clock = new ManualClock();
    const host = new RefusingHost("10.0.0.2");
    const results: CheckResult[] = [];
    let sent = 0;
    const send = () => void sent++;
    clock.setInterval(() => host.refused(clock.nowMs()), 200);
    const probe = new RefusalProbe({ send, isUp: () => false, host, refused: "", clock });
    probe.ask((result) => results.push(result));
    clock.advance(LOOKS_MAX * (REFUSES_AGAIN_MS + REFUSAL_WAIT_MS));
    expect([sent, results]).toEqual([LOOKS_MAX, [{ outcome: "passed" }]]);
  });
});
