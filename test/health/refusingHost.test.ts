import { expect, test } from "bun:test";
import { REFUSES_AGAIN_MS, RefusingHost, RefusingHosts } from "../../src/health/refusingHost.ts";

test("a host that is far away cannot refuse again at once; this machine can", () => {
  const far = new RefusingHost("10.0.0.2");
  const here = [new RefusingHost("127.0.0.1"), new RefusingHost("::1")];
  for (const host of [far, ...here]) host.refused(500);
  expect(far.refusesFromMs).toBe(500 + REFUSES_AGAIN_MS);
  expect(here.map((host) => host.refusesFromMs)).toEqual([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
});

test("who takes a host waits for those before, and who leaves before its turn never gets it", () => {
  const host = new RefusingHost("10.0.0.2");
  const ran: number[] = [];
  const who = [{}, {}, {}];
  for (const [i, one] of who.entries()) host.take(one, () => ran.push(i));
  expect(ran).toEqual([0]);
  host.leave(who[1]);
  expect(ran).toEqual([0]);
  host.leave(who[0]);
  expect(ran).toEqual([0, 2]);
  host.leave(who[2]);
  host.take(who[1], () => ran.push(1));
  expect(ran).toEqual([0, 2, 1]);
});

test("nobody waits for this machine, which refuses each datagram", () => {
  const host = new RefusingHost("127.0.0.1");
  let ran = 0;
  for (const who of [{}, {}]) host.take(who, () => ran++);
  expect(ran).toBe(2);
});

test("nodes at one address share what is known of it, and addresses are forgotten before they are too many", () => {
  const hosts = new RefusingHosts();
  const first = hosts.of("10.0.0.2");
  expect(hosts.of("10.0.0.2")).toBe(first);
  expect(hosts.of("10.0.0.3")).not.toBe(first);
  for (let i = 0; i < 5000; i++) hosts.of(`10.1.${i >> 8}.${i & 255}`);
  expect(hosts.of("10.0.0.2")).not.toBe(first);
});
