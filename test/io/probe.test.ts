import { expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { type Probe, probe } from "../../src/io/probe.ts";
import { MANNERS, ManagementPort, type Manners } from "../support/management.ts";
import { boundPort, fullPort, RAW_PORTS_WORK } from "../support/rawPort.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

/** Long, where the result comes by itself; short, where it is that nothing came. */
const LONG_MS = 20_000;
const SHORT_MS = 100;

/** The result of one check. */
async function result(port: number, timeoutMs: number, parts: Partial<Probe> = {}): Promise<string | undefined> {
  const results: (string | undefined)[] = [];
  const abandon = probe({ host: "127.0.0.1", port, timeoutMs, ...parts }, (failure) => results.push(failure));
  onTestFinished(abandon);
  await until("a result", () => results.length > 0);
  // What else the connection has to say must not make a second result.
  await new Promise((resolve) => setImmediate(resolve));
  expect(results).toHaveLength(1);
  return results[0];
}

/** A management port that answers so. */
function portOf(manners: Manners): number {
  return new ManagementPort({ manners }).port;
}

test.each<[what: string, manners: Manners, failure: string | undefined]>([
  ["up", MANNERS.up, undefined],
  ["up without a line end", (client) => void client.write("up"), undefined],
  ["up in single bytes", MANNERS.bytewise, undefined],
  ["up, and then the end", (client) => void client.end("health: up\n"), undefined],
  ["up behind other text", (client) => void client.write(`${"x".repeat(1000)}\nhealth: up\n`), undefined],
  ["down, and then the end", (client) => void client.end("health: down\n"), "answer without up"],
  ["garbage, and then the end", (client) => void client.end("\0\xff\r\n"), "answer without up"],
  ["too much", MANNERS.endless, "answer too long"],
  ["the end", MANNERS.closing, "closed without an answer"],
  ["a reset", MANNERS.resetting, "ECONNRESET"],
])("a management port that answers %s", async (_, manners, failure) => {
  expect(await result(portOf(manners), LONG_MS)).toBe(failure);
});

test.each<[what: string, manners: Manners, failure: string]>([
  ["says nothing", MANNERS.silent, "no answer"],
  ["says down and no more", MANNERS.down, "answer without up"],
  ["says garbage and no more", MANNERS.garbage, "answer without up"],
])("a management port that %s, until the time is up", async (_, manners, failure) => {
  expect(await result(portOf(manners), SHORT_MS)).toBe(failure);
});

test.skipIf(!RAW_PORTS_WORK)("a port that refuses (Linux only)", async () => {
  expect(await result(boundPort(), LONG_MS)).toBe("ECONNREFUSED");
});

test.skipIf(!RAW_PORTS_WORK)("a port that never connects (Linux only)", async () => {
  expect(await result(fullPort(), SHORT_MS)).toBe("no answer");
});

test("the question is Etsy's", async () => {
  const management = new ManagementPort();
  expect(await result(management.port, LONG_MS)).toBeUndefined();
  expect(management.questions).toEqual(["health\r\n"]);
});

test("a check that is abandoned reports nothing, and its connection ends", async () => {
  let open = 0;
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { open: () => void open++, close: () => void open--, data: () => {}, error: () => {} },
  });
  onTestFinished(() => listener.stop(true));
  const results: unknown[] = [];
  const abandon = probe({ host: "127.0.0.1", port: listener.port, timeoutMs: LONG_MS }, (failure) =>
    results.push(failure),
  );
  await until("the connection", () => open === 1);
  abandon();
  await until("its end", () => open === 0);
  abandon();
  expect(results).toEqual([]);
});

test("the connection is gone when the result is there", async () => {
  let open = 0;
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { open: () => void open++, close: () => void open--, data: MANNERS.up, error: () => {} },
  });
  onTestFinished(() => listener.stop(true));
  for (let i = 0; i < 20; i++) expect(await result(listener.port, LONG_MS)).toBeUndefined();
  await until("the end of all", () => open === 0);
});
