import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Account, BURST_MS, FairShare, SHARE } from "../../src/server/fairShare.ts";

interface Client {
  readonly name: string;
  /** Of each of its steps. */
  readonly stepMs: number;
  readonly account: Account;
}

function clientOf(name: string, stepMs: number): Client {
  return { name, stepMs, account: { debtMs: 0, atMs: 0 } };
}

/** Serves for so long, on a clock that only the clients' steps and the waits between them move. */
function serve(
  share: FairShare<Client>,
  untilMs: number,
  nowMs: number,
  onStep: (client: Client, atMs: number) => void,
) {
  let atMs = nowMs;
  while (atMs < untilMs) {
    const client = share.next(atMs);
    if (client === undefined) {
      atMs += Math.max(0.01, share.waitMs(atMs) ?? untilMs - atMs);
      continue;
    }
    atMs += client.stepMs;
    share.spent(client, client.stepMs, atMs);
    onStep(client, atMs);
  }
  return atMs;
}

const stepMs = fc.double({ min: 0.005, max: 3, noNaN: true });
const clientsOf = fc
  .array(stepMs, { minLength: 1, maxLength: 40 })
  .map((steps) => steps.map((stepMs, i) => clientOf(`${i}`, stepMs)));

describe("clients that never stop asking", () => {
  test("get no more than their share of the time, and a burst", () => {
    fc.assert(
      fc.property(clientsOf, fc.integer({ min: 10, max: 5000 }), (clients, spanMs) => {
        const share = new FairShare<Client>(0);
        for (const client of clients) share.ask(client);
        let spentMs = 0;
        const endMs = serve(share, spanMs, 0, (client) => {
          spentMs += client.stepMs;
        });
        const oneStepMs = Math.max(...clients.map((client) => client.stepMs));
        expect(spentMs).toBeLessThanOrEqual(BURST_MS + SHARE * endMs + oneStepMs + 1e-6);
        // And no less, as long as there is somebody to be served.
        expect(spentMs).toBeGreaterThanOrEqual(SHARE * spanMs - oneStepMs - 1);
      }),
      { numRuns: 50 },
    );
  });

  test("are all served, again and again", () => {
    fc.assert(
      fc.property(clientsOf, (clients) => {
        const share = new FairShare<Client>(0);
        const steps = new Map(clients.map((client) => [client, 0]));
        for (const client of clients) share.ask(client);
        serve(share, 20_000, 0, (client) => void steps.set(client, (steps.get(client) ?? 0) + 1));
        expect(Math.min(...steps.values())).toBeGreaterThan(1);
      }),
      { numRuns: 20 },
    );
  });

  test("let one pass who has asked nothing yet", () => {
    fc.assert(
      fc.property(clientsOf, fc.integer({ min: 1000, max: 3000 }), (hogs, atMs) => {
        const share = new FairShare<Client>(0);
        for (const hog of hogs) share.ask(hog);
        const nowMs = serve(share, atMs, 0, () => {});
        const fresh = clientOf("fresh", 0.05);
        share.ask(fresh);
        const served: { name: string; atMs: number }[] = [];
        serve(share, nowMs + 100, nowMs, ({ name }, at) => void served.push({ name, atMs: at }));
        const first = served.findIndex(({ name }) => name === "fresh");
        // Those that were forgiven all that they used are as good as it, but it waits for no one twice.
        expect(first).toBeGreaterThanOrEqual(0);
        expect(new Set(served.slice(0, first).map(({ name }) => name)).size).toBe(first);
      }),
      { numRuns: 50 },
    );
  });
});

test("128 that never stop do not keep one waiting who asks now and then", () => {
  const share = new FairShare<Client>(0);
  for (let i = 0; i < 128; i++) share.ask(clientOf(`hog ${i}`, 0.5));
  const polite = clientOf("polite", 0.1);
  let nowMs = serve(share, 5000, 0, () => {});
  for (let asked = 0; asked < 20; asked++) {
    share.ask(polite);
    let answeredMs = Number.POSITIVE_INFINITY;
    const endMs = serve(share, nowMs + 200, nowMs, (client, atMs) => {
      if (client !== polite) return;
      answeredMs = atMs;
      share.leave(polite);
    });
    expect(answeredMs - nowMs).toBeLessThan(20);
    nowMs = endMs;
  }
});

