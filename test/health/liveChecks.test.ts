import { expect, setDefaultTimeout, test } from "bun:test";
import { liveChecks } from "../../src/health/liveChecks.ts";
import { bunNetwork } from "../../src/net/bunNetwork.io.ts";
import { failedConnection } from "../../src/net/failedConnection.io.ts";
import type { TcpConnectionParts } from "../../src/net/network.ts";
import { systemClock } from "../../src/system/clock.io.ts";
import { MANNERS, ManagementPort } from "../support/management.ts";
import { freePort } from "../support/ports.ts";

setDefaultTimeout(30_000);

const PARTS = { intervalMs: 250, network: bunNetwork, clock: systemClock, whatElse: async () => undefined };

const statsd = (port: number) => ({ host: "127.0.0.1", check: { type: "statsd", port } as const });

test("each node is told in its place: passed, failed and why, not checked, without an address", async () => {
  const good = new ManagementPort();
  const silent = new ManagementPort({ manners: MANNERS.silent });
  const closed = await freePort();
  const nodes = [
    statsd(good.port),
    statsd(silent.port),
    statsd(closed),
    { host: "127.0.0.1", check: undefined },
    { host: undefined, check: { type: "tcp", port: good.port } as const },
    { host: "127.0.0.1", check: { type: "tcp", port: good.port } as const },
  ];
  const found = await liveChecks(nodes, PARTS);
  expect(found).toEqual([
    { text: expect.stringMatching(/^passed in \d+ ms$/), isFailure: false },
    { text: "failed: no answer in 0.25 s", isFailure: true },
    { text: `failed: nobody listens at 127.0.0.1:${closed}`, isFailure: true },
    { text: "no check: not asked", isFailure: false },
    { text: "failed: it has no address", isFailure: true },
    { text: expect.stringMatching(/^passed in \d+ ms$/), isFailure: false },
  ]);
  expect(good.questions.length).toBe(1);
});

test("one that answers, and is wrong for another reason, is a failure with that reason", async () => {
  const { port } = new ManagementPort();
  const asked: unknown[] = [];
  const whatElse = async (...of: unknown[]) => {
    asked.push(of);
    return "it is no good";
  };
  const [found] = await liveChecks([statsd(port)], { ...PARTS, whatElse });
  expect(found).toEqual({ text: expect.stringMatching(/^passed in \d+ ms, but it is no good$/), isFailure: true });
  expect(asked).toEqual([["127.0.0.1", port]]);
});

test("a lack of descriptors is no answer of a node's", async () => {
  const network = { connectTcp: (parts: TcpConnectionParts) => failedConnection("EMFILE", parts.onEnd) };
  const [found] = await liveChecks([statsd(1)], { ...PARTS, network });
  expect(found).toEqual({ text: "could not be asked: no file descriptor (EMFILE)", isFailure: true });
});

test("no more than 32 nodes are asked at a time, and all of them once", async () => {
  let open = 0;
  let most = 0;
  let asked = 0;
  const network = {
    connectTcp: ({ onBytes, onConnect }: Parameters<typeof bunNetwork.connectTcp>[0]) => {
      asked++;
      most = Math.max(most, ++open);
      setImmediate(onConnect);
      let isOpen = true;
      return {
        write: () => void setImmediate(() => onBytes(Buffer.from("health: up\n"))),
        destroy: () => {
          if (isOpen) open--;
          isOpen = false;
        },
      };
    },
  };
  const found = await liveChecks(
    Array.from({ length: 200 }, (_, i) => statsd(i + 1)),
    { ...PARTS, network },
  );
  expect({ most, asked, open, passed: found.filter(({ isFailure }) => !isFailure).length }).toEqual({
    most: 32,
    asked: 200,
    open: 0,
    passed: 200,
  });
});
