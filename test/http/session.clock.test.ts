/** HTTP conversations on a fake network and a manual clock. */
import { expect, test } from "bun:test";
import { ManualClock } from "../support/clocks.ts";
import { FakeNetwork } from "../support/fakeNetwork.ts";
import { openHttp } from "../support/http.ts";

const ASK = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

function connected() {
  const [network, clock] = [new FakeNetwork(), new ManualClock()];
  const { cuts, codes } = openHttp({ network, clock, nodes: 100 });
  const client = network.servers[0].connect();
  const say = (text: string) => {
    client.send(text);
    clock.advance(1);
  };
  return { network, clock, client, say, cuts, codes };
}

function answersIn(text: string): number {
  return text.split("HTTP/1.1 200 OK\r\n").length - 1;
}

test("the timeout is 30 seconds, from the first byte of a request or the end of an answer", () => {
  const { network, client: slow, say, cuts } = connected();
  expect(slow.timeouts).toEqual([30]);
  say(ASK);
  say("GET / HT");
  say("TP/1.1\r\n");
  expect(slow.timeouts).toEqual([30, 30, 30, 30]);
  const silent = network.servers[0].connect();
  for (const client of [silent, slow]) client.timeOut();
  expect([silent.isTerminated, slow.isTerminated]).toEqual([true, true]);
  expect(cuts).toEqual(["idle", "slow"]);
});

test("a client that does not read is not taken for one that says nothing", () => {
  const { client, say, cuts } = connected();
  client.reads = 0;
  say(ASK);
  client.timeOut();
  expect(cuts).toEqual(["unread"]);
});

test("pipelined requests are answered in order, and counted", () => {
  const { client, say, codes } = connected();
  say(ASK.repeat(3));
  expect(answersIn(client.text)).toBe(3);
  expect(codes).toEqual([200, 200, 200]);
  expect([client.isEnded, client.isTerminated]).toEqual([false, false]);
});

test("a client that closes its sending half is answered, and then the connection ends", () => {
  const { clock, client } = connected();
  client.send(`${ASK}GET / HT`);
  client.halfClose();
  clock.advance(1);
  expect(answersIn(client.text)).toBe(1);
  expect(client.isEnded).toBe(true);
});

test("a chunked answer ends, and the next answer follows", () => {
  const { client, say, clock } = connected();
  say(`GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n${ASK}`);
  clock.advance(1000);
  expect(client.text).toMatch(/\r\n0\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  expect(answersIn(client.text)).toBe(2);
});

test("a request with a body is the last that is answered", () => {
  const { client, say } = connected();
  say(`GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: ${ASK.length}\r\n\r\n${ASK}`);
  expect(answersIn(client.text)).toBe(1);
  expect(client.isEnded).toBe(true);
});