test("one that has used much is served although fresh ones never stop coming", () => {
  const share = new FairShare<Client>(0);
  const hog = clientOf("hog", 15);
  share.ask(hog);
  let nowMs = serve(share, 500, 0, () => {});
  let servedAtMs: number | undefined;
  // There is always a fresh one that waits, and more than there is time for.
  for (let i = 0; servedAtMs === undefined && nowMs < 60_000; i++) {
    const fresh = [0, 1, 2].map((j) => clientOf(`fresh ${i}.${j}`, 1));
    for (const client of fresh) share.ask(client);
    nowMs = serve(share, nowMs + 5, nowMs, (client, atMs) => {
      if (client === hog) servedAtMs = atMs;
      else share.leave(client);
    });
    for (const client of fresh) share.leave(client);
  }
  expect(servedAtMs).toBeLessThan(15_000);
});

test("who asks at length comes behind who asks one thing, though neither has had a turn", () => {
  const share = new FairShare<Client>(0);
  const [long, short] = [clientOf("long", 1), clientOf("short", 1)];
  share.ask(long);
  share.owe(long, 0.1, 0);
  share.ask(short);
  share.owe(short, 0.001, 1);
  expect(share.next(1)).toBe(short);
  share.leave(short);
  expect(share.next(1)).toBe(long);
});

test("nobody is served who does not wait, and nobody waits who has left", () => {
  const share = new FairShare<Client>(0);
  const client = clientOf("a", 1);
  expect([share.next(0), share.waitMs(0)]).toEqual([undefined, undefined]);
  share.ask(client);
  share.ask(client);
  expect([share.next(0), share.waitMs(0)]).toEqual([client, 0]);
  share.leave(client);
  share.spent(client, 1, 1);
  expect([share.next(1), share.waitMs(1)]).toEqual([undefined, undefined]);
});

test("a rest, however long, is worth no more than a burst", () => {
  const share = new FairShare<Client>(0);
  const client = clientOf("a", 1);
  share.ask(client);
  let steps = 0;
  const restMs = 3_600_000;
  serve(share, restMs + BURST_MS, restMs, () => steps++);
  expect(steps).toBeLessThanOrEqual(BURST_MS + SHARE * BURST_MS + 1);
});

test("those who owe as much take turns", () => {
  const share = new FairShare<Client>(0);
  const clients = ["a", "b", "c"].map((name) => clientOf(name, 10));
  for (const client of clients) share.ask(client);
  // Each turn costs more than anybody can owe.
  const order: string[] = [];
  serve(share, 1000, 0, ({ name }) => void order.push(name));
  expect(order.length).toBeGreaterThan(15);
  expect(order.every((name, i) => name === "abc"[i % 3])).toBe(true);
});

test("what was overdrawn is waited for", () => {
  const share = new FairShare<Client>(0);
  const client = clientOf("a", 1);
  share.ask(client);
  for (let i = 0; i < 7; i++) share.spent(client, 10, 0);
  expect(share.next(0)).toBeUndefined();
  const waitMs = share.waitMs(0) as number;
  expect(waitMs).toBeGreaterThan((70 - BURST_MS) / SHARE);
  expect(share.next(waitMs - 10)).toBeUndefined();
  expect(share.next(waitMs)).toBe(client);
});

test("a turn that the machine interrupted for seconds keeps nobody waiting for long", () => {
  const share = new FairShare<Client>(0);
  const client = clientOf("a", 1);
  share.ask(client);
  for (let i = 0; i < 10; i++) share.spent(client, 5, 0);
  share.spent(client, 3000, 3000);
  expect(share.waitMs(3000)).toBeLessThan(200);
});

test("clients with equal debts take turns, even when their steps take no measurable time", () => {
  const share = new FairShare<Client>(0);
  const clients = ["a", "b", "c"].map((name) => clientOf(name, 0));
  for (const client of clients) share.ask(client);
  const served = Array.from({ length: 6 }, () => {
    const client = share.next(0);
    if (client !== undefined) share.spent(client, 0, 0);
    return client?.name;
  });
  expect(served).toEqual(["a", "b", "c", "a", "b", "c"]);
});
